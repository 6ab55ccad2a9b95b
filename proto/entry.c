/*
 * As with records: protobuf-c decodes, entry_put writes again, and only the same bytes pass. What an entry says
 * beyond its own ranges (whether a link is the right one, a disposition the right one) is judged by the fold.
 *
 * entry_encode asserts every rule that entry_decode checks: an entry that couldn't be read again would be the end
 * of its ledger.
 */
#include "proto/entry.h"

#include <assert.h>
#include <string.h>

#include "proto/entry_internal.h"
#include "proto/subsidy.pb-c.h"
#include "proto/wire.h"

#define PUSH_ENTRY_VERSION 1

/* What protobuf-c may take for one entry: an order of ORDER_ITEMS_MAX items needs half of it. */
#define UNPACK_MEMORY_MAX (4 * ENTRY_SIZE_MAX)

const char *entry_kind_name(enum entry_kind kind)
{
	switch (kind) {
	case ENTRY_GENESIS: return "genesis";
	case ENTRY_RECORD: return "record";
	case ENTRY_PUSH: return "push";
	case ENTRY_ORDER: return "order";
	case ENTRY_EFFECT: return "effect";
	case ENTRY_EVIDENCE: return "evidence";
	}
	assert(!"a kind of entry");
	return "";
}

const char *effect_kind_name(enum effect_kind kind)
{
	switch (kind) {
	case EFFECT_REGISTERED: return "registered";
	case EFFECT_RELATED: return "related";
	case EFFECT_DELISTED: return "delisted";
	case EFFECT_HELD: return "held";
	case EFFECT_RELEASED: return "released";
	case EFFECT_VOIDED: return "voided";
	}
	assert(!"a kind of effect");
	return "";
}

bool effect_is_of_trade(enum effect_kind kind)
{
	return kind == EFFECT_HELD || kind == EFFECT_RELEASED || kind == EFFECT_VOIDED;
}

/* ---- encoding */

static void put_record(struct wire_writer *writer, const struct entry *entry)
{
	wire_put_bytes(writer, 1, entry->record.venue);
	wire_put_number(writer, 2, entry->record.generation);
	wire_put_number(writer, 3, entry->record.feed_index);
	wire_put_bytes(writer, 4, entry->record.record);
	wire_put_number(writer, 5, entry->record.disposition);
	wire_put_number(writer, 6, entry->record.refers);
}

static void put_push(struct wire_writer *writer, const struct entry *entry)
{
	wire_put_number(writer, 1, PUSH_ENTRY_VERSION);
	wire_put_bytes(writer, 2, entry->push.venue);
	wire_put_number(writer, 3, entry->push.generation);
	wire_put_number(writer, 4, entry->push.start);
	wire_put_number(writer, 5, entry->push.count);
	wire_put_number(writer, 6, entry->push.first_index);
	wire_put_bytes(writer, 7, entry->push.note);
	for (size_t i = 0; i < entry->push.tally_count; i++) {
		uint8_t *opened = wire_open(writer, 8);

		wire_put_number(writer, 1, entry->push.tally[i].disposition);
		wire_put_number(writer, 2, entry->push.tally[i].count);
		wire_close(writer, opened);
	}
	wire_put_bytes(writer, 9, hash_slice(&entry->push.dispositions_hash));
}

static void put_order(struct wire_writer *writer, const struct entry *entry)
{
	wire_put_bytes(writer, 1, entry->order.note);
	for (size_t i = 0; i < entry->order.item_count; i++)
		wire_put_element(writer, 2, entry->order.items[i]);
}

static void put_lists(struct wire_writer *writer, unsigned number, const struct entry *entry)
{
	for (size_t i = 0; i < entry->effect.list_count; i++)
		wire_put_element(writer, number, entry->effect.lists[i]);
}

