#include "client/order_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/out.h"
#include "client/table.h"
#include "client/view.h"
#include "proto/date.h"
#include "proto/text.h"

static enum err table_finish(struct table *table)
{
	enum err err = table_print(table, stdout);

	table_done(table);
	return err;
}

static void field(struct table *table, const char *name, const char *text)
{
	table_word(table, name);
	table_cell(table, text);
}

/* A slice as a cell. */
static void cell_slice(struct table *table, struct slice text)
{
	table_cellf(table, "%.*s", (int)text.size, (const char *)text.data);
}

static void cell_date(struct table *table, uint32_t date)
{
	char text[DATE_TEXT_SIZE];

	date_format(date, text);
	table_cell(table, text);
}

static void key_id_format(const uint8_t id[static KEY_ID_SIZE], char ret_text[static 2 * KEY_ID_SIZE + 1])
{
	hex_format(slice_of(id, KEY_ID_SIZE), ret_text);
}

/* ---- signatures */

static void signatures_add(struct table *table, const struct note *note)
{
	char id[2 * KEY_ID_SIZE + 1];

	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *signature = &note->signatures[i];

		key_id_format(signature->key_id, id);
		table_word(table, i == 0 ? "signed by" : "");
		table_cellf(table, "%.*s (key %s)", (int)signature->name.size, (const char *)signature->name.data, id);
	}
}

/* ---- one order */

static void cell_lists(struct table *table, const struct order_item *item)
{
	struct buf lists;

	buf_init(&lists, LISTS_MAX * (LIST_NAME_SIZE_MAX + 2));
	for (size_t i = 0; i < item->list_count; i++)
		buf_printf(
		    &lists, "%s%.*s", i > 0 ? " " : "", (int)item->lists[i].size, (const char *)item->lists[i].data);
	table_cell(table, buf_text(&lists));
	buf_done(&lists);
}

static void cell_hash(struct table *table, const struct grant *grant)
{
	char text[2 * HASH_SIZE + 1];

	hex_format(slice_of(grant->token_hash, HASH_SIZE), text);
	table_cell(table, text);
}

static void cells_of_grant(struct table *table, const struct order_item *item)
{
	char subject[64];

	grant_subject_format(&item->grant, subject);
	table_cell(table, subject);
	table_cell(table, item->grant.holder);
	cell_date(table, item->grant.expires);
	cell_hash(table, &item->grant);
}

static void cells_of_firm(struct table *table, const struct order_item *item)
{
	cell_slice(table, item->code);
	cell_slice(table, item->name);
	cell_lists(table, item);
}

static void cells_of_pair(struct table *table, const struct order_item *item)
{
	cell_slice(table, item->code);
	cell_slice(table, item->second);
}

static void cells_of_delisted(struct table *table, const struct order_item *item)
{
	cell_slice(table, item->code);
	if (item->list_count > 0)
		cell_lists(table, item);
	else
		table_word(table, "all");
	cell_slice(table, item->reason);
}

static void cells_of_revoked(struct table *table, const struct order_item *item)
{
	cell_hash(table, &item->grant);
	cell_slice(table, item->reason);
}

static void cells_of_trade(struct table *table, const struct order_item *item)
{
	cell_slice(table, item->venue);
	cell_slice(table, item->trade_no);
	cell_slice(table, item->reason);
}

/* What a table of items shows, by what they are about. */
struct item_table {
	struct table_column columns[4];
	size_t column_count;
	void (*cells)(struct table *table, const struct order_item *item);
};

