#include "client/consistency.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/kept.h"
#include "client/tileproof.h"

enum err consistency_ask(
    struct link *link, uint64_t from, uint64_t to, struct tree_path *ret_path, struct link_answer *ret_answer)
{
	struct link_request request = {
	    .door = LINK_SERVER, .is_anonymous = true, .timeout_s = MONITOR_REQUEST_TIMEOUT_S};
	char path[128];

	(void)snprintf(path, sizeof(path), "/v1/consistency?from=%" PRIu64 "&to=%" PRIu64, from, to);
	request.path = path;
	if (link_ask(link, &request, ret_answer) == OK) {
		if (!kept_path_read(ret_answer->json, ret_path))
			ret_answer->err = why_set(&ret_answer->why, ERR_PROOF, "the answer is not a consistency proof");
	} else if (ret_answer->err == ERR_NOT_FOUND && ret_answer->json == NULL) {
		/* No problem document: files, not a ledger's daemon. */
		ret_answer->err = tileproof_consistency(link, from, to, ret_path, &ret_answer->why);
	}
	return ret_answer->err;
}
