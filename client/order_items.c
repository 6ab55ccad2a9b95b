#include "client/order_items.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/date.h"
#include "proto/feed.h"
#include "proto/text.h"
#include "proto/usci.h"

#define ARENA_SIZE (16u << 20) /* lines and faults: several times what a file of orders can hold */
#define VALUE_SHOWN_MAX 60     /* bytes of a cell that a complaint repeats */

#define TYPE(type) (1u << (type))
#define REGISTER TYPE(ORDER_ENTERPRISE_REGISTER)
#define DELIST TYPE(ORDER_ENTERPRISE_DELIST)
#define REVOKE TYPE(ORDER_GRANT_REVOKE)
#define TRADES (TYPE(ORDER_TRADE_HOLD) | TYPE(ORDER_TRADE_RELEASE) | TYPE(ORDER_TRADE_VOID))

const struct item_column_rule items_columns[ITEM_COLUMN_COUNT] = {
    [ITEM_CODE] = {"code", "统一社会信用代码", REGISTER | DELIST, true},
    [ITEM_NAME] = {"name", "企业名称", REGISTER, true},
    [ITEM_LISTS] = {"lists", "名单", REGISTER | DELIST, false},
    [ITEM_FIRST] = {"first", "企业一", TYPE(ORDER_ENTERPRISE_RELATE), true},
    [ITEM_SECOND] = {"second", "企业二", TYPE(ORDER_ENTERPRISE_RELATE), true},
    [ITEM_SUBJECT] = {"subject", "授权对象", TYPE(ORDER_GRANT_ADD), true},
    [ITEM_HOLDER] = {"holder", "持有人", TYPE(ORDER_GRANT_ADD), true},
    [ITEM_EXPIRES] = {"expires", "到期日", TYPE(ORDER_GRANT_ADD), false},
    [ITEM_SUBJECT_NAME] = {"name", "企业名称", TYPE(ORDER_GRANT_ADD), false},
    [ITEM_TOKEN_HASH] = {"token_hash", "查询码摘要", REVOKE, true},
    [ITEM_VENUE] = {"venue", "数据交易机构", TRADES, true},
    [ITEM_TRADE_NO] = {"trade_no", "交易编号", TRADES, true},
    [ITEM_REASON] = {"reason", "原因", DELIST | REVOKE | TRADES, true},
};

bool items_has_column(enum order_type type, enum item_column column)
{
	return (items_columns[column].types & TYPE(type)) != 0;
}

bool items_needs_column(const struct items *items, enum item_column column)
{
	return items_has_column(items->type, column) && items_columns[column].is_required &&
	       !(column == ITEM_REASON && items->reason != NULL);
}

void items_init(struct items *items, enum order_type type, uint32_t grant_expires)
{
	assert(order_type_has_items(type));
	*items = (struct items){.type = type, .grant_expires = grant_expires};
	arena_init(&items->arena, ARENA_SIZE);
}

void items_done(struct items *items)
{
	if (items->items != NULL)
		key_wipe(items->items, items->item_capacity * sizeof(*items->items));
	free(items->items);
	free(items->faults);
	arena_done(&items->arena);
	*items = (struct items){.err = OK};
}

/* ---- complaints */

const char *items_keep_text(struct items *items, struct slice text)
{
	char *copy = arena_alloc(&items->arena, text.size + 1);

	if (copy == NULL) {
		items->err = ERR_MEMORY;
		return "";
	}
	if (text.size > 0)
		memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return copy;
}

/* Cut at a character's boundary. */
static struct slice value_shown(struct slice value)
{
	size_t size = value.size < VALUE_SHOWN_MAX ? value.size : VALUE_SHOWN_MAX;

	while (size > 0 && size < value.size && (value.data[size] & 0xc0) == 0x80)
		size--;
	return slice_of(value.data, size);
}

static bool fault_grow(struct items *items)
{
	size_t capacity = items->fault_capacity == 0 ? 64 : 2 * items->fault_capacity;
	struct item_fault *faults;

	if (items->fault_count < items->fault_capacity)
		return true;
	faults = reallocarray(items->faults, capacity, sizeof(*faults));
	if (faults == NULL) {
		items->err = ERR_MEMORY;
		return false;
	}
	items->faults = faults;
	items->fault_capacity = capacity;
	return true;
}

