/*
 * Rules version 1, a venue's stolen key: every counted trade that stands in a push which that key signed, from the ledger
 * index on that the order names, is put on hold. They may be millions, so they are held in slices: the first right behind
 * the order, the others each a command of its own, between those of others.
 *
 * What a distrust holds is settled by its order, whenever the slice comes: the trades that counted then, but for those
 * that an order has acted on since. So trades leave that set and never join it, and a stretch without any stays one. That
 * is why how far the writer has looked may be written down without an entry, and why a replay may check it at the end
 * (fold_distrust_follow): a slice has entries only where there is something to hold.
 */
#include "daemon/fold_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_GAP_US 2 /* after the entry before, at least: effects a microsecond apart are of one slice */
#define PUSH_LOOKS 16  /* a push that the key may have signed takes as long as so many records: its note is verified */

struct scan {
	struct ledger *ledger;
	struct store_txn *txn;
	struct distrust *distrust;
	struct arena push_arena, trade_arena;
	uint64_t trades_left, looks_left;
	/* Replay: looks on as far as this one got, and there must be nothing to hold until there. */
	const struct distrust *goal;
	uint64_t found_index; /* a trade that was to be held before the goal; 0 for none */
	enum err err;
};

static void scan_init(struct scan *scan, struct ledger *ledger, struct store_txn *txn, struct distrust *distrust)
{
	*scan = (struct scan){.ledger = ledger, .txn = txn, .distrust = distrust};
	scan->trades_left = scan->looks_left = UINT64_MAX;
	arena_init(&scan->push_arena, CHAIN_ARENA_SIZE);
	arena_init(&scan->trade_arena, CHAIN_ARENA_SIZE);
}

static void scan_done(struct scan *scan)
{
	if (scan->err != OK)
		store_fail(scan->txn, scan->err);
	arena_done(&scan->push_arena);
	arena_done(&scan->trade_arena);
}

/* Has it come as far as the other, or further? */
static bool is_level(const struct distrust *distrust, const struct distrust *other)
{
	if (distrust->is_done || other->is_done)
		return distrust->is_done;
	return distrust->generation > other->generation ||
	       (distrust->generation == other->generation && distrust->feed_index >= other->feed_index);
}

static bool is_over(const struct scan *scan)
{
	return scan->distrust->is_done || scan->trades_left == 0 || scan->looks_left == 0 || scan->err != OK ||
	       scan->found_index != 0 || store_error(scan->txn) != OK ||
	       (scan->goal != NULL && is_level(scan->distrust, scan->goal));
}

static void spend_looks(struct scan *scan, uint64_t looks)
{
	scan->looks_left -= looks < scan->looks_left ? looks : scan->looks_left;
}

static void finish(struct distrust *distrust)
{
	distrust->is_done = true;
	distrust->generation = 0;
	distrust->feed_index = 0;
}

/* A record of a push that the key signed: held, if it is a trade that is to be. */
static void look_at_record(struct scan *scan, uint64_t index)
{
	struct distrust *distrust = scan->distrust;
	struct trade_change change = {
	    .kind = EFFECT_HELD, .order_index = distrust->order_index, .venue_number = distrust->venue_number};
	struct chain_item item;
	struct touched touched;

	arena_reset(&scan->trade_arena);
	scan->err = chain_item_read(scan->txn, index, &scan->trade_arena, &item);
	if (scan->err == OK && item.entry.kind != ENTRY_RECORD)
		scan->err = ERR_DAMAGED;
	if (scan->err != OK || item.record.kind != RECORD_TRADE || item.entry.record.disposition != DISPOSITION_COUNTED)
		return;
	touched_get(scan->txn, index, &touched);
	if (touched.state != TRADE_COUNTED || touched.state_index > distrust->order_index)
		return;
	if (scan->goal != NULL) {
		scan->found_index = index;
		return;
	}
	change.venue = item.entry.record.venue;
	change.trade_no = item.trade.trade_no;
	fold_change_trade(scan->ledger, scan->txn, &change, &item);
	distrust->held++;
	scan->trades_left--;
}

/* The name is looked at first, for verifying costs a hundred times as much. */
static bool is_signed(struct scan *scan, struct slice bytes)
{
	const struct key *key = &scan->distrust->key;
	struct note note;
	uint64_t signed_by;

	if (note_parse(bytes, &note, NULL) != OK) {
		scan->err = ERR_DAMAGED;
		return false;
	}
	if (!note_names_key(&note, key))
		return false;
	spend_looks(scan, PUSH_LOOKS);
	scan->err = note_verify(&note, key, 1, &signed_by);
	if (scan->err == OK)
		return true;
	/* Another key of the same name and id, by chance. */
	if (scan->err == ERR_SIGNATURE)
		scan->err = OK;
	return false;
}

