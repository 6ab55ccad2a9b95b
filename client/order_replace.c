#include "client/order_replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/link.h"
#include "client/order_set.h"
#include "client/out.h"
#include "client/view.h"

#define REASON_DEFAULT "遗失换发"

void order_replace_take(const struct args *args, struct items *revoked)
{
	const char *hash = order_set_text(args, "token_hash"), *reason = order_set_text(args, "reason");
	struct item_row row = {.columns = 1u << ITEM_TOKEN_HASH};

	items_init(revoked, ORDER_GRANT_REVOKE, 0);
	revoked->reason = reason != NULL ? reason : REASON_DEFAULT;
	row.cells[ITEM_TOKEN_HASH] = slice_text(hash != NULL ? hash : "");
	items_add(revoked, &row);
}

/* ---- asking the ledger */

static const json_t *grant_find(const json_t *page, const char *hash)
{
	const json_t *rows = json_object_get(page, "grants");

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(json_text_or(json_array_get(rows, i), "token_hash", ""), hash) == 0)
			return json_array_get(rows, i);
	return NULL;
}

static enum err page_get(struct link *link, const char *subject, const char *cursor, struct link_answer *ret_answer)
{
	struct buf path;
	enum err err;

	view_path_init(&path, "/v1/grants");
	view_path_query(&path, "subject", subject);
	buf_printf(&path, "&limit=%d", PAGE_ROWS_MAX);
	view_path_query(&path, "cursor", cursor);
	err = link_get(link, buf_text(&path), ret_answer);
	buf_done(&path);
	return err;
}

/* Of the grant of that hash, or NULL where no page has it. */
static enum exit_code grant_judge(const json_t *grant, const char *subject)
{
	const json_t *revoked_by = json_object_get(grant, "revoked_by");
	struct why why = {""};

	if (grant == NULL) {
		(void)why_set(&why, ERR_INVALID, "no code of this hash was granted to %s", subject);
		return out_fail(ERR_INVALID, &why, "nothing was signed; `subsidy grants` lists the hashes");
	}
	if (json_is_integer(revoked_by)) {
		(void)why_set(&why, ERR_INVALID, "entry %lld has revoked this code already",
		    (long long)json_integer_value(revoked_by));
		return out_fail(ERR_INVALID, &why, "nothing was signed; grant another with grant.add");
	}
	return EXIT_OK;
}

static enum exit_code pages_search(struct link *link, const char *subject, const char *hash)
{
	char *cursor = NULL;
	bool has_ended = false;
	enum exit_code code = EXIT_OK;

	while (code == EXIT_OK && !has_ended) {
		struct link_answer answer;
		const json_t *grant;
		const char *next;

		if (page_get(link, subject, cursor, &answer) != OK) {
			code = out_fail_answer(&answer);
			link_answer_done(&answer);
			break;
		}
		grant = grant_find(answer.json, hash);
		next = json_string_value(json_object_get(answer.json, "cursor"));
		has_ended = grant != NULL || next == NULL || (cursor != NULL && strcmp(cursor, next) == 0);
		if (has_ended)
			code = grant_judge(grant, subject);
		free(cursor);
		cursor = next != NULL ? strdup(next) : NULL;
		if (!has_ended && cursor == NULL)
			code = out_fail(ERR_MEMORY, NULL, NULL);
		link_answer_done(&answer);
	}
	free(cursor);
	return code;
}

enum exit_code order_replace_check(const struct settings *settings, const struct args *args, const char *subject)
{
	struct why why = {""};
	struct link *link;
	enum exit_code code;
	enum err err;

	if (settings->server == NULL || settings->token == NULL)
		return EXIT_OK;
	err = link_open(settings, &link, &why);
	if (err != OK)
		return out_fail(err, &why, NULL);
	code = pages_search(link, subject, order_set_text(args, "token_hash"));
	link_close(link);
	return code;
}

/* ---- signing */

static enum err part_sign(const struct order_draft *draft, unsigned number, const struct signers *signers,
    struct bundle *bundle, struct why *why)
{
	struct order_draft part = *draft;
	char id[ORDER_ID_SIZE_MAX + 1];
	int size = snprintf(id, sizeof(id), "%s-%u", draft->id, number);

	if (size < 0 || (size_t)size >= sizeof(id))
		return why_set(why, ERR_ORDER, "the id \"%s\" leaves no room for a number behind it", draft->id);
	part.id = id;
	return draft_sign(&part, signers->signers, signers->count, bundle, why);
}

enum err order_replace_sign(const struct order_draft *add, const struct items *revoked, const struct signers *signers,
    struct bundle *bundle, struct why *why)
{
	struct order_draft revoke = *add;
	enum err err;

	revoke.type = ORDER_GRANT_REVOKE;
	revoke.items = &revoked->items[0].line;
	revoke.item_count = 1;
	/* A hash that is wrong ends it before another code is good. */
	err = part_sign(&revoke, 1, signers, bundle, why);
	return err == OK ? part_sign(add, 2, signers, bundle, why) : err;
}