void items_complain(struct items *items, uint64_t row, enum item_column column, struct slice value, const char *rule)
{
	items->fault_total++;
	if (items->fault_count == CLIENT_ERRORS_MAX || !fault_grow(items))
		return;
	items->faults[items->fault_count++] = (struct item_fault){
	    .row = row,
	    .column = column < ITEM_COLUMN_COUNT ? items_columns[column].name : "",
	    .value = items_keep_text(items, value_shown(value)),
	    .rule = items_keep_text(items, slice_text(text_of(rule))),
	};
}

/* ---- cells */

/* The size of the white space that `text` begins with: spreadsheets leave U+00A0 and U+3000 behind, too. */
static size_t space_size(struct slice text)
{
	if (text.size >= 1 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
		return 1;
	if (text.size >= 2 && memcmp(text.data, "\xc2\xa0", 2) == 0)
		return 2;
	if (text.size >= 3 && memcmp(text.data, "\xe3\x80\x80", 3) == 0)
		return 3;
	return 0;
}

struct slice items_trim(struct slice text)
{
	size_t size, end = 0;

	while ((size = space_size(text)) > 0)
		text = slice_of(text.data + size, text.size - size);
	for (size_t i = 0; i < text.size;) {
		size = space_size(slice_of(text.data + i, text.size - i));
		i += size > 0 ? size : 1;
		if (size == 0)
			end = i;
	}
	return slice_of(text.data, end);
}

static struct slice cell_of(const struct item_row *row, enum item_column column)
{
	return (row->columns & 1u << column) != 0 ? items_trim(row->cells[column]) : slice_of("", 0);
}

/* What separates the names of lists: white space, or a semicolon or comma of either width. */
static size_t separator_size(struct slice text)
{
	size_t size = space_size(text);

	if (size == 0 && text.size >= 1 && (text.data[0] == ';' || text.data[0] == ','))
		size = 1;
	if (size == 0 && text.size >= 3 &&
	    (memcmp(text.data, "\xef\xbc\x9b", 3) == 0 || memcmp(text.data, "\xef\xbc\x8c", 3) == 0))
		size = 3;
	return size;
}

static bool list_name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return name.size >= 1 && name.size <= LIST_NAME_SIZE_MAX;
}

/* Into ascending order, each once. False where there are more than LISTS_MAX. */
static bool list_insert(struct order_item *item, struct slice name)
{
	size_t at = 0;

	while (at < item->list_count && slice_compare(item->lists[at], name) < 0)
		at++;
	if (at < item->list_count && slice_equal(item->lists[at], name))
		return true;
	if (item->list_count == LISTS_MAX)
		return false;
	memmove(&item->lists[at + 1], &item->lists[at], (item->list_count - at) * sizeof(item->lists[0]));
	item->lists[at] = name;
	item->list_count++;
	return true;
}

static void take_lists(struct items *items, const struct item_row *row, struct order_item *item)
{
	struct slice rest = cell_of(row, ITEM_LISTS);
	struct why rule;

	while (rest.size > 0) {
		size_t size = 0, gap = 0;
		struct slice name;

		while (size < rest.size && (gap = separator_size(slice_of(rest.data + size, rest.size - size))) == 0)
			size++;
		name = slice_of(rest.data, size);
		rest = slice_of(rest.data + size + gap, rest.size - size - gap);
		if (name.size == 0)
			continue;
		if (!list_name_is_valid(name)) {
			(void)why_set(&rule, ERR_INVALID,
			    "a list's name is 1 to %d lower-case letters, digits, '-', '_'", LIST_NAME_SIZE_MAX);
			items_complain(items, row->number, ITEM_LISTS, name, rule.text);
		} else if (!list_insert(item, name)) {
			(void)why_set(&rule, ERR_INVALID, "more than %d lists", LISTS_MAX);
			items_complain(items, row->number, ITEM_LISTS, cell_of(row, ITEM_LISTS), rule.text);
			return;
		}
	}
}