static void look_at_push(struct scan *scan, uint64_t push_index)
{
	struct distrust *distrust = scan->distrust;
	struct entry push;

	arena_reset(&scan->push_arena);
	scan->err = ledger_entry(scan->txn, push_index, &scan->push_arena, &push);
	if (scan->err == OK && (push.kind != ENTRY_PUSH || distrust->feed_index - push.push.start >= push.push.count))
		scan->err = ERR_DAMAGED;
	if (scan->err != OK)
		return;
	spend_looks(scan, 1);
	if (!is_signed(scan, push.push.note)) {
		distrust->feed_index = push.push.start + push.push.count;
		return;
	}
	/* One at least, so that every slice gets on, however few looks are left. */
	do {
		look_at_record(scan, push.push.first_index + (distrust->feed_index - push.push.start));
		if (scan->found_index == 0)
			distrust->feed_index++;
		spend_looks(scan, 1);
	} while (distrust->feed_index < push.push.start + push.push.count && !is_over(scan));
}

static void run_scan(struct scan *scan)
{
	struct distrust *distrust = scan->distrust;

	while (!is_over(scan)) {
		uint64_t push_index;
		struct feed feed;

		if (!feed_get(scan->txn, distrust->venue_number, distrust->generation, &feed)) {
			finish(distrust);
		} else if (distrust->feed_index >= feed.frontier.size) {
			distrust->generation++;
			distrust->feed_index = 0;
		} else if (!push_get(scan->txn, feed.number, distrust->feed_index, &push_index)) {
			scan->err = ERR_DAMAGED;
		} else if (push_index >= distrust->end) {
			finish(distrust);
		} else {
			look_at_push(scan, push_index);
		}
	}
}

/* ---- the order */

