#include "proto/chain_item.h"

static bool record_refers(const struct chain_item *item, uint64_t *ret_trade_index)
{
	switch (item->entry.record.disposition) {
	case DISPOSITION_COUNTED:
	case DISPOSITION_SELF_TRADE:
	case DISPOSITION_OVERFLOW:
		*ret_trade_index = item->record.kind == RECORD_TRADE ? item->index : item->entry.record.refers;
		return true;
	case DISPOSITION_DUPLICATE_TRADE:
	case DISPOSITION_REFUND_UNKNOWN:
	case DISPOSITION_REFUND_EXCEEDS: *ret_trade_index = item->entry.record.refers; return true;
	/* It refers to the first refund of its number, which may have been of another trade. */
	case DISPOSITION_DUPLICATE_ADJUST: return false;
	}
	return false;
}

bool chain_item_refers(const struct chain_item *item, uint64_t *ret_trade_index)
{
	const struct entry *entry = &item->entry;

	if (entry->kind == ENTRY_RECORD)
		return record_refers(item, ret_trade_index);
	*ret_trade_index =
	    entry->kind == ENTRY_EFFECT && effect_is_of_trade(entry->effect.kind) ? entry->effect.trade_index : 0;
	return true;
}

static bool is_code(struct slice text, const struct code *code)
{
	return slice_equal(text, code_slice(code));
}

/* Which of the trade's parties is it? Of a self-trade the first. */
static bool place_in_trade(const struct chain_item *item, const struct code *code, size_t *ret_place)
{
	bool is_supplier = item->trade_index != 0 && code_equal(code, &item->supplier);

	*ret_place = is_supplier ? 0 : 1;
	return is_supplier || (item->trade_index != 0 && code_equal(code, &item->buyer));
}

static bool place_in_effect(const struct chain_item *item, const struct code *code, size_t *ret_place)
{
	const struct entry *entry = &item->entry;

	if (effect_is_of_trade(entry->effect.kind))
		return place_in_trade(item, code, ret_place);
	*ret_place = is_code(entry->effect.code, code) ? 0 : 1;
	return *ret_place == 0 || (entry->effect.kind == EFFECT_RELATED && is_code(entry->effect.second, code));
}

bool chain_item_link(const struct chain_item *item, const struct code *code, uint64_t *ret_link)
{
	const struct entry *entry = &item->entry;
	bool concerns = false;
	size_t place = 0;

	switch (entry->kind) {
	case ENTRY_RECORD: concerns = place_in_trade(item, code, &place); break;
	case ENTRY_EFFECT: concerns = place_in_effect(item, code, &place); break;
	case ENTRY_GENESIS:
	case ENTRY_PUSH:
	case ENTRY_ORDER:
	case ENTRY_EVIDENCE: break;
	}
	if (!concerns || place >= entry->link_count)
		return false;
	*ret_link = entry->links[place];
	return true;
}

bool chain_item_is_shown(const struct chain_item *item, const struct code *code)
{
	uint64_t link;

	if (!chain_item_link(item, code, &link))
		return false;
	if (item->entry.kind != ENTRY_RECORD || item->record.kind != RECORD_TRADE)
		return true;
	return is_code(item->record.trade.supplier, code) || is_code(item->record.trade.buyer, code);
}
