/*
 * Views: what the ledger says, as JSON, in one read transaction. Pure reading: no clock, no log; `size` is the asked
 * ledger size (0 < size <= that of the transaction), at its head or earlier. Amounts are decimal strings.
 *
 * At the head an enterprise's figures come from its cells; at an earlier size its chain is folded again, bounded by
 * AS_OF_WALK_MAX (ERR_TOO_LARGE says so). See history.h.
 */
#ifndef DAEMON_QUERY_H
#define DAEMON_QUERY_H

#include <jansson.h>

#include "daemon/history.h"

/*
 * What an answer about one enterprise at the head of the ledger depends on: as long as it is equal, so is the answer,
 * but for the size of the ledger that it tells.
 *
 * It is complete because of what the fold writes. Cells, register row, relations, what was done to trades, and so caps:
 * all of them change with an entry on the chain of the enterprise, which moves last_index (fold_record, fold_set_links).
 * Whatever else an answer names (policies in force, venues, rules) changes by an order, and every order that ever came
 * has its row.
 */
struct query_stamp {
	uint64_t last_index;		/* the newest entry that concerns it; 0: of no answer that may be kept */
	uint64_t order_count;
};
/* Of the transaction. last_index is 0 for a code that no entry concerns. Errors stick to the transaction. */
struct query_stamp query_stamp(struct store_txn *txn, const struct code *code);

/* An answer, and what may be remembered of it (answers.h). */
struct query_answer {
	struct buf text;		/* one line of JSON */
	size_t size_start, size_end;	/* in it: the digits of the ledger's size */
	struct query_stamp stamp;	/* last_index is 0 where an earlier size was asked for */
	struct array caps;		/* of struct history_cap, each policy once: what is known before, and then */
};
void query_answer_init(struct query_answer *answer);
void query_answer_done(struct query_answer *answer);

/* Body of the answer of the same name in the API. */
enum err query_enterprise(struct store_txn *txn, const struct code *code, uint64_t size, struct query_answer *answer,
    struct why *why) must_check;
/* Bodies of the answers of the same name in the API. The caller owns *ret_json. `caps` as in struct query_answer. */
enum err query_explain(struct store_txn *txn, const struct code *code, uint64_t size, const char *policy_id,
    struct array *caps, json_t **ret_json, struct why *why) must_check;

/*
 * A page of rows. `after` is where the page before ended (0: from the start; for trades the ledger index of its last
 * row, for the list a count of rows); ret_after is 0 at the end. ERR_BAD_REQUEST where `after` is not such a place.
 */
struct query_page {
	uint64_t after;
	size_t limit;
	uint64_t ret_after;
	uint64_t size;			/* of the ledger that all pages are of; 0 where they need not be of one */
};
enum err query_trades(struct store_txn *txn, const struct code *code, uint64_t size, struct query_page *page, json_t **ret_json,
    struct why *why) must_check;

enum list_sort { LIST_BY_CODE = 1, LIST_BY_AWARD, LIST_BY_VOLUME };
struct list_query {
	uint64_t size;
	enum list_sort sort;
	const char *policy_id;		/* NULL: the first by id */
	const char *list;		/* NULL: all */
	struct slice find;		/* part of a code or name; empty: all */
	struct query_page page;		/* `after` counts rows of the sorted list */
};
enum err query_list(struct store_txn *txn, struct list_query *query, json_t **ret_json, struct why *why) must_check;

enum err query_policies(struct store_txn *txn, uint64_t size, json_t **ret_json, struct why *why) must_check;
/* `now_us` only to say how many days a venue has been silent. */
enum err query_overview(struct store_txn *txn, uint64_t now_us, json_t **ret_json, struct why *why) must_check;

/* One entry: its envelope, and its bytes. ERR_DAMAGED, ERR_MEMORY. */
enum err query_entry(struct store_txn *txn, uint64_t index, json_t **ret_json) must_check;

/*
 * Statements: an enterprise's chain below page->size, newest first, each entry with its inclusion path at that size, a
 * record with its proof in the feed, an effect with the officers' note and its own item line alone. An entry that the
 * enterprise may not see is its leaf's hash alone. `checkpoint` is the note of that size, on the first page; NULL: none.
 * A page ends at its limit of rows, or before STATEMENT_PAGE_SIZE_MAX bytes. ERR_NOT_FOUND for a code that no entry
 * below the size concerned, ERR_BAD_REQUEST for an `after` that is not on the chain.
 */
struct statement_query {
	const struct code *code;
	const struct ledger_identity *identity;
	const struct slice *checkpoint;
	struct query_page page;
};
enum err query_statement(struct store_txn *txn, struct statement_query *query, json_t **ret_json, struct why *why) must_check;
/* Genesis and the orders without items below page->size, newest first: what the bureau did that is no single firm's
 * business. Reads at most ACTS_WALK_MAX orders, so that a page may have no rows and yet not be the last. */
enum err query_acts(struct store_txn *txn, struct query_page *page, json_t **ret_json) must_check;

/* A tlog-proof of a record in its feed, under the note of the push that brought it. ERR_DAMAGED, ERR_MEMORY. */
enum err query_feed_proof(struct store_txn *txn, const struct feed *feed, uint64_t index, struct buf *ret_proof) must_check;

/* Grants of access in the order in which they were given. */
struct grants_query {
	const struct grant *subject;	/* NULL: all; of this one only subject and name are looked at */
	struct query_page page;		/* `after` counts rows */
};
enum err query_grants(struct store_txn *txn, struct grants_query *query, json_t **ret_json) must_check;

enum err query_feed(struct store_txn *txn, const struct venue *venue, json_t **ret_json, struct why *why) must_check;
struct records_query {
	uint32_t generation;		/* 0: the open one */
	uint64_t from;
	size_t limit;
	bool is_not_counted_only;
};
enum err query_records(struct store_txn *txn, const struct venue *venue, const struct records_query *query, json_t **ret_json,
    struct why *why) must_check;
/* A push entry, decoded into the arena; ERR_DAMAGED where there is none. And the PUSH object of the API for it. */
enum err query_push_read(struct store_txn *txn, uint64_t push_index, struct arena *arena, struct entry *ret_entry) must_check;
void query_push_text(uint64_t push_index, const struct entry *entry, struct buf *ret_json);

#endif