static void put_effect(struct wire_writer *writer, const struct entry *entry)
{
	uint8_t *opened;

	wire_put_number(writer, 1, entry->effect.order_index);
	wire_put_number(writer, 2, entry->effect.item);
	/* The changes' numbers follow the kinds: 3 registered .. 8 voided. */
	opened = wire_open(writer, 2 + (unsigned)entry->effect.kind);
	switch (entry->effect.kind) {
	case EFFECT_REGISTERED:
		wire_put_bytes(writer, 1, entry->effect.code);
		wire_put_bytes(writer, 2, entry->effect.name);
		put_lists(writer, 3, entry);
		break;
	case EFFECT_RELATED:
		wire_put_bytes(writer, 1, entry->effect.code);
		wire_put_bytes(writer, 2, entry->effect.second);
		break;
	case EFFECT_DELISTED:
		wire_put_bytes(writer, 1, entry->effect.code);
		put_lists(writer, 2, entry);
		break;
	case EFFECT_HELD:
	case EFFECT_RELEASED:
	case EFFECT_VOIDED:
		wire_put_bytes(writer, 1, entry->effect.venue);
		wire_put_bytes(writer, 2, entry->effect.trade_no);
		wire_put_number(writer, 3, entry->effect.trade_index);
		break;
	}
	wire_close(writer, opened);
}

static void put_evidence(struct wire_writer *writer, const struct entry *entry)
{
	wire_put_bytes(writer, 1, entry->evidence.venue);
	wire_put_number(writer, 2, entry->evidence.generation);
	wire_put_number(writer, 3, entry->evidence.size);
	wire_put_bytes(writer, 4, entry->evidence.note);
	wire_put_number(writer, 5, entry->evidence.push_index);
}

static void entry_put(struct wire_writer *writer, const struct entry *entry)
{
	uint8_t *opened;

	wire_put_number(writer, 1, ENTRY_VERSION);
	wire_put_number(writer, 2, entry->time_us);
	wire_put_bytes(writer, 3, hash_slice(&entry->previous));
	if (entry->kind != ENTRY_RECORD)
		wire_put_bytes(writer, 4, slice_of(entry->salt, SALT_SIZE));
	wire_put_number(writer, 5, entry->flags);
	if (entry->link_count != 0) {
		opened = wire_open(writer, 6);
		for (size_t i = 0; i < entry->link_count; i++)
			wire_put_varint(writer, entry->links[i]);
		wire_close(writer, opened);
	}
	/* The bodies' numbers follow the kinds: 7 genesis .. 12 evidence. */
	opened = wire_open(writer, 6 + (unsigned)entry->kind);
	switch (entry->kind) {
	case ENTRY_GENESIS: wire_put_bytes(writer, 1, entry->genesis.note); break;
	case ENTRY_RECORD: put_record(writer, entry); break;
	case ENTRY_PUSH: put_push(writer, entry); break;
	case ENTRY_ORDER: put_order(writer, entry); break;
	case ENTRY_EFFECT: put_effect(writer, entry); break;
	case ENTRY_EVIDENCE: put_evidence(writer, entry); break;
	}
	wire_close(writer, opened);
}

enum err entry_encode(const struct entry *entry, struct buf *ret_bytes)
{
	uint8_t memory[ENTRY_SIZE_MAX + WIRE_SLACK];
	struct wire_writer writer = wire_writer_of(memory, sizeof(memory));

	assert(entry->link_count <= ENTRY_LINKS_MAX);
	assert(entry_is_valid(entry));
	entry_put(&writer, entry);
	if (writer.is_full || wire_written(&writer).size > ENTRY_SIZE_MAX)
		return ERR_TOO_LARGE;
	buf_add_slice(ret_bytes, wire_written(&writer));
	return ret_bytes->err;
}

/* ---- decoding */

static enum err take_genesis(const Subsidy__PbGenesis *pb, struct entry *ret_entry)
{
	ret_entry->genesis.note = wire_bytes(pb->note);
	return pb->base.n_unknown_fields == 0 ? OK : ERR_SYNTAX;
}

static enum err take_record(const Subsidy__PbRecordEntry *pb, struct entry *ret_entry)
{
	ret_entry->record.venue = wire_text(pb->venue);
	ret_entry->record.generation = pb->generation;
	ret_entry->record.feed_index = pb->feed_index;
	ret_entry->record.record = wire_bytes(pb->record);
	ret_entry->record.disposition = (enum disposition)pb->disposition;
	ret_entry->record.refers = pb->refers;
	return pb->base.n_unknown_fields == 0 ? OK : ERR_SYNTAX;
}