static const struct item_table *item_table_of(enum order_type type)
{
	static const struct item_table grants = {
	    {{TEXT("subject"), false}, {TEXT("holder"), false}, {TEXT("expires"), false}, {TEXT("token hash"), false}},
	    4, cells_of_grant};
	static const struct item_table firms = {
	    {{TEXT("code"), false}, {TEXT("name"), false}, {TEXT("lists"), false}}, 3, cells_of_firm};
	static const struct item_table pairs = {{{TEXT("first"), false}, {TEXT("second"), false}}, 2, cells_of_pair};
	static const struct item_table delisted = {
	    {{TEXT("code"), false}, {TEXT("off the lists"), false}, {TEXT("reason"), false}}, 3, cells_of_delisted};
	static const struct item_table revoked = {
	    {{TEXT("token hash"), false}, {TEXT("reason"), false}}, 2, cells_of_revoked};
	static const struct item_table trades = {
	    {{TEXT("venue"), false}, {TEXT("trade"), false}, {TEXT("reason"), false}}, 3, cells_of_trade};

	switch (type) {
	case ORDER_ENTERPRISE_REGISTER: return &firms;
	case ORDER_ENTERPRISE_RELATE: return &pairs;
	case ORDER_ENTERPRISE_DELIST: return &delisted;
	case ORDER_GRANT_ADD: return &grants;
	case ORDER_GRANT_REVOKE: return &revoked;
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID: return &trades;
	case ORDER_VENUE_LICENSE:
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME:
	case ORDER_VENUE_KEY:
	case ORDER_VENUE_DISTRUST:
	case ORDER_POLICY_ADOPT:
	case ORDER_OFFICER_ADD:
	case ORDER_OFFICER_REMOVE:
	case ORDER_QUORUM_SET:
	case ORDER_RULES_SET:
	case ORDER_LOG_KEY: break; /* these have no items */
	}
	return NULL;
}

static enum err items_print(const struct order *order)
{
	const struct item_table *shown = item_table_of(order->type);
	struct table table;

	table_init(&table, shown->columns, shown->column_count);
	for (size_t i = 0; i < order->item_count; i++)
		shown->cells(&table, &order->items[i]);
	return table_finish(&table);
}

/* ---- what stands in the body */

static void keys_add(struct table *table, const char *name, const struct key *keys, size_t key_count)
{
	char vkey[KEY_VKEY_SIZE];

	for (size_t i = 0; i < key_count; i++) {
		key_format(&keys[i], vkey);
		field(table, i == 0 ? name : "", vkey);
	}
}

static void quorum_add(struct table *table, const char *name, const struct quorum *quorum)
{
	struct why text;

	if (quorum->slot_count == 0)
		return;
	quorum_format(quorum, &text);
	field(table, name, text.text);
}

static void quorums_add(struct table *table, const struct quorums *quorums)
{
	quorum_add(table, "any order", &quorums->fallback);
	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		quorum_add(table, order_type_name((enum order_type)type), &quorums->by_type[type]);
	quorum_add(table, "grant.add to enterprises alone", &quorums->grant_enterprise);
}

static void body_add(struct table *table, const struct order *order)
{
	switch (order->type) {
	case ORDER_VENUE_LICENSE:
		field(table, "venue", order->venue);
		field(table, "its name", order->venue_name);
		keys_add(table, "its keys", order->venue_keys, order->venue_key_count);
		break;
	case ORDER_VENUE_SUSPEND:
	case ORDER_VENUE_RESUME: field(table, "venue", order->venue); break;
	case ORDER_VENUE_KEY:
		field(table, "venue", order->venue);
		keys_add(table, "new keys", order->venue_keys, order->venue_key_count);
		keys_add(table, "revoked keys", order->revoked_keys, order->revoked_key_count);
		if (order->is_new_generation)
			field(table, "feed", T("a new generation begins, the old one is closed"));
		break;
	case ORDER_VENUE_DISTRUST:
		field(table, "venue", order->venue);
		keys_add(table, "distrusted key", order->revoked_keys, order->revoked_key_count);
		table_word(table, "from entry");
		table_cellf(table, "%" PRIu64, order->from);
		break;
	case ORDER_OFFICER_ADD:
		field(table, "officer", order->officer.name);
		field(table, "role", officer_role_name(order->officer.role));
		keys_add(table, "keys", order->officer.keys, order->officer.key_count);
		break;
	case ORDER_OFFICER_REMOVE: field(table, "officer", order->officer.name); break;
	case ORDER_QUORUM_SET: quorums_add(table, &order->quorums); break;
	case ORDER_RULES_SET:
		table_word(table, "rules version");
		table_cellf(table, "%u", order->rules);
		break;
	case ORDER_LOG_KEY:
		keys_add(table, "new keys", order->added_log_keys, order->added_log_key_count);
		keys_add(table, "retired keys", order->retired_log_keys, order->retired_log_key_count);
		break;
	case ORDER_POLICY_ADOPT:
		if (order->policy.is_assumed)
			field(table, "status", T("assumed (按假设参数测算)"));
		break;
	case ORDER_ENTERPRISE_REGISTER:
	case ORDER_ENTERPRISE_RELATE:
	case ORDER_ENTERPRISE_DELIST:
	case ORDER_GRANT_ADD:
	case ORDER_GRANT_REVOKE:
	case ORDER_TRADE_HOLD:
	case ORDER_TRADE_RELEASE:
	case ORDER_TRADE_VOID:
		table_word(table, "items");
		table_cellf(table, "%zu", order->item_count);
		break;
	}
	if (order->reason[0] != '\0')
		field(table, "reason", order->reason);
}

