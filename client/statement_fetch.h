/*
 * Fetching a statement: every page of an enterprise's chain and of the acts, the claim where the chain ends, and what
 * each policy comes to at that size. Each row is checked before it is written, all of them into a stage.
 */
#ifndef CLIENT_STATEMENT_FETCH_H
#define CLIENT_STATEMENT_FETCH_H

#include "client/kept.h"
#include "client/pin.h"
#include "client/progress.h"
#include "client/stage.h"
#include "client/statement_row.h"
#include "proto/array.h"
#include "proto/usci.h"

struct statement_fetch {
	/* Given. */
	struct link *link;
	const struct ledger_id *ledger;
	const char *path;		/* "/v1/enterprises/<code>" */
	struct stage *stage;		/* NULL for statement_fetch_until */

	/* Found. */
	char code[USCI_SIZE + 1];
	struct kept_head head;		/* the checkpoint that everything is under */
	uint64_t newest_index;		/* of the chain */
	uint64_t entry_count, withheld_count, act_count;
	bool has_claim;			/* a head note came */
	json_t *policies;		/* [{"policy","version","index","eligible_volume","award"}] */
	json_t *vkeys;			/* [the ledger's keys that are valid at the size] */

	/* Of statement_fetch_until: tlog-proofs of the entry it came to and of the one that leads to it. Empty where there is
	 * none, and where it is withheld. */
	uint64_t floor;
	struct buf last_proof, before_proof;

	/* Under way. */
	struct statement_row row;
	uint64_t last_index;		/* of the row before, of the chain or of the acts */
	struct statement_link link_on;	/* and where that may lead */
	struct array wanted_acts;	/* of uint64_t: orders that entries are of, each once, to be found among the acts */
	struct progress progress;
};

void statement_fetch_init(struct statement_fetch *fetch);
void statement_fetch_done(struct statement_fetch *fetch);
/* Complains by itself; EXIT_UNVERIFIED where something is not proven, and nothing is to be believed of it. */
enum exit_code statement_fetch_all(struct statement_fetch *fetch) must_check;
/*
 * Keeps nothing: follows the chain from its newest entry to the first one below `floor`, which is then last_index. Where
 * there is none such, last_index is not below it. Complains as statement_fetch_all.
 */
enum exit_code statement_fetch_until(struct statement_fetch *fetch, uint64_t floor) must_check;

#endif