static enum err take_push(const Subsidy__PbPushEntry *pb, struct entry *ret_entry)
{
	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < pb->n_tally; i++)
		if (pb->tally[i]->base.n_unknown_fields != 0)
			return ERR_SYNTAX;
	if (pb->version != PUSH_ENTRY_VERSION || pb->n_tally >= DISPOSITION_COUNT ||
	    pb->dispositions_hash.len != HASH_SIZE)
		return ERR_INVALID;
	ret_entry->push.venue = wire_text(pb->venue);
	ret_entry->push.generation = pb->generation;
	ret_entry->push.start = pb->start;
	ret_entry->push.count = pb->count;
	ret_entry->push.first_index = pb->first_index;
	ret_entry->push.note = wire_bytes(pb->note);
	ret_entry->push.tally_count = pb->n_tally;
	for (size_t i = 0; i < pb->n_tally; i++) {
		ret_entry->push.tally[i].disposition = (enum disposition)pb->tally[i]->disposition;
		ret_entry->push.tally[i].count = pb->tally[i]->count;
	}
	memcpy(ret_entry->push.dispositions_hash.bytes, pb->dispositions_hash.data, HASH_SIZE);
	return OK;
}

static enum err take_order(const Subsidy__PbOrderEntry *pb, struct arena *arena, struct entry *ret_entry)
{
	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	if (pb->n_items > ORDER_ITEMS_MAX)
		return ERR_INVALID;
	ret_entry->order.note = wire_bytes(pb->note);
	ret_entry->order.item_count = pb->n_items;
	if (pb->n_items == 0)
		return OK;
	ret_entry->order.items = arena_alloc(arena, pb->n_items * sizeof(*ret_entry->order.items));
	if (ret_entry->order.items == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < pb->n_items; i++)
		ret_entry->order.items[i] = wire_text(pb->items[i]);
	return OK;
}

static enum err take_lists(char *const *lists, size_t count, struct entry *ret_entry)
{
	if (count > LISTS_MAX)
		return ERR_INVALID;
	ret_entry->effect.list_count = count;
	for (size_t i = 0; i < count; i++)
		ret_entry->effect.lists[i] = wire_text(lists[i]);
	return OK;
}

static enum err take_registered(const Subsidy__PbRegistered *pb, struct entry *ret_entry)
{
	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	ret_entry->effect.kind = EFFECT_REGISTERED;
	ret_entry->effect.code = wire_text(pb->code);
	ret_entry->effect.name = wire_text(pb->name);
	return take_lists(pb->lists, pb->n_lists, ret_entry);
}

static enum err take_related(const Subsidy__PbRelated *pb, struct entry *ret_entry)
{
	ret_entry->effect.kind = EFFECT_RELATED;
	ret_entry->effect.code = wire_text(pb->first);
	ret_entry->effect.second = wire_text(pb->second);
	return pb->base.n_unknown_fields == 0 ? OK : ERR_SYNTAX;
}

static enum err take_delisted(const Subsidy__PbDelisted *pb, struct entry *ret_entry)
{
	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	ret_entry->effect.kind = EFFECT_DELISTED;
	ret_entry->effect.code = wire_text(pb->code);
	return take_lists(pb->lists, pb->n_lists, ret_entry);
}

static enum err take_trade_change(const Subsidy__PbTradeChange *pb, enum effect_kind kind, struct entry *ret_entry)
{
	ret_entry->effect.kind = kind;
	ret_entry->effect.venue = wire_text(pb->venue);
	ret_entry->effect.trade_no = wire_text(pb->trade_no);
	ret_entry->effect.trade_index = pb->trade_index;
	return pb->base.n_unknown_fields == 0 ? OK : ERR_SYNTAX;
}