/* A code in its one form, in the arena; empty after a complaint. */
static struct slice take_code(struct items *items, const struct item_row *row, enum item_column column)
{
	struct slice cell = cell_of(row, column), code = slice_of("", 0);
	struct why rule;
	struct buf text;

	buf_init(&text, USCI_TEXT_SIZE_MAX);
	if (usci_normalise(cell, &text) != OK)
		items_complain(items, row->number, column, cell, "far too long for a unified social credit code");
	else if (usci_explain(buf_slice(&text), &rule) != OK)
		items_complain(items, row->number, column, cell, rule.text);
	else
		code = arena_copy(&items->arena, buf_slice(&text));
	buf_done(&text);
	if (code.data == NULL) {
		items->err = ERR_MEMORY;
		code = slice_of("", 0);
	}
	return code;
}

/* A text of 1..size_max bytes; empty after a complaint. */
static struct slice take_text(struct items *items, const struct item_row *row, enum item_column column, size_t size_max)
{
	struct slice cell = cell_of(row, column);
	struct why rule;

	if (cell.size >= 1 && cell.size <= size_max && utf8_is_text(cell))
		return cell;
	if (cell.size == 0)
		(void)why_set(&rule, ERR_INVALID, "is empty");
	else if (cell.size > size_max)
		(void)why_set(&rule, ERR_INVALID, "has %zu bytes; %zu are allowed", cell.size, size_max);
	else
		(void)why_set(
		    &rule, ERR_INVALID, "is not UTF-8 text without control characters; save the file as \"CSV UTF-8\"");
	items_complain(items, row->number, column, cell, rule.text);
	return slice_of("", 0);
}

static void take_subject(struct items *items, const struct item_row *row, struct grant *grant)
{
	struct slice cell = cell_of(row, ITEM_SUBJECT);
	struct why cause = {""}, rule;
	struct buf text;

	if (grant_subject_parse(cell, grant) == OK)
		return;
	buf_init(&text, USCI_TEXT_SIZE_MAX);
	if (usci_normalise(cell, &text) != OK || grant_subject_parse(buf_slice(&text), grant) != OK) {
		/* "venue:" and something that is no id needs no lesson about codes. */
		if (text.size > 0 && memchr(text.data, ':', text.size) == NULL)
			(void)usci_explain(buf_slice(&text), &cause);
		(void)why_set(&rule, ERR_INVALID,
		    "neither \"bureau\", \"auditor\", \"venue:ID\" nor an enterprise's code%s%s",
		    cause.text[0] != '\0' ? ": " : "", cause.text);
		items_complain(items, row->number, ITEM_SUBJECT, cell, rule.text);
	}
	buf_done(&text);
}

static void take_grant(struct items *items, const struct item_row *row, struct grant *grant)
{
	struct slice expires = cell_of(row, ITEM_EXPIRES), holder;

	take_subject(items, row, grant);
	holder = take_text(items, row, ITEM_HOLDER, GRANT_HOLDER_SIZE_MAX);
	memcpy(grant->holder, holder.data, holder.size);
	grant->expires = items->grant_expires;
	if (expires.size > 0 && date_parse(expires, &grant->expires) != OK)
		items_complain(items, row->number, ITEM_EXPIRES, expires, "is not a date like 2026-12-24");
}

static void take_token_hash(struct items *items, const struct item_row *row, struct grant *grant)
{
	struct slice cell = cell_of(row, ITEM_TOKEN_HASH);
	struct why rule;

	if (hex_parse(cell, grant->token_hash, HASH_SIZE) == OK)
		return;
	(void)why_set(&rule, ERR_INVALID, "is not the hash of an access code: %d lower-case hex digits", 2 * HASH_SIZE);
	items_complain(items, row->number, ITEM_TOKEN_HASH, cell, rule.text);
}

