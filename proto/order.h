/*
 * Orders: how the bureau acts. The text of an officers' note, its item lines, the genesis text, and the quorums.
 *
 *	subsidy.order/v1
 *	<origin>
 *	<ledger id>
 *	{"id":…,"type":…,"expires":"2026-12-24","made_at_size":1234,"body":{…}[,"items":{"count":2,"root":"<base64>"}]}
 *
 *	subsidy.genesis/v1
 *	<origin>
 *	{"rules":1,"random":"<64 hex>","ledger_key":"<vkey>","officers":[{"name","role","keys":[…]}],"quorums":{…}[,"continues":{…}]}
 *
 * The JSON is compact and canonical: printing what was parsed gives the same bytes. Unknown keys are errors.
 * This module checks form; whether an order can be carried out is the fold's business.
 */
#ifndef PROTO_ORDER_H
#define PROTO_ORDER_H

#include <jansson.h>

#include "proto/checkpoint.h"
#include "proto/limits.h"
#include "proto/policy.h"

#define RULES_VERSION 1
#define ORDER_HEADER "subsidy.order/v1"
#define GENESIS_HEADER "subsidy.genesis/v1"

/* Quorums stand in this order in signed texts: a new type is added at the end. */
enum order_type {
	ORDER_VENUE_LICENSE = 1,
	ORDER_ENTERPRISE_REGISTER,
	ORDER_ENTERPRISE_RELATE,
	ORDER_POLICY_ADOPT,
	ORDER_GRANT_ADD,
	ORDER_VENUE_SUSPEND,
	ORDER_VENUE_RESUME,
	ORDER_VENUE_KEY,
	ORDER_OFFICER_ADD,
	ORDER_OFFICER_REMOVE,
	ORDER_QUORUM_SET,
	ORDER_ENTERPRISE_DELIST,
	ORDER_GRANT_REVOKE,
	ORDER_RULES_SET,
	ORDER_TRADE_HOLD,
	ORDER_TRADE_RELEASE,
	ORDER_TRADE_VOID,
	ORDER_LOG_KEY,
	ORDER_VENUE_DISTRUST,
};
#define ORDER_TYPE_COUNT 20	/* one more than the last */
const char *order_type_name(enum order_type type);	/* "venue.license" */
enum order_type order_type_by_name(const char *name);	/* 0 if unknown */
bool order_type_has_items(enum order_type type);	/* those over many firms, grants or trades */

enum officer_role { ROLE_CLERK = 1, ROLE_REVIEWER, ROLE_LEADER, ROLE_AUDITOR };
#define ROLE_COUNT 5
const char *officer_role_name(enum officer_role role);
enum officer_role officer_role_by_name(const char *name);

struct officer {
	char name[OFFICER_NAME_SIZE_MAX + 1];		/* also the name of each of its keys */
	enum officer_role role;
	size_t key_count;
	struct key keys[OFFICER_KEYS_MAX];
};

/* Each slot names the roles (bits 1 << role) that may fill it; every slot needs an officer of its own, by name. */
struct quorum {
	size_t slot_count;
	uint8_t slots[QUORUM_SLOTS_MAX];
};

/*
 * Quorums by order type. "default" is for types without one of their own, "grant.add:enterprise" for grants whose
 * subjects are all enterprises: the only one that may be a single signature. All others have two slots or more.
 */
struct quorums {
	struct quorum fallback;
	struct quorum by_type[ORDER_TYPE_COUNT];	/* slot_count 0: the fallback */
	struct quorum grant_enterprise;			/* slot_count 0: that of grant.add */
};

/*
 * The ledger that a new one continues, because it lost entries that it had signed: {"origin","ledger_id",
 * "checkpoint","size","root","genesis"}. See FORMAT.md, "Continued ledgers".
 */
