/*
 * Entries: what the ledger is made of. One canonical protobuf encoding; the leaf of the ledger's tree is its bytes.
 */
#ifndef PROTO_ENTRY_H
#define PROTO_ENTRY_H

#include "proto/record.h"

#define ENTRY_VERSION 1
#define ENTRY_LINKS_MAX 2
#define ENTRY_FLAG_CLOCK_STEPPED_BACK 1u	/* the machine's clock lay behind the entry before */
#define ENTRY_FLAGS_ALL 1u

enum entry_kind { ENTRY_GENESIS = 1, ENTRY_RECORD, ENTRY_PUSH, ENTRY_ORDER, ENTRY_EFFECT, ENTRY_EVIDENCE };
enum effect_kind { EFFECT_REGISTERED = 1, EFFECT_RELATED, EFFECT_DELISTED, EFFECT_HELD, EFFECT_RELEASED, EFFECT_VOIDED };

struct tally {
	enum disposition disposition;
	uint64_t count;
};

struct entry {
	uint64_t time_us;
	struct hash previous;
	uint8_t salt[SALT_SIZE];		/* zero in record entries */
	uint32_t flags;
	/* Per party the index of the entry before that concerned it, 0 for none. Trade: supplier, buyer. Refund or
	 * duplicate of a known trade: that trade's supplier, buyer. Refund of an unknown trade: none. Registered and
	 * delisted: one. Related: first, second. Held, released, voided: that trade's supplier, buyer. */
	size_t link_count;
	uint64_t links[ENTRY_LINKS_MAX];
	enum entry_kind kind;
	union {
		struct {
			struct slice note;
		} genesis;
		struct {
			struct slice venue;
			uint32_t generation;
			uint64_t feed_index;
			struct slice record;
			enum disposition disposition;
			uint64_t refers;
		} record;
		struct {
			struct slice venue;
			uint32_t generation;
			uint64_t start, count, first_index;
			struct slice note;
			size_t tally_count;
			struct tally tally[DISPOSITION_COUNT];
			struct hash dispositions_hash;
		} push;
		struct {
			struct slice note;
			size_t item_count;
			struct slice *items;
		} order;
		struct {
			uint64_t order_index;
			uint32_t item;
			enum effect_kind kind;
			struct slice code;		/* registered, delisted: the enterprise; related: the lower code */
			struct slice second;		/* related only */
			struct slice name;		/* registered only */
			size_t list_count;		/* registered: all; delisted: those taken away */
			struct slice lists[LISTS_MAX];
			struct slice venue, trade_no;	/* held, released, voided */
			uint64_t trade_index;
		} effect;
		struct {
			struct slice venue;
			uint32_t generation;
			uint64_t size;			/* of the feed, as the note says */
			struct slice note;
			uint64_t push_index;		/* holds the first record that differs */
		} evidence;
	};
};

/* From 1970 to the last but one day of DATE_YEAR_MAX. */
bool entry_time_is_valid(uint64_t time_us);
/* ERR_SYNTAX, ERR_NOT_CANONICAL, ERR_INVALID (a range), ERR_TOO_LARGE. Slices point into the arena. */
enum err entry_decode(struct slice bytes, struct arena *arena, struct entry *ret_entry) must_check;
/* ERR_TOO_LARGE beyond ENTRY_SIZE_MAX. Appends to ret_bytes. */
enum err entry_encode(const struct entry *entry, struct buf *ret_bytes) must_check;
const char *entry_kind_name(enum entry_kind kind);
const char *effect_kind_name(enum effect_kind kind);	/* "registered" */
/* Held, released or voided: an effect that concerns the parties of a trade. */
bool effect_is_of_trade(enum effect_kind kind);

#endif
