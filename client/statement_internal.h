/* What the files of the check of a statement share, and nobody else includes. */
#ifndef CLIENT_STATEMENT_INTERNAL_H
#define CLIENT_STATEMENT_INTERNAL_H

#include "client/statement_files.h"
#include "client/statement_json.h"
#include "client/statement_verify.h"
#include "proto/life.h"
#include "proto/offices.h"

/* A trade of the chain that took its number: all that later entries are measured by. */
struct statement_trade {
	uint64_t index;
	struct hash number;		/* of venue and trade_no */
	struct code supplier, buyer;
	uint64_t amount_fen, tax_fen;
	enum disposition disposition;
	struct touched touched;		/* so far */
	struct slice name;		/* what it calls the enterprise; in `kept` */
};

/* A trade record's entry, counted or not; the bytes are in `kept`. */
struct statement_record {
	uint64_t index, trade_index;
	struct slice bytes;
};

/* The number that a record took, which no other record of the venue may count under. */
struct statement_number {
	struct hash number;
	uint64_t index;
};

struct statement {
	/* Given. */
	const char *folder;
	const struct statement_check *check;

	/* Read. */
	struct statement_head head;
	struct buf checkpoint_bytes;
	struct note checkpoint_note;
	struct checkpoint checkpoint;
	bool is_signed_directly;	/* by one of the keys that were given */
	bool has_claim;

	/* Folded. */
	struct offices offices;
	struct life life;
	struct arena kept;
	struct array trades;		/* of struct statement_trade, by index */
	struct array records;		/* of struct statement_record, by index */
	struct array numbers;		/* of struct statement_number */
	uint64_t last_index;		/* the newest entry of the chain so far, 0 for none */
	uint64_t first_index;
	bool is_last_withheld;
	struct slice last_name;		/* what the trade of the newest entry calls the enterprise; in `kept` */
	uint64_t act_count, shown_count, withheld_count;
	uint64_t feed_count, order_count;	/* signatures of venues, and of officers, that were followed */
	uint64_t cosigned_count;
	json_t *results;		/* a row a policy */

	/* Under way. */
	struct buf bytes;
	struct arena arena;
};

/* "name: " and the cause. Gives ERR_MEMORY and ERR_IO as they are. */
enum err statement_wrong(struct why *why, enum err err, const char *name, const struct why *cause) must_check;

/* A proof file under the checkpoint: its leaf's bytes are in the statement's arena, which is reset first. */
enum err statement_read_proof(
    struct statement *statement, const char *name, uint64_t index, struct proof *ret_proof, struct why *why) must_check;
/* statement_entries.c: the acts and the chain, in the order of their indexes. */
enum err statement_fold(struct statement *statement, struct why *why) must_check;
/* statement_orders.c: an effect, against its own line of the order. */
enum err statement_check_effect(struct statement *statement, const struct chain_item *item, struct why *why) must_check;
/* The trade of that index, or NULL. */
struct statement_trade *statement_trade_at(const struct statement *statement, uint64_t index);
struct hash statement_number(enum record_kind kind, struct slice venue, struct slice number);
/* statement_awards.c: each policy in force evaluated anew and compared; sets `results`. */
enum err statement_check_awards(struct statement *statement, struct why *why) must_check;

#endif