struct continued {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	uint64_t size;					/* entries taken over; 0: the ledger continues none */
	struct hash root;				/* of that ledger's tree at this size */
	struct checkpoint checkpoint;			/* the last one known of it: [size, checkpoint.size) is lost */
	size_t note_size, entry_size;
	uint8_t note[CHECKPOINT_SIZE_MAX];		/* the checkpoint as it was signed */
	uint8_t entry[CONTINUED_ENTRY_SIZE_MAX];	/* that ledger's entry 0 */
};

struct genesis {
	char origin[ORIGIN_TEXT_SIZE];
	uint32_t rules;
	uint8_t random[32];
	struct key ledger_key;				/* Ed25519, its name is the origin */
	size_t officer_count;
	struct officer officers[OFFICERS_MAX];
	struct quorums quorums;
	struct continued continued;
};

/* The JSON that a draft takes under "continues". */
void continued_format(const struct continued *continued, struct buf *ret_json);
/* Parses the text of a genesis note (not its signatures) and checks that every quorum can be met. */
enum err genesis_parse(struct slice text, struct genesis *ret_genesis, struct why *why) must_check;
/* The whole genesis note: text, and a signature of every officer it names and of the ledger (unless that is yet to come). */
enum err genesis_check(struct slice note_bytes, bool needs_ledger_signature, struct genesis *ret_genesis, struct why *why) must_check;
/* Makes the text from a draft {"origin","ledger_key","officers","quorums"[,"continues"]}: adds rules and random. */
enum err genesis_compose(const json_t *draft, const uint8_t random[static 32], struct buf *ret_text, struct why *why) must_check;

/* True if the signing officers can fill every slot, each slot by another officer. `roles[i]` is the role of signer i. */
bool quorum_is_met(const struct quorum *quorum, const enum officer_role *roles, size_t signer_count);
/* "1 clerk and 1 reviewer or leader", for refusals. */
void quorum_format(const struct quorum *quorum, struct why *ret_text);
const struct quorum *quorum_for(const struct quorums *quorums, enum order_type type, bool is_all_enterprises);
json_t *quorums_format(const struct quorums *quorums);	/* NULL on lack of memory */
enum err quorums_parse(const json_t *json, struct quorums *ret_quorums, struct why *why) must_check;
/* Could officers of these roles, all together, meet each of the quorums? ERR_INVALID names the one they can't. */
enum err quorums_check_reachable(const struct quorums *quorums, const enum officer_role *roles, size_t officer_count,
    struct why *why) must_check;

enum grant_subject { SUBJECT_BUREAU = 1, SUBJECT_AUDITOR, SUBJECT_VENUE, SUBJECT_ENTERPRISE };
struct grant {
	uint8_t token_hash[HASH_SIZE];			/* SHA-256 of the 32 token bytes */
	enum grant_subject subject;
	char name[VENUE_ID_SIZE_MAX + 1];		/* venue id or enterprise code; "" otherwise */
	char holder[GRANT_HOLDER_SIZE_MAX + 1];
	uint32_t expires;				/* last day of validity, YYYYMMDD Shanghai */
};
/* "bureau", "auditor", a code, or "venue:<id>" */
enum err grant_subject_parse(struct slice text, struct grant *ret_grant) must_check;
void grant_subject_format(const struct grant *grant, char ret_text[static 64]);

struct order_item {
	/* enterprise.register; enterprise.delist (no name; no lists: off all of them) */
	struct slice code, name;
	size_t list_count;
	struct slice lists[LISTS_MAX];			/* ascending, each once */
	/* enterprise.relate: code < second */
	struct slice second;
	/* grant.add; grant.revoke (the token hash alone) */
	struct grant grant;
	/* trade.hold, trade.release, trade.void */
	struct slice venue, trade_no;
	/* enterprise.delist, grant.revoke, trade.* */
	struct slice reason;
};

