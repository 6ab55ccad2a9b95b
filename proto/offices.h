/*
 * The bureau's offices, out of its acts: who is in office with which keys, the quorums, the venues and their keys, the
 * policies in force, and the ledger's own keys. Whoever holds the acts of a ledger (genesis, and the orders without
 * items) folds them in the order of their indexes, and can then say of an order or of a record whether those who signed
 * it might, at that place of the ledger.
 *
 * That no act is missing is not to be seen from here: an act left out shows only where something depends on it.
 */
#ifndef PROTO_OFFICES_H
#define PROTO_OFFICES_H

#include "proto/array.h"
#include "proto/entry.h"
#include "proto/eras.h"
#include "proto/order.h"

/* A key of a venue or of the ledger. */
struct offices_key {
	struct key key;
	uint64_t until;			/* the order that revoked it; 0 while it is valid */
};

struct offices_venue {
	char id[VENUE_ID_SIZE_MAX + 1];
	uint32_t generation;
	uint64_t suspended_index;	/* 0 while it is not */
	size_t key_count;
	struct offices_key keys[VENUE_KEYS_EVER_MAX];
};

/* What a venue's stolen key signed in pushes whose entries are in [from, end) is held. */
struct offices_distrust {
	uint64_t index;			/* the order */
	uint64_t from, end;
	char venue[VENUE_ID_SIZE_MAX + 1];
	struct key key;
};

struct offices_policy {
	uint64_t index;			/* the order that adopted it */
	struct policy policy;
	struct slice text;		/* as signed; in the offices' arena */
};

struct offices {
	char origin[ORIGIN_TEXT_SIZE];
	char ledger_id[LEDGER_ID_SIZE + 1];
	struct eras *eras;		/* all ledgers that this one continues, and itself */
	size_t era;			/* whose entries are folded now: origin, id, officers, quorums and keys are its own */
	uint64_t index;			/* of the newest act */
	struct array officers;		/* of struct officer */
	struct quorums quorums;
	struct array venues;		/* of struct offices_venue */
	struct array policies;		/* of struct offices_policy */
	struct array distrusts;		/* of struct offices_distrust */
	size_t log_key_count;
	struct offices_key log_keys[LOG_KEYS_EVER_MAX];
	struct array carried;		/* of struct offices_carried: every order that was met, with or without items */
	struct arena arena;
};

void offices_init(struct offices *offices);
void offices_done(struct offices *offices);

/* Entry 0, and its bytes. ERR_INVALID, ERR_QUORUM, ERR_SIGNATURE and the like, with the reason, as all of these. */
enum err offices_begin(struct offices *offices, const struct entry *genesis, struct slice bytes, struct why *why) must_check;
/* The ledger whose entry 0 that was: not one that it continues. */
const struct era *offices_own(const struct offices *offices);
/*
 * Before anything of entry `index` is asked: where the entries of a continued ledger end, the genesis that took it over
 * comes into force. It must have the signatures that officer.add needs of those in office then, and name a checkpoint that
 * the old ledger's key signed. That the entries taken over are all of them, only a copy of the whole ledger shows.
 */
enum err offices_pass(struct offices *offices, uint64_t index, struct why *why) must_check;
/* The next act. */
enum err offices_take(struct offices *offices, uint64_t index, const struct entry *entry, struct why *why) must_check;
/*
 * An order with items, of which one line was shown, as entry `index` of the time: is it of this ledger, in its time, and
 * signed by the quorum of those in office now? All acts below `index` must have been taken, and none behind it.
 */
struct offices_shown {
	const struct note *note;
	const struct order *order;
	uint64_t index, time_us;
};
enum err offices_check(struct offices *offices, const struct offices_shown *shown, struct why *why) must_check;
/* Was one order carried out twice? ERR_INVALID names it. After the last. */
enum err offices_finish(struct offices *offices, struct why *why) must_check;

/*
 * Is the record in the feed that the venue keeps open now, under a checkpoint signed by a key that is valid now? `record`
 * is the entry's; `proof` its proof in the feed.
 */
enum err offices_check_record(const struct offices *offices, const struct entry *record, const struct proof *proof,
    struct why *why) must_check;

/* The venue.distrust of that index, or NULL. */
const struct offices_distrust *offices_distrust_at(const struct offices *offices, uint64_t index);

/* Keys of the ledger, in the order in which they came. */
bool offices_is_claim_key(const struct offices *offices, const struct key *key);
/* Those that are valid now; gives their number. */
size_t offices_valid_keys(const struct offices *offices, bool are_claim_keys, struct key ret_keys[static LOG_KEYS_EVER_MAX]);
/* Is it, or was it, a checkpoint key? */
bool offices_had_key(const struct offices *offices, const struct key *key);

#endif