static enum err take_effect(const Subsidy__PbEffect *pb, struct entry *ret_entry)
{
	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	ret_entry->effect.order_index = pb->order_index;
	ret_entry->effect.item = pb->item;
	switch (pb->change_case) {
	case SUBSIDY__PB_EFFECT__CHANGE_REGISTERED: return take_registered(pb->registered, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE_RELATED: return take_related(pb->related, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE_DELISTED: return take_delisted(pb->delisted, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE_HELD: return take_trade_change(pb->held, EFFECT_HELD, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE_RELEASED: return take_trade_change(pb->released, EFFECT_RELEASED, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE_VOIDED: return take_trade_change(pb->voided, EFFECT_VOIDED, ret_entry);
	case SUBSIDY__PB_EFFECT__CHANGE__NOT_SET:
	case _SUBSIDY__PB_EFFECT__CHANGE__CASE_IS_INT_SIZE: break;
	}
	return ERR_SYNTAX;
}

static enum err take_evidence(const Subsidy__PbEvidenceEntry *pb, struct entry *ret_entry)
{
	ret_entry->evidence.venue = wire_text(pb->venue);
	ret_entry->evidence.generation = pb->generation;
	ret_entry->evidence.size = pb->size;
	ret_entry->evidence.note = wire_bytes(pb->note);
	ret_entry->evidence.push_index = pb->push_index;
	return pb->base.n_unknown_fields == 0 ? OK : ERR_SYNTAX;
}

static enum err take_body(const Subsidy__PbEntry *pb, struct arena *arena, struct entry *ret_entry)
{
	switch (pb->body_case) {
	case SUBSIDY__PB_ENTRY__BODY_GENESIS:
		ret_entry->kind = ENTRY_GENESIS;
		return take_genesis(pb->genesis, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY_RECORD: ret_entry->kind = ENTRY_RECORD; return take_record(pb->record, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY_PUSH: ret_entry->kind = ENTRY_PUSH; return take_push(pb->push, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY_ORDER:
		ret_entry->kind = ENTRY_ORDER;
		return take_order(pb->order, arena, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY_EFFECT: ret_entry->kind = ENTRY_EFFECT; return take_effect(pb->effect, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY_EVIDENCE:
		ret_entry->kind = ENTRY_EVIDENCE;
		return take_evidence(pb->evidence, ret_entry);
	case SUBSIDY__PB_ENTRY__BODY__NOT_SET:
	case _SUBSIDY__PB_ENTRY__BODY__CASE_IS_INT_SIZE: break;
	}
	return ERR_SYNTAX;
}

/* Takes over what protobuf-c found. */
static enum err entry_take(const Subsidy__PbEntry *pb, struct arena *arena, struct entry *ret_entry)
{
	bool is_record = pb->body_case == SUBSIDY__PB_ENTRY__BODY_RECORD;
	enum err err;

	if (pb->base.n_unknown_fields != 0)
		return ERR_SYNTAX;
	err = take_body(pb, arena, ret_entry);
	if (err != OK)
		return err;
	if (pb->version != ENTRY_VERSION || pb->previous.len != HASH_SIZE ||
	    pb->salt.len != (is_record ? 0 : SALT_SIZE) || pb->n_links > ENTRY_LINKS_MAX)
		return ERR_INVALID;
	ret_entry->time_us = pb->time_us;
	memcpy(ret_entry->previous.bytes, pb->previous.data, HASH_SIZE);
	if (!is_record)
		memcpy(ret_entry->salt, pb->salt.data, SALT_SIZE);
	ret_entry->flags = pb->flags;
	ret_entry->link_count = pb->n_links;
	for (size_t i = 0; i < pb->n_links; i++)
		ret_entry->links[i] = pb->links[i];
	return OK;
}

enum err entry_decode(struct slice bytes, struct arena *arena, struct entry *ret_entry)
{
	struct wire_memory memory = {.arena = arena, .left = UNPACK_MEMORY_MAX};
	ProtobufCAllocator allocator = wire_allocator(&memory);
	const Subsidy__PbEntry *pb;
	struct entry entry = {0};
	struct wire_writer writer;
	uint8_t *again;
	enum err err;

	if (bytes.size > ENTRY_SIZE_MAX)
		return ERR_TOO_LARGE;
	pb = subsidy__pb_entry__unpack(&allocator, bytes.size, bytes.data);
	if (pb == NULL)
		return wire_unpack_error(&memory);
	err = entry_take(pb, arena, &entry);
	if (err != OK)
		return err;
	again = arena_alloc(arena, bytes.size + WIRE_SLACK);
	if (again == NULL)
		return ERR_MEMORY;
	writer = wire_writer_of(again, bytes.size + WIRE_SLACK);
	entry_put(&writer, &entry);
	if (writer.is_full || !slice_equal(wire_written(&writer), bytes))
		return ERR_NOT_CANONICAL;
	if (!entry_is_valid(&entry))
		return ERR_INVALID;
	*ret_entry = entry;
	return OK;
}
