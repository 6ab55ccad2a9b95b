/* What the API's own files share: readings, parameters, commands, receipts. Nobody else includes this. */
#ifndef DAEMON_API_INTERNAL_H
#define DAEMON_API_INTERNAL_H

#include "daemon/api.h"
#include "daemon/logline.h"
#include "daemon/query.h"

/* A GET on its way through a worker. */
struct reading {
	struct job job;
	struct api *api;
	struct http_request *request;
	const struct route *route;
	/* What was asked; points into the request. */
	const struct target *target;
	struct slice subject, bearer;
	uint64_t now_us;
	/* The newest checkpoint; taken before the transaction begins, so that this holds whatever it covers. */
	struct head head;
	struct head published;		/* the one that /checkpoint serves; covers no more */
	/* Found in the worker. */
	struct viewer viewer;
	/* The answer. */
	enum err err;
	struct why why;
	struct query_answer answer;	/* of a route that is remembered: with what is known of its enterprise already */
	json_t *json;			/* unless `answer` has a text */
	const char *content_type;	/* set where the answer is `body`, and no JSON */
	const char *cache_control;	/* of that; NULL: not to be kept */
	struct buf body;
};

/* Bytes of a tlog-proof. */
#define RECEIPT_SIZE_MAX                                                                                               \
	(BASE64_SIZE(ENTRY_SIZE_MAX) + PROOF_HASHES_MAX * (BASE64_SIZE(HASH_SIZE) + 1) + CHECKPOINT_SIZE_MAX + 128)

/* The venue that the path names, and the feed: `generation` of it, or the open one. ERR_NOT_FOUND, ERR_BAD_REQUEST. */
struct api_feed_named {
	struct venue venue;
	uint32_t generation;
	struct feed feed;
};
enum err api_find_feed(struct reading *reading, struct store_txn *txn, struct api_feed_named *ret_named) must_check;

/* Parameters: each is ERR_BAD_REQUEST, with what would be right. An absent one leaves *ret_value as it is. */
enum err api_number(const struct target *target, const char *name, uint64_t max, uint64_t *ret_value, struct why *why) must_check;
/* "1" or nothing at all. */
enum err api_flag(const struct target *target, const char *name, bool *ret_value, struct why *why) must_check;
/* NUL-terminated, at most size - 1 bytes. */
enum err api_text(const struct target *target, const char *name, size_t size, char *ret_text, struct why *why) must_check;
/* `limit`, with its default. */
enum err api_limit(const struct target *target, size_t *ret_limit, struct why *why) must_check;
/* `as_of`: a size, or the day at whose end; without it the whole ledger of the transaction. Also ERR_DAMAGED. */
enum err api_as_of(const struct target *target, struct store_txn *txn, uint64_t *ret_size, struct why *why) must_check;
/* `cursor` and `limit`; and the "cursor" member of the answer. ERR_MEMORY. */
enum err api_page_begin(struct reading *reading, struct query_page *ret_page) must_check;
enum err api_page_end(struct reading *reading, const struct query_page *page) must_check;

/*
 * Begins the log line of a request: who asked, how it ended, and the route by its pattern. Paths and parameters are
 * left out: somebody may have put an access code there. `why` may be NULL.
 */
void api_log_begin(const struct http_request *request, enum err err, const struct why *why, struct logline *ret_line);

/* Gives a command to the writer. ERR_OVERLOADED, ERR_STOPPING, ERR_ROLLED_BACK. */
enum err api_submit(struct api *api, struct command *command) must_check;
/* Why new entries would be refused now; OK when they would not. */
enum err api_obstacle(const struct api *api);
/* First call of a command's `done`. */
void api_command_is_back(struct api *api);

/* Answers with a problem; what is the machine's fault is logged. `extra` is taken over. */
void api_refuse(struct http_request *request, enum err err, const struct why *why, json_t *extra);
/* The same for a push, an order or cosignatures: counts it, and logs its line. */
struct refusal {
	const char *venue;		/* NULL: none */
	enum err err;
	const struct why *why;
	json_t *extra;
};
void api_refuse_command(struct api *api, struct http_request *request, const struct refusal *refusal);
/* Submits the job, or runs it here where the pool can't take it: for the answer to what is stored already. */
void api_run_receipt(struct api *api, struct job *job);

/*
 * The head that `/checkpoint` shows, and that what is made to be kept for long is made under. Any thread; to be taken
 * before a transaction begins, which then holds whatever the head covers.
 */