struct order {
	enum order_type type;
	char id[ORDER_ID_SIZE_MAX + 1];
	uint32_t expires;				/* last day, YYYYMMDD Shanghai */
	uint64_t made_at_size;
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	/* venue.license: body {"venue","name","keys":[…]}. venue.suspend, venue.resume: {"venue","reason"} */
	char venue[VENUE_ID_SIZE_MAX + 1];
	char venue_name[VENUE_NAME_SIZE_MAX + 1];
	size_t venue_key_count;
	struct key venue_keys[VENUE_KEYS_MAX];		/* each named as the venue; of venue.key those to add */
	/* venue.key: body {"venue","add":[…],"revoke":[…],"new_generation":bool,"reason"} */
	size_t revoked_key_count;
	struct key revoked_keys[VENUE_KEYS_MAX];
	bool is_new_generation;
	/* venue.distrust: body {"venue","key","from","reason"}: the key alone in revoked_keys */
	uint64_t from;					/* first ledger index that is not trusted */
	/* officer.add: body {"name","role","keys"}. officer.remove: body {"name","reason"}: the name alone */
	struct officer officer;
	/* quorum.set: body {"quorums":{…}} */
	struct quorums quorums;
	/* rules.set: body {"rules":N} */
	uint32_t rules;
	/* log.key: body {"add":[…],"retire":[…],"reason"}: checkpoint keys, named as the origin, and claim keys */
	size_t added_log_key_count;
	struct key added_log_keys[LOG_KEY_CHANGES_MAX];
	size_t retired_log_key_count;
	struct key retired_log_keys[LOG_KEY_CHANGES_MAX];
	/* venue.suspend, venue.resume, venue.key, venue.distrust, officer.remove, log.key */
	char reason[REASON_SIZE_MAX + 1];
	/* policy.adopt: body {"policy":{…}} */
	struct policy policy;
	struct slice policy_text;			/* compact JSON of the policy as signed, in the arena */
	/* item types: body {} and items {count, root} */
	size_t item_count;
	struct order_item *items;			/* in the arena */
};

/*
 * Parses the four lines and the items, checks every field, and that the items' RFC 6962 root is the signed one.
 * ERR_ORDER, ERR_ORDER_ITEMS, ERR_MEMORY. Needs an arena of ORDER_ARENA_SIZE.
 */
#define ORDER_ARENA_SIZE (4u << 20)
enum err order_parse(struct slice text, const struct slice *items, size_t item_count, struct arena *arena,
    struct order *ret_order, struct why *why) must_check;

/*
 * The same where one item's line is shown, and none of its neighbours': `path` proves it to be item number `item` (from
 * 0) of the `count` whose root was signed. The order then has that one item.
 */
struct order_line {
	struct slice text;
	uint32_t item;
	size_t count;
	const struct tree_path *path;
};
enum err order_parse_line(struct slice text, const struct order_line *line, struct arena *arena, struct order *ret_order,
    struct why *why) must_check;

/* What a composer gives: body may be NULL for {}. Item lines must be in their final form. */
struct order_draft {
	enum order_type type;
	const char *id, *origin, *ledger_id;
	uint32_t expires;
	uint64_t made_at_size;
	const json_t *body;
	const struct slice *items;
	size_t item_count;
};
/* Makes the text and proves it by parsing it again. Errors as order_parse. */
enum err order_compose(const struct order_draft *draft, struct buf *ret_text, struct why *why) must_check;

/*
 * Compact item lines: {"code","name","lists":[…],"salt"} · {"codes":[a,b],"salt"} · {"token_hash","subject","holder",
 * "scope":"read","expires","salt"} · {"code","lists":[…],"reason","salt"} · {"token_hash","reason","salt"} ·
 * {"venue","trade_no","reason","salt"}. The salt (16 bytes, hex) keeps a neighbour's line from being guessed.
 */
enum err order_item_format(enum order_type type, const struct order_item *item, const uint8_t salt[static SALT_SIZE],
    struct buf *ret_line) must_check;

/* The body of POST /v1/orders: {"note":"…","items":["…"]}. Slices point into the arena. */
enum err order_request_decode(struct slice bytes, struct arena *arena, struct slice *ret_note, struct slice **ret_items,
    size_t *ret_item_count, struct why *why) must_check;
enum err order_request_encode(struct slice note, const struct slice *items, size_t item_count, struct buf *ret_bytes) must_check;

#endif