/* The first record of a push entry at `from` or behind it, in that feed; its size where there is none. */
static uint64_t find_start(struct store_txn *txn, const struct feed *feed, uint64_t from)
{
	uint64_t low = 0, high = feed->frontier.size, push_index;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!push_get(txn, feed->number, middle, &push_index)) {
			store_fail(txn, ERR_DAMAGED);
			return high;
		}
		if (push_index < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void set_start(struct store_txn *txn, struct distrust *distrust)
{
	struct feed feed;

	distrust->generation = 1;
	while (feed_get(txn, distrust->venue_number, distrust->generation, &feed)) {
		distrust->feed_index = find_start(txn, &feed, distrust->from);
		if (distrust->feed_index < feed.frontier.size || store_error(txn) != OK)
			return;
		distrust->generation++;
	}
	distrust->feed_index = 0;
}

/* Retires the key where it is valid. Gives the index from which on it was not. */
static uint64_t retire(struct venue *venue, const struct key *key, uint64_t order_index)
{
	for (size_t i = 0; i < venue->key_count; i++) {
		if (!key_equal(&venue->keys[i], key))
			continue;
		fold_retire_key(venue, i, order_index);
		return order_index;
	}
	for (size_t i = 0; i < venue->retired_count; i++)
		if (key_equal(&venue->retired[i].key, key))
			return venue->retired[i].until;
	return 0; /* order_check found it */
}

/* In a replay a slice is as long as it was: consecutive effects of the order, a microsecond apart. */
static uint64_t count_effects(struct ledger *ledger, struct store_txn *txn, uint64_t order_index)
{
	uint64_t first = ledger->head.size, index = first;
	struct arena arena;
	struct entry entry;

	arena_init(&arena, 4 * ENTRY_SIZE_MAX);
	for (; index - first < DISTRUST_SLICE_MAX; index++) {
		enum err err;

		arena_reset(&arena);
		err = ledger_entry(ledger->original, index, &arena, &entry);
		if (err == ERR_MEMORY)
			store_fail(txn, err);
		if (err != OK || entry.kind != ENTRY_EFFECT || entry.effect.order_index != order_index ||
		    entry.time_us != ledger->stamp.time_us + (index - ledger->command_start))
			break;
	}
	arena_done(&arena);
	return index - first;
}

static void hold_slice(struct ledger *ledger, struct store_txn *txn, struct distrust *distrust)
{
	struct scan scan;

	scan_init(&scan, ledger, txn, distrust);
	if (ledger->original != NULL) {
		scan.trades_left = count_effects(ledger, txn, distrust->order_index);
	} else {
		scan.trades_left = ledger->slice_trades_max;
		scan.looks_left = ledger->slice_look_max;
	}
	run_scan(&scan);
	scan_done(&scan);
	distrust_put(txn, distrust);
}

void fold_distrust_order(struct ledger *ledger, struct store_txn *txn, const struct order *order, uint64_t order_index)
{
	struct distrust distrust = {.order_index = order_index, .key = order->revoked_keys[0], .from = order->from};
	struct venue *venue = malloc(sizeof(*venue));
	uint64_t earlier;

	if (venue == NULL || !venue_get(txn, slice_text(order->venue), venue)) {
		store_fail(txn, venue == NULL ? ERR_MEMORY : ERR_DAMAGED);
		goto out;
	}
	distrust.venue_number = venue->number;
	distrust.end = retire(venue, &distrust.key, order_index);
	/* What is behind that was held by the order before, and perhaps examined and released since. */
	if (distrust_find_from(txn, venue->number, &distrust.key, &earlier) && earlier < distrust.end)
		distrust.end = earlier;
	venue->version = order_index;
	venue_put(txn, venue);
	set_start(txn, &distrust);
	hold_slice(ledger, txn, &distrust);
out:
	free(venue);
}

/* ---- later slices */

struct stamp fold_distrust_stamp(const struct ledger *ledger, uint64_t now_us, const uint8_t seed[static 32])
{
	struct stamp stamp = ledger_stamp(ledger, now_us, seed);

	if (stamp.time_us < ledger->head.last_time_us + SLICE_GAP_US)
		stamp.time_us = ledger->head.last_time_us + SLICE_GAP_US;
	return stamp;
}

void fold_distrust_slice(struct ledger *ledger, struct store_txn *txn)
{
	struct distrust distrust;

	if (distrust_find_pending(txn, &distrust))
		hold_slice(ledger, txn, &distrust);
}

/* Looks on, in a replay, to where `goal` is. */
static enum err follow(struct ledger *ledger, struct store_txn *txn, struct distrust *distrust,
    const struct distrust *goal, struct why *why)
{
	struct scan scan;

	scan_init(&scan, ledger, txn, distrust);
	scan.goal = goal;
	run_scan(&scan);
	scan_done(&scan);
	if (scan.found_index != 0)
		return why_set(why, ERR_DAMAGED,
		    "entry %llu: the distrust of entry %llu passed it over; it was to be held",
		    (unsigned long long)scan.found_index, (unsigned long long)distrust->order_index);
	distrust_put(txn, distrust);
	return store_error(txn);
}

enum err fold_distrust_again(struct ledger *ledger, struct store_txn *txn, uint64_t order_index, struct why *why)
{
	const struct distrust end = {.is_done = true};
	struct distrust distrust;
	uint64_t first = ledger->head.size, held;
	enum err err = OK;

	if (ledger->stamp.time_us < ledger->head.last_time_us + SLICE_GAP_US ||
	    !distrust_get(txn, order_index, &distrust))
		return why_set(
		    why, ERR_DAMAGED, "entry %llu: an effect that its order does not have", (unsigned long long)first);
	/* The oldest order goes first: those before it have nothing left to hold. */
	while (err == OK && distrust_find_pending(txn, &distrust) && distrust.order_index < order_index)
		err = follow(ledger, txn, &distrust, &end, why);
	if (err != OK)
		return err;
	if (!distrust_get(txn, order_index, &distrust))
		return store_error(txn);
	held = distrust.held;
	hold_slice(ledger, txn, &distrust);
	if (store_error(txn) == OK && distrust.held == held)
		return why_set(
		    why, ERR_DAMAGED, "entry %llu: an effect that its order does not have", (unsigned long long)first);
	return store_error(txn);
}

enum err fold_distrust_follow(struct ledger *ledger, struct store_txn *txn, struct why *why)
{
	struct distrust distrust = {0}, original;
	enum err err = OK;

	for (uint64_t least = 0; err == OK && distrust_next(txn, least, &distrust); least = distrust.order_index + 1)
		if (distrust_get(ledger->original, distrust.order_index, &original) && !is_level(&distrust, &original))
			err = follow(ledger, txn, &distrust, &original, why);
	if (err == OK && store_error(ledger->original) != OK)
		err = why_set(why, ERR_DAMAGED, "how far a distrust got can't be read");
	return err == OK ? store_error(txn) : err;
}