static enum err policy_print(const struct order *order)
{
	json_t *json = json_loadb((const char *)order->policy_text.data, order->policy_text.size, 0, NULL);
	char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	if (text == NULL)
		return ERR_MEMORY;
	for (char *line = text, *rest = text; rest != NULL; line = rest) {
		(void)strsep(&rest, "\n");
		out_text(stdout, line);
		fputc('\n', stdout);
	}
	free(text);
	return OK;
}

static enum err order_print(const struct order *order, const struct note *note)
{
	static const struct table_column columns[] = {{NULL, false}, {NULL, false}};
	struct table table;
	enum err err;

	table_init(&table, columns, 2);
	field(&table, "order", order->id);
	field(&table, "type", order_type_name(order->type));
	field(&table, "ledger", order->origin);
	field(&table, "ledger id", order->ledger_id);
	table_word(&table, "expires");
	cell_date(&table, order->expires);
	table_word(&table, "made at size");
	table_cellf(&table, "%" PRIu64, order->made_at_size);
	body_add(&table, order);
	signatures_add(&table, note);
	err = table_finish(&table);
	if (err == OK && (order->item_count > 0 || order->type == ORDER_POLICY_ADOPT))
		fputc('\n', stdout);
	if (err == OK && order->item_count > 0)
		err = items_print(order);
	if (err == OK && order->type == ORDER_POLICY_ADOPT)
		err = policy_print(order);
	return err;
}

