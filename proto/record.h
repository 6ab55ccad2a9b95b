/*
 * Trade and refund records: decoding the one canonical encoding, checking every field, and encoding.
 *
 * A record that decodes here is *well-formed*: it enters the ledger whatever it says. What needs other records
 * (duplicates, refunds) is the fold's business; what needs a policy is the policy's; what needs the day of ingest
 * (no date in the future) is record_latest_date for the sequencer to compare.
 */
#ifndef PROTO_RECORD_H
#define PROTO_RECORD_H

#include "proto/hash.h"
#include "proto/limits.h"

#define RECORD_VERSION 1

enum record_kind { RECORD_TRADE = 1, RECORD_REFUND = 2 };
enum contract_kind { CONTRACT_PROVIDE = 1, CONTRACT_PROCESS, CONTRACT_FUSION, CONTRACT_INTERMEDIARY };
enum product_kind { PRODUCT_DATASET = 1, PRODUCT_API, PRODUCT_REPORT, PRODUCT_MODEL, PRODUCT_TOOL, PRODUCT_COMPUTE, PRODUCT_OTHER };
enum declaration { DECLARED_NO = 1, DECLARED_YES, DECLARED_NOT_STATED };
enum disposition {
	DISPOSITION_COUNTED = 1, DISPOSITION_DUPLICATE_TRADE, DISPOSITION_DUPLICATE_ADJUST, DISPOSITION_SELF_TRADE,
	DISPOSITION_REFUND_UNKNOWN, DISPOSITION_REFUND_EXCEEDS, DISPOSITION_OVERFLOW,
};
#define DISPOSITION_COUNT 8	/* one more than the last */

struct trade {
	struct slice trade_no, contract_no, contract_hash;
	enum contract_kind contract_kind;
	struct slice product_code, product_name;
	enum product_kind product_kind;
	struct slice supplier, supplier_name, buyer, buyer_name, broker;	/* names and broker may be empty */
	uint64_t amount_fen, tax_fen;
	uint32_t instalment;
	uint32_t signed_on, settled_on;		/* YYYYMMDD */
	struct slice voucher_no;
	size_t invoice_count;
	struct slice invoice_no[INVOICE_COUNT_MAX];
	enum declaration related_declared, other_subsidy;
};

struct refund {
	struct slice adjust_no, original_trade_no;
	uint64_t amount_fen, tax_fen;
	uint32_t occurred_on;
	struct slice reason_code, reason, red_invoice_no;	/* the last two may be empty */
};

struct record {
	enum record_kind kind;
	union {
		struct trade trade;
		struct refund refund;
	};
};

/* One thing wrong with one record. `field` is the name in FORMAT.md ("" for the record as a whole). */
struct record_fault {
	const char *field;
	struct why reason;		/* what the rule is and what was found; quoted text is escaped and cut */
};
#define RECORD_FAULTS_MAX 24

/*
 * Decodes and checks. Strings of *ret_record point into `arena`. On ERR_INVALID (a field's rule), ERR_SYNTAX (not
 * the message), ERR_NOT_CANONICAL or ERR_TOO_LARGE, faults[0..*ret_fault_count) say why (at least one).
 */
enum err record_decode(struct slice bytes, struct arena *arena, struct record *ret_record,
    struct record_fault faults[static RECORD_FAULTS_MAX], size_t *ret_fault_count) must_check;
/* Every rule of the fields, for a record built by hand (the client's CSV). Same faults. */
enum err record_check(const struct record *record, struct record_fault faults[static RECORD_FAULTS_MAX],
    size_t *ret_fault_count) must_check;
/* The canonical bytes of a record that passes record_check (asserted in part; see FORMAT.md). */
enum err record_encode(const struct record *record, struct buf *ret_bytes) must_check;

/* The date that may not lie after the day of ingest: settled_on or occurred_on. */
uint32_t record_latest_date(const struct record *record);
/* trade_no or adjust_no. */
struct slice record_number(const struct record *record);

/* Words as they stand in JSON and CSV ("provide", "dataset", "not_stated", "duplicate_trade"). */
const char *contract_kind_name(enum contract_kind kind);
const char *product_kind_name(enum product_kind kind);
const char *declaration_name(enum declaration declaration);
const char *disposition_name(enum disposition disposition);
/* One sentence for people: why a record of this disposition does not count. */
const char *disposition_sentence(enum disposition disposition);
/* The value of an English word (as above), or 0. */
enum contract_kind contract_kind_by_name(struct slice name);
enum product_kind product_kind_by_name(struct slice name);
enum declaration declaration_by_name(struct slice name);

#endif