void api_published(const struct api *api, struct head *ret_head);

/* A checkpoint that somebody brought, once a key of this ledger has signed it. ERR_NOTE, ERR_FEED_ORIGIN,
 * ERR_UNKNOWN_KEY, ERR_SIGNATURE. */
enum err api_read_own_checkpoint(struct store_txn *txn, const struct note *note, struct checkpoint *ret_checkpoint,
    struct why *why) must_check;
/* Is such a checkpoint one of this ledger's history? ERR_ROLLED_BACK with `who` showed it; ERR_DAMAGED. */
enum err api_check_history(
    struct store_txn *txn, const struct checkpoint *checkpoint, const char *who, struct why *why) must_check;
/* Where it is not: the daemon ends. Loop thread. */
void api_stop_rolled_back(struct api *api, const struct why *why);

/* The receipt of an entry under a published head that covers it. ERR_MEMORY, ERR_DAMAGED. */
enum err api_receipt(struct store_txn *txn, const struct head *head, uint64_t index, json_t **ret_receipt) must_check;
/* The answer to a push, for the push entry at `push_index`. */
struct push_answer {
	const char *venue_id;
	uint32_t generation;		/* of the feed that holds it */
	uint64_t feed_size, new_count, held_count;
	bool is_told_again;		/* all of the entry's records are held, however many those are */
	uint64_t push_index;
	const struct head *head;
};
/* Bytes of such an answer: in a JSON string each newline of the receipt takes two. */
#define PUSH_TEXT_SIZE_MAX (RECEIPT_SIZE_MAX + PROOF_HASHES_MAX + CHECKPOINT_SIZE_MAX + 1024)
/* As JSON and a newline, into a buffer of PUSH_TEXT_SIZE_MAX; the source is of a transaction that holds the head's entries.
 * ERR_MEMORY, ERR_DAMAGED. */
enum err api_push_text(struct ledger_source *source, const struct push_answer *answer, struct buf *ret_text) must_check;

/* The routes. */
void api_push(struct api *api, struct http_request *request, struct slice venue_id);
void api_order(struct api *api, struct http_request *request, struct slice subject);
void api_checkpoint(struct api *api, struct http_request *request, struct slice subject);
void api_candidate(struct api *api, struct http_request *request, struct slice subject);
void api_cosignatures(struct api *api, struct http_request *request, struct slice subject);
void api_health(struct api *api, struct http_request *request, struct slice subject);
void api_ready(struct api *api, struct http_request *request, struct slice subject);
void api_metrics(struct api *api, struct http_request *request, struct slice subject);
enum err api_feed(struct reading *reading, struct store_txn *txn) must_check;
enum err api_feed_records(struct reading *reading, struct store_txn *txn) must_check;
enum err api_feed_receipt(struct reading *reading, struct store_txn *txn) must_check;
enum err api_enterprises(struct reading *reading, struct store_txn *txn) must_check;
enum err api_enterprise(struct reading *reading, struct store_txn *txn) must_check;
enum err api_trades(struct reading *reading, struct store_txn *txn) must_check;
enum err api_explain(struct reading *reading, struct store_txn *txn) must_check;
enum err api_statement(struct reading *reading, struct store_txn *txn) must_check;
enum err api_acts(struct reading *reading, struct store_txn *txn) must_check;
enum err api_ledger(struct reading *reading, struct store_txn *txn) must_check;
enum err api_keys(struct reading *reading, struct store_txn *txn) must_check;
enum err api_head(struct reading *reading, struct store_txn *txn) must_check;
enum err api_policies(struct reading *reading, struct store_txn *txn) must_check;
enum err api_grants(struct reading *reading, struct store_txn *txn) must_check;
enum err api_overview(struct reading *reading, struct store_txn *txn) must_check;
enum err api_tile(struct reading *reading, struct store_txn *txn) must_check;
enum err api_bundle(struct reading *reading, struct store_txn *txn) must_check;
enum err api_feed_tile(struct reading *reading, struct store_txn *txn) must_check;
enum err api_proof(struct reading *reading, struct store_txn *txn) must_check;
enum err api_consistency(struct reading *reading, struct store_txn *txn) must_check;
enum err api_feed_proof(struct reading *reading, struct store_txn *txn) must_check;
enum err api_entry(struct reading *reading, struct store_txn *txn) must_check;

/* [{"origin","ledger_id","size"}]: the ledgers that this one continues. NULL on lack of memory. */
json_t *api_past_json(const struct api *api);

#endif