static void take_trade(struct items *items, const struct item_row *row, struct order_item *item)
{
	item->venue = take_text(items, row, ITEM_VENUE, VENUE_ID_SIZE_MAX);
	item->trade_no = take_text(items, row, ITEM_TRADE_NO, TRADE_NO_SIZE_MAX);
	if (item->venue.size > 0 && !venue_id_is_valid(item->venue))
		items_complain(items, row->number, ITEM_VENUE, item->venue,
		    "is not the id of a venue: lower-case letters, digits, '-', with a letter first");
	if (item->trade_no.size > 0 && !ascii_is_visible(item->trade_no))
		items_complain(items, row->number, ITEM_TRADE_NO, item->trade_no,
		    "has characters other than visible ASCII, which no trade's number has");
}

static struct slice take_reason(struct items *items, const struct item_row *row)
{
	struct item_row said = *row;

	if (cell_of(row, ITEM_REASON).size == 0 && items->reason != NULL) {
		said.columns |= 1u << ITEM_REASON;
		said.cells[ITEM_REASON] = slice_text(items->reason);
	}
	return take_text(items, &said, ITEM_REASON, REASON_SIZE_MAX);
}

/* ---- rows */

/* What one order may name once, in the arena: a code, two codes, a hash, a venue's trade. */
static struct slice about_of(struct items *items, const struct order_item *item)
{
	struct slice about;
	struct buf text;

	if (items->type == ORDER_GRANT_ADD)
		return slice_of("", 0);
	buf_init(&text, 2 * HASH_SIZE + VENUE_ID_SIZE_MAX + TRADE_NO_SIZE_MAX + 1);
	if (items->type == ORDER_GRANT_REVOKE) {
		char hash[2 * HASH_SIZE + 1];

		hex_format(slice_of(item->grant.token_hash, HASH_SIZE), hash);
		buf_add_text(&text, hash);
	} else if ((TRADES & TYPE(items->type)) != 0) {
		buf_add_slice(&text, item->venue);
		buf_u8(&text, ' ');
		buf_add_slice(&text, item->trade_no);
	} else {
		buf_add_slice(&text, item->code);
		buf_add_slice(&text, item->second);
	}
	about = arena_copy(&items->arena, buf_slice(&text));
	buf_done(&text);
	return about;
}

/* Which cell a repetition is complained of, and what of it is shown. */
static enum item_column about_column(const struct items *items, struct slice *about)
{
	if (items->type == ORDER_GRANT_REVOKE)
		return ITEM_TOKEN_HASH;
	if ((TRADES & TYPE(items->type)) != 0)
		return ITEM_TRADE_NO;
	*about = slice_of(about->data, USCI_SIZE);
	return items->type == ORDER_ENTERPRISE_RELATE ? ITEM_COLUMN_COUNT : ITEM_CODE;
}

/* By hand, for realloc would leave access codes behind in freed memory. */
static bool item_grow(struct items *items)
{
	size_t capacity = items->item_capacity == 0 ? 64 : 2 * items->item_capacity;
	struct item *grown;

	if (items->item_count < items->item_capacity)
		return true;
	grown = calloc(capacity, sizeof(*grown));
	if (grown == NULL)
		return false;
	if (items->items != NULL) {
		memcpy(grown, items->items, items->item_count * sizeof(*grown));
		key_wipe(items->items, items->item_capacity * sizeof(*grown));
	}
	free(items->items);
	items->items = grown;
	items->item_capacity = capacity;
	return true;
}

