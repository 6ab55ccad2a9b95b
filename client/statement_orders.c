/* Effects of a statement: each is what the enterprise's own line of an order says, under the officers' signatures. */
#include "client/statement_internal.h"

#include <stdlib.h>
#include <string.h>

static enum order_type type_of(enum effect_kind kind)
{
	switch (kind) {
	case EFFECT_REGISTERED: return ORDER_ENTERPRISE_REGISTER;
	case EFFECT_RELATED: return ORDER_ENTERPRISE_RELATE;
	case EFFECT_DELISTED: return ORDER_ENTERPRISE_DELIST;
	case EFFECT_HELD: return ORDER_TRADE_HOLD;
	case EFFECT_RELEASED: return ORDER_TRADE_RELEASE;
	case EFFECT_VOIDED: break;
	}
	return ORDER_TRADE_VOID;
}

static bool lists_equal(const struct slice *a, size_t a_count, const struct slice *b, size_t b_count)
{
	for (size_t i = 0; i < a_count && a_count == b_count; i++)
		if (!slice_equal(a[i], b[i]))
			return false;
	return a_count == b_count;
}

/* Off the lists that the line names, or, where it names none, off all that the enterprise is on. */
static bool delisted_matches(
    const struct statement *statement, const struct entry *entry, const struct order_item *line)
{
	struct account account;
	struct slice lists[LISTS_MAX];
	size_t found = 0;

	if (!slice_equal(entry->effect.code, line->code) || !life_account(&statement->life, &account))
		return false;
	for (size_t i = 0; i < account.list_count; i++)
		lists[i] = slice_text(account.lists[i]);
	if (line->list_count == 0)
		return account.list_count > 0 &&
		       lists_equal(entry->effect.lists, entry->effect.list_count, lists, account.list_count);
	for (size_t i = 0; i < line->list_count; i++)
		for (size_t j = 0; j < account.list_count; j++)
			found += slice_equal(line->lists[i], lists[j]) ? 1 : 0;
	return found == line->list_count &&
	       lists_equal(entry->effect.lists, entry->effect.list_count, line->lists, line->list_count);
}

static bool effect_matches(const struct statement *statement, const struct entry *entry, const struct order_item *line)
{
	switch (entry->effect.kind) {
	case EFFECT_REGISTERED:
		return slice_equal(entry->effect.code, line->code) && slice_equal(entry->effect.name, line->name) &&
		       lists_equal(entry->effect.lists, entry->effect.list_count, line->lists, line->list_count);
	case EFFECT_RELATED:
		return slice_equal(entry->effect.code, line->code) && slice_equal(entry->effect.second, line->second);
	case EFFECT_DELISTED: return delisted_matches(statement, entry, line);
	case EFFECT_HELD:
	case EFFECT_RELEASED:
	case EFFECT_VOIDED: break;
	}
	return slice_equal(entry->effect.venue, line->venue) && slice_equal(entry->effect.trade_no, line->trade_no);
}

/* A trade counts, is held, is void: held is what counts, released what is held, voided what is not void. */
static enum err change_state(const struct statement *statement, const struct chain_item *item, struct why *why)
{
	struct statement_trade *trade = statement_trade_at(statement, item->trade_index);
	enum trade_state state = trade->touched.state;
	bool is_right = trade->disposition == DISPOSITION_COUNTED && state != TRADE_VOIDED;

	if (item->entry.effect.kind == EFFECT_HELD)
		is_right = is_right && state == TRADE_COUNTED;
	else if (item->entry.effect.kind == EFFECT_RELEASED)
		is_right = is_right && state == TRADE_HELD;
	if (!is_right)
		return why_set(why, ERR_INVALID,
		    "what it does to trade %llu can't be done to it as it stands: an entry in between was left out",
		    (unsigned long long)trade->index);
	trade->touched.state_index = item->index;
	trade->touched.state = item->entry.effect.kind == EFFECT_HELD       ? TRADE_HELD
			       : item->entry.effect.kind == EFFECT_RELEASED ? TRADE_COUNTED
									    : TRADE_VOIDED;
	return OK;
}