/* {"id","type",…,"signatures":[…]}: the signed line's own object, and what stands around it. */
static json_t *order_json(const struct order *order, const struct note *note, const struct bundle_order *bundle_order)
{
	const uint8_t *line = note->text.data;
	json_t *json, *signatures = json_array(), *items = json_array();
	char id[2 * KEY_ID_SIZE + 1];
	int failed = 0;

	for (size_t i = 0; i < 3; i++)
		line = (const uint8_t *)memchr(line, '\n', note->text.size - (size_t)(line - note->text.data)) + 1;
	json = json_loadb((const char *)line, note->text.size - (size_t)(line - note->text.data), 0, NULL);
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *signature = &note->signatures[i];

		key_id_format(signature->key_id, id);
		failed |= json_array_append_new(
		    signatures, json_pack("{s:s%,s:s}", "name", (const char *)signature->name.data,
				    signature->name.size, "key_id", id));
	}
	for (size_t i = 0; i < bundle_order->item_count; i++)
		failed |= json_array_append_new(
		    items, json_loadb((const char *)bundle_order->items[i].data, bundle_order->items[i].size, 0, NULL));
	failed |= json_object_set_new(json, "origin", json_string(order->origin));
	failed |= json_object_set_new(json, "ledger_id", json_string(order->ledger_id));
	failed |= json_object_set_new(json, "item_lines", items);
	failed |= json_object_set_new(json, "signatures", signatures);
	if (failed != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

/* ---- all of them */

static enum exit_code one_show(const struct bundle_order *bundle_order, struct arena *arena, json_t *list)
{
	struct why why = {""};
	struct order order;
	struct note note;
	enum err err;

	arena_reset(arena);
	err = note_parse(buf_slice(&bundle_order->note), &note, &why);
	if (err == OK)
		err = order_parse(note.text, bundle_order->items, bundle_order->item_count, arena, &order, &why);
	if (err == OK && list != NULL)
		err = json_array_append_new(list, order_json(&order, &note, bundle_order)) == 0 ? OK : ERR_MEMORY;
	if (err != OK)
		return out_fail(err, &why, "do not sign this");
	return list != NULL ? EXIT_OK : out_printed(order_print(&order, &note));
}

static enum exit_code orders_show(const struct settings *settings, const struct bundle *bundle)
{
	json_t *list = settings->is_json ? json_array() : NULL;
	enum exit_code code = EXIT_OK;
	struct arena arena;

	arena_init(&arena, ORDER_ARENA_SIZE);
	for (size_t i = 0; code == EXIT_OK && i < bundle->order_count; i++) {
		if (i > 0 && list == NULL)
			printf("\n");
		code = one_show(&bundle->orders[i], &arena, list);
	}
	arena_done(&arena);
	if (list != NULL && code == EXIT_OK)
		return out_json(list);
	json_decref(list);
	if (code == EXIT_OK)
		out_info(
		    "The signatures are not checked here: the ledger does, for it knows the officers and their keys.");
	return code;
}

static enum err officers_print(const struct genesis *genesis, const struct note *note, uint64_t signed_by[])
{
	static const struct table_column columns[] = {
	    {"officer", false}, {"role", false}, {"signed", false}, {"key", false}};
	struct table table;

	table_init(&table, columns, 4);
	for (size_t i = 0; i < genesis->officer_count; i++) {
		const struct officer *officer = &genesis->officers[i];

		for (size_t j = 0; j < officer->key_count; j++) {
			char vkey[KEY_VKEY_SIZE];

			key_format(&officer->keys[j], vkey);
			table_cell(&table, j == 0 ? officer->name : "");
			table_cell(&table, j == 0 ? officer_role_name(officer->role) : "");
			table_word(&table, note_names_key(note, &officer->keys[j]) ? "yes" : "no");
			table_style(&table, (signed_by[i] >> j & 1) != 0 ? TABLE_GOOD : TABLE_WARN);
			table_cell(&table, vkey);
		}
	}
	return table_finish(&table);
}

static void quorums_print(const struct quorums *quorums)
{
	struct why text;

	quorum_format(&quorums->fallback, &text);
	printf("\n");
	view_say("quorum of any order: %s", text.text);
	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++) {
		if (quorums->by_type[type].slot_count == 0)
			continue;
		quorum_format(&quorums->by_type[type], &text);
		view_say("quorum of %s: %s", order_type_name((enum order_type)type), text.text);
	}
	if (quorums->grant_enterprise.slot_count > 0) {
		quorum_format(&quorums->grant_enterprise, &text);
		view_say("quorum of grant.add to enterprises alone: %s", text.text);
	}
}

/* The genesis brings its officers' keys along, so its signatures are checked. */
static enum exit_code genesis_show(const struct settings *settings, const struct bundle *bundle)
{
	struct genesis *genesis = calloc(1, sizeof(*genesis));
	uint64_t signed_by[OFFICERS_MAX] = {0};
	struct why why = {""};
	struct note note;
	enum exit_code code = EXIT_OK;
	enum err err = genesis == NULL ? ERR_MEMORY : note_parse(buf_slice(&bundle->orders[0].note), &note, &why);

	if (err == OK)
		err = genesis_parse(note.text, genesis, &why);
	for (size_t i = 0; err == OK && i < genesis->officer_count; i++) {
		const struct officer *officer = &genesis->officers[i];

		err = note_verify(&note, officer->keys, officer->key_count, &signed_by[i]);
		if (err == ERR_UNKNOWN_KEY)
			err = OK;
		else if (err != OK)
			(void)why_set(&why, err, "of %s", officer->name);
	}
	if (err != OK) {
		code = out_fail(err, &why, "do not sign this");
	} else if (settings->is_json) {
		code = out_json(json_pack(
		    "{s:s%}", "note", (const char *)bundle->orders[0].note.data, bundle->orders[0].note.size));
	} else {
		char vkey[KEY_VKEY_SIZE];

		key_format(&genesis->ledger_key, vkey);
		view_say("genesis of %s", genesis->origin);
		view_say("ledger key %s", vkey);
		printf("\n");
		err = officers_print(genesis, &note, signed_by);
		quorums_print(&genesis->quorums);
		code = out_printed(err);
	}
	free(genesis);
	return code;
}

enum exit_code order_show(const struct settings *settings, const struct bundle *bundle)
{
	return bundle->is_genesis ? genesis_show(settings, bundle) : orders_show(settings, bundle);
}