static void item_add(struct items *items, uint64_t row, struct order_item *order_item)
{
	uint8_t salt[SALT_SIZE];
	struct item *item;
	struct buf line;
	enum err err;

	if (!item_grow(items)) {
		items->err = ERR_MEMORY;
		return;
	}
	item = &items->items[items->item_count];
	*item = (struct item){.row = row, .about = about_of(items, order_item)};
	if (items->type == ORDER_GRANT_ADD) {
		struct hash hash;

		grant_subject_format(&order_item->grant, item->subject);
		item->holder = items_keep_text(items, slice_text(order_item->grant.holder));
		item->name = items_keep_text(items, order_item->name);
		item->expires = order_item->grant.expires;
		key_random(item->token, sizeof(item->token));
		hash = hash_sha256(slice_of(item->token, sizeof(item->token)));
		memcpy(order_item->grant.token_hash, hash.bytes, HASH_SIZE);
	}
	key_random(salt, sizeof(salt));
	buf_init(&line, ORDER_BODY_SIZE_MAX);
	err = order_item_format(items->type, order_item, salt, &line);
	if (err == OK)
		item->line = arena_copy(&items->arena, buf_slice(&line));
	buf_done(&line);
	if (err == ERR_MEMORY || item->about.data == NULL || (err == OK && item->line.data == NULL))
		items->err = ERR_MEMORY;
	else if (err != OK)
		items_complain(items, row, ITEM_COLUMN_COUNT, slice_of("", 0), err_sentence(err));
	else
		items->item_count++;
}

static void take_pair(struct items *items, const struct item_row *row, struct order_item *item)
{
	struct slice first = take_code(items, row, ITEM_FIRST), second = take_code(items, row, ITEM_SECOND);
	bool is_ascending = slice_compare(first, second) < 0;

	if (first.size > 0 && slice_equal(first, second))
		items_complain(items, row->number, ITEM_SECOND, second,
		    "is the first once more; an enterprise is not related to itself");
	item->code = is_ascending ? first : second;
	item->second = is_ascending ? second : first;
}

void items_add(struct items *items, const struct item_row *row)
{
	struct order_item item = {.list_count = 0};
	uint64_t fault_total = items->fault_total;

	if (items->err != OK)
		return;
	if (items_has_column(items->type, ITEM_CODE))
		item.code = take_code(items, row, ITEM_CODE);
	if (items_has_column(items->type, ITEM_NAME))
		item.name = take_text(items, row, ITEM_NAME, PARTY_NAME_SIZE_MAX);
	if (items_has_column(items->type, ITEM_LISTS))
		take_lists(items, row, &item);
	if (items_has_column(items->type, ITEM_FIRST))
		take_pair(items, row, &item);
	if (items_has_column(items->type, ITEM_SUBJECT))
		take_grant(items, row, &item.grant);
	if (items_has_column(items->type, ITEM_SUBJECT_NAME) && cell_of(row, ITEM_SUBJECT_NAME).size > 0)
		item.name = take_text(items, row, ITEM_SUBJECT_NAME, PARTY_NAME_SIZE_MAX);
	if (items_has_column(items->type, ITEM_TOKEN_HASH))
		take_token_hash(items, row, &item.grant);
	if (items_has_column(items->type, ITEM_VENUE))
		take_trade(items, row, &item);
	if (items_has_column(items->type, ITEM_REASON))
		item.reason = take_reason(items, row);
	if (items->err == OK && items->fault_total == fault_total)
		item_add(items, row->number, &item);
}

/* ---- the whole */

static int compare_about(const void *a_pointer, const void *b_pointer)
{
	const struct item *a = *(const struct item *const *)a_pointer, *b = *(const struct item *const *)b_pointer;
	int order = slice_compare(a->about, b->about);

	return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

void items_finish(struct items *items)
{
	const struct item **sorted;
	struct why rule;

	if (items->err != OK || items->item_count < 2 || items->type == ORDER_GRANT_ADD)
		return;
	sorted = calloc(items->item_count, sizeof(*sorted));
	if (sorted == NULL) {
		items->err = ERR_MEMORY;
		return;
	}
	for (size_t i = 0; i < items->item_count; i++)
		sorted[i] = &items->items[i];
	qsort(sorted, items->item_count, sizeof(*sorted), compare_about);
	for (size_t i = 1; i < items->item_count; i++) {
		struct slice about = sorted[i]->about;
		enum item_column column;

		if (!slice_equal(sorted[i - 1]->about, about))
			continue;
		(void)why_set(&rule, ERR_INVALID, "stands in row %llu already", (unsigned long long)sorted[i - 1]->row);
		column = about_column(items, &about);
		items_complain(items, sorted[i]->row, column, about, rule.text);
	}
	free(sorted);
}