/* The line under the officers' note, and the officers as they were then. */
static enum err check_line(struct statement *statement, const struct chain_item *item,
    const struct statement_order *file, struct order *order, struct why *why)
{
	const struct order_line line = {
	    .text = file->line, .item = file->item, .count = file->count, .path = &file->path};
	const struct entry *entry = &item->entry;
	struct offices_shown shown = {.order = order, .index = file->order_index, .time_us = entry->time_us};
	struct note note;
	enum err err;

	if (file->order_index != entry->effect.order_index || file->item != entry->effect.item)
		return why_set(why, ERR_INVALID,
		    "it is of item %u of order %llu, and the effect of item %u of order %llu", file->item,
		    (unsigned long long)file->order_index, entry->effect.item,
		    (unsigned long long)entry->effect.order_index);
	if (item->index != file->order_index + 1 + file->item)
		return why_set(why, ERR_INVALID, "the effect does not stand behind its order");
	err = note_parse(file->note, &note, why);
	if (err == OK)
		err = order_parse_line(note.text, &line, &statement->arena, order, why);
	if (err != OK)
		return err;
	shown.note = &note;
	err = offices_check(&statement->offices, &shown, why);
	if (err == OK &&
	    (order->type != type_of(entry->effect.kind) || !effect_matches(statement, entry, &order->items[0])))
		err =
		    why_set(why, ERR_INVALID, "the ledger did something else than the line says that officers signed");
	return err;
}

/*
 * Held by an order without items, for the venue's key was stolen: the order is one of the acts, the trade's own proof in
 * the feed shows that this key signed it, and in which push: whose entry stands behind those of its records. What officers
 * have decided of the trade since is left to them.
 */
static enum err check_distrust(struct statement *statement, const struct chain_item *item,
    const struct offices_distrust *distrust, struct why *why)
{
	const struct entry *entry = &item->entry;
	const struct statement_trade *trade = statement_trade_at(statement, item->trade_index);
	char name[STATEMENT_NAME_SIZE];
	uint64_t signed_by, push_index;
	struct checkpoint checkpoint;
	struct proof proof;
	struct note note;
	enum err err;

	if (entry->effect.kind != EFFECT_HELD || entry->effect.item != 0 ||
	    trade->touched.state_index > distrust->index ||
	    !slice_equal(entry->effect.venue, slice_text(distrust->venue)))
		return why_set(
		    why, ERR_INVALID, "act %llu says nothing of this trade", (unsigned long long)distrust->index);
	statementfolder_name(STATEMENT_FEEDS_FOLDER, item->trade_index, STATEMENT_PROOF_SUFFIX, name);
	err = statement_files_read(statement->folder, name, &statement->bytes, why);
	if (err == OK)
		err = proof_parse(buf_slice(&statement->bytes), &statement->arena, &proof, why);
	if (err == OK)
		err = note_parse(proof.note, &note, why);
	if (err == OK)
		err = checkpoint_parse(note.text, &checkpoint, why);
	if (err != OK)
		return err;
	push_index = item->trade_index + checkpoint.size - proof.index;
	if (push_index < distrust->from || push_index >= distrust->end)
		return why_set(why, ERR_INVALID,
		    "act %llu is about pushes from entry %llu on and before entry %llu, and push %llu brought this "
		    "trade",
		    (unsigned long long)distrust->index, (unsigned long long)distrust->from,
		    (unsigned long long)distrust->end, (unsigned long long)push_index);
	if (note_verify(&note, &distrust->key, 1, &signed_by) != OK)
		return why_set(why, ERR_INVALID, "act %llu distrusts a key that has not signed this trade",
		    (unsigned long long)distrust->index);
	return OK;
}

static enum err take_distrust(struct statement *statement, const struct chain_item *item,
    const struct offices_distrust *distrust, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	struct why cause = {""};
	enum err err = check_distrust(statement, item, distrust, &cause);

	if (err == OK)
		err = change_state(statement, item, &cause);
	statementfolder_name(STATEMENT_ENTRIES_FOLDER, item->index, STATEMENT_PROOF_SUFFIX, name);
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}

enum err statement_check_effect(struct statement *statement, const struct chain_item *item, struct why *why)
{
	char name[STATEMENT_NAME_SIZE];
	const struct offices_distrust *distrust =
	    offices_distrust_at(&statement->offices, item->entry.effect.order_index);
	struct statement_order file = {.item = 0};
	struct why cause = {""};
	struct order *order;
	enum err err;

	if (distrust != NULL)
		return take_distrust(statement, item, distrust, why);
	order = malloc(sizeof(*order));
	statementfolder_name(STATEMENT_ORDERS_FOLDER, item->index, STATEMENT_JSON_SUFFIX, name);
	err = order == NULL ? ERR_MEMORY : statement_files_read(statement->folder, name, &statement->bytes, &cause);
	if (err == ERR_NOT_FOUND)
		err = why_set(&cause, err, "it is missing: nothing shows that officers ordered this");
	if (err == OK)
		err = statement_order_parse(buf_slice(&statement->bytes), &file, &cause);
	if (err == OK)
		err = check_line(statement, item, &file, order, &cause);
	if (err == OK && effect_is_of_trade(item->entry.effect.kind))
		err = change_state(statement, item, &cause);
	statement_order_done(&file);
	free(order);
	statement->order_count++;
	return err == OK ? OK : statement_wrong(why, err, name, &cause);
}
