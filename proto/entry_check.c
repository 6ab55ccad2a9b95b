/*
 * The rules of one entry by itself: ranges, texts, and how many links each kind has. What needs other entries is the
 * fold's business.
 */
#include "proto/entry_internal.h"

#include "proto/date.h"
#include "proto/feed.h"
#include "proto/usci.h"

static const struct hash no_hash;

static bool is_in(uint64_t value, uint64_t min, uint64_t max)
{
	return value >= min && value <= max;
}

static bool text_is_valid(struct slice text, size_t size_max)
{
	return is_in(text.size, 1, size_max) && utf8_is_text(text);
}

static bool feed_is_valid(struct slice venue, uint32_t generation)
{
	return venue_id_is_valid(venue) && is_in(generation, 1, FEED_GENERATIONS_MAX);
}

static bool record_entry_is_valid(const struct entry *entry)
{
	bool has_links = entry->link_count == 2, has_none = entry->link_count == 0;

	if (!feed_is_valid(entry->record.venue, entry->record.generation) ||
	    entry->record.feed_index >= TREE_SIZE_MAX || !is_in(entry->record.record.size, 1, RECORD_SIZE_MAX) ||
	    entry->record.refers >= TREE_SIZE_MAX)
		return false;
	switch (entry->record.disposition) {
	case DISPOSITION_COUNTED:
	case DISPOSITION_DUPLICATE_TRADE:
	case DISPOSITION_SELF_TRADE:
	case DISPOSITION_REFUND_EXCEEDS:
	case DISPOSITION_OVERFLOW: return has_links;
	/* Of these the trade may be unknown. */
	case DISPOSITION_DUPLICATE_ADJUST:
	case DISPOSITION_REFUND_UNKNOWN: return has_links || has_none;
	}
	return false;
}

static bool push_entry_is_valid(const struct entry *entry)
{
	uint64_t sum = 0;

	if (!feed_is_valid(entry->push.venue, entry->push.generation) ||
	    !is_in(entry->push.count, 1, PUSH_RECORDS_MAX) || entry->push.start > TREE_SIZE_MAX - entry->push.count ||
	    !is_in(entry->push.first_index, 1, TREE_SIZE_MAX - entry->push.count) ||
	    !is_in(entry->push.note.size, 1, NOTE_SIZE_MAX) ||
	    !is_in(entry->push.tally_count, 1, DISPOSITION_COUNT - 1))
		return false;
	for (size_t i = 0; i < entry->push.tally_count; i++) {
		const struct tally *tally = &entry->push.tally[i];

		if (!is_in(tally->disposition, i == 0 ? 1 : entry->push.tally[i - 1].disposition + 1,
			DISPOSITION_COUNT - 1) ||
		    !is_in(tally->count, 1, entry->push.count))
			return false;
		sum += tally->count;
	}
	return sum == entry->push.count && entry->link_count == 0;
}

static bool order_entry_is_valid(const struct entry *entry)
{
	size_t size = entry->order.note.size;

	if (!is_in(size, 1, NOTE_SIZE_MAX) || entry->order.item_count > ORDER_ITEMS_MAX)
		return false;
	for (size_t i = 0; i < entry->order.item_count; i++)
		if (!text_is_valid(entry->order.items[i], ORDER_BODY_SIZE_MAX))
			return false;
	return entry->link_count == 0;
}

static bool list_name_is_valid(struct slice name)
{
	if (!is_in(name.size, 1, LIST_NAME_SIZE_MAX))
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t byte = name.data[i];

		if (!is_in(byte, 'a', 'z') && !is_in(byte, '0', '9') && byte != '-' && byte != '_')
			return false;
	}
	return true;
}

/* Ascending, each once. */
static bool lists_are_valid(const struct entry *entry)
{
	if (entry->effect.list_count > LISTS_MAX)
		return false;
	for (size_t i = 0; i < entry->effect.list_count; i++)
		if (!list_name_is_valid(entry->effect.lists[i]) ||
		    (i > 0 && slice_compare(entry->effect.lists[i - 1], entry->effect.lists[i]) >= 0))
			return false;
	return true;
}

static bool effect_is_valid(const struct entry *entry)
{
	bool has_code = usci_check(entry->effect.code, NULL) == USCI_OK;

	if (!is_in(entry->effect.order_index, 1, TREE_SIZE_MAX - 1) || entry->effect.item >= ORDER_ITEMS_MAX)
		return false;
	switch (entry->effect.kind) {
	case EFFECT_REGISTERED:
		return has_code && text_is_valid(entry->effect.name, PARTY_NAME_SIZE_MAX) && lists_are_valid(entry) &&
		       entry->link_count == 1;
	case EFFECT_RELATED:
		return has_code && usci_check(entry->effect.second, NULL) == USCI_OK &&
		       slice_compare(entry->effect.code, entry->effect.second) < 0 && entry->link_count == 2;
	case EFFECT_DELISTED:
		return has_code && entry->effect.list_count > 0 && lists_are_valid(entry) && entry->link_count == 1;
	case EFFECT_HELD:
	case EFFECT_RELEASED:
	case EFFECT_VOIDED:
		return venue_id_is_valid(entry->effect.venue) &&
		       is_in(entry->effect.trade_no.size, 1, TRADE_NO_SIZE_MAX) &&
		       ascii_is_visible(entry->effect.trade_no) &&
		       is_in(entry->effect.trade_index, 1, TREE_SIZE_MAX - 1) && entry->link_count == 2;
	}
	return false;
}

static bool evidence_is_valid(const struct entry *entry)
{
	return feed_is_valid(entry->evidence.venue, entry->evidence.generation) &&
	       is_in(entry->evidence.size, 1, TREE_SIZE_MAX) && is_in(entry->evidence.note.size, 1, NOTE_SIZE_MAX) &&
	       is_in(entry->evidence.push_index, 1, TREE_SIZE_MAX - 1) && entry->link_count == 0;
}

bool entry_time_is_valid(uint64_t time_us)
{
	return is_in(time_us, 1, date_start_us(DATE_YEAR_MAX * 10000 + 1231) - 1);
}

bool entry_is_valid(const struct entry *entry)
{
	if (!entry_time_is_valid(entry->time_us) || (entry->flags & ~ENTRY_FLAGS_ALL) != 0)
		return false;
	for (size_t i = 0; i < entry->link_count; i++)
		if (entry->links[i] >= TREE_SIZE_MAX)
			return false;
	switch (entry->kind) {
	case ENTRY_GENESIS:
		return is_in(entry->genesis.note.size, 1, NOTE_SIZE_MAX) && entry->link_count == 0 &&
		       hash_equal(&entry->previous, &no_hash);
	case ENTRY_RECORD: return record_entry_is_valid(entry);
	case ENTRY_PUSH: return push_entry_is_valid(entry);
	case ENTRY_ORDER: return order_entry_is_valid(entry);
	case ENTRY_EFFECT: return effect_is_valid(entry);
	case ENTRY_EVIDENCE: return evidence_is_valid(entry);
	}
	return false;
}
