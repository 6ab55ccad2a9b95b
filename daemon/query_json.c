#include <string.h>

#include "daemon/query_internal.h"
#include "proto/date.h"

json_t *query_money(int64_t fen)
{
	char text[MONEY_TEXT_SIZE];

	money_format(fen, text);
	return json_string(text);
}

json_t *query_wide(wide_fen fen)
{
	char text[48];

	wide_format(fen, text);
	return json_string(text);
}

json_t *query_number(uint64_t number)
{
	return json_integer((json_int_t)number);
}

json_t *query_index(uint64_t index)
{
	return index == 0 ? json_null() : query_number(index);
}

json_t *query_time(uint64_t time_us)
{
	char text[TIME_TEXT_SIZE];

	time_format(time_us, text);
	return json_string(text);
}

json_t *query_date(uint32_t date)
{
	char text[DATE_TEXT_SIZE];

	date_format(date, text);
	return json_string(text);
}

json_t *query_month(uint16_t month)
{
	char text[MONTH_TEXT_SIZE];

	month_format(month, text);
	return json_string(text);
}

json_t *query_slice(struct slice text)
{
	return json_stringn((const char *)text.data, text.size);
}

json_t *query_slice_or_null(struct slice text)
{
	return text.size == 0 ? json_null() : query_slice(text);
}

json_t *query_base64(struct slice bytes)
{
	struct buf text;
	json_t *json = NULL;

	buf_init(&text, BASE64_SIZE(ENTRY_SIZE_MAX) + 1);
	base64_add(&text, bytes);
	if (text.err == OK)
		json = query_slice(buf_slice(&text));
	buf_done(&text);
	return json;
}

/* Drops an array that could not be filled. */
static json_t *keep_if(enum err err, json_t *json)
{
	if (err == OK)
		return json;
	json_decref(json);
	return NULL;
}

json_t *query_lists(const struct account *account)
{
	json_t *lists = json_array();
	enum err err = OK;

	for (size_t i = 0; account != NULL && i < account->list_count && err == OK; i++)
		err = query_append(lists, json_string(account->lists[i]));
	return keep_if(err, lists);
}

json_t *query_reasons(const struct policy_result *result)
{
	json_t *reasons = json_array();
	enum err err = OK;

	if (result->reason != REASON_NONE)
		err = query_append(reasons, json_string(policy_reason_name(result->reason)));
	return keep_if(err, reasons);
}

json_t *query_disposition_reason(enum disposition disposition)
{
	return disposition == DISPOSITION_COUNTED ? json_null() : json_string(disposition_sentence(disposition));
}

const char *query_side_name(enum side side)
{
	return side == SIDE_SUPPLIER ? "supplier" : "buyer";
}

enum err query_append(json_t *array, json_t *value)
{
	return json_array_append_new(array, value) == 0 ? OK : ERR_MEMORY;
}

enum err query_take(json_t *made, json_t **ret_json)
{
	if (made == NULL)
		return ERR_MEMORY;
	*ret_json = made;
	return OK;
}

enum err query_name_text(struct store_txn *txn, const struct code *code, uint64_t size, const struct account *account,
    char ret_name[static PARTY_NAME_SIZE_MAX + 1])
{
	struct chain chain;
	struct chain_item item;
	struct slice name = slice_of("", 0);
	enum err err;

	if (account != NULL) {
		memcpy(ret_name, account->name, sizeof(account->name));
		return OK;
	}
	chain_begin(&chain, txn, code, size, AS_OF_WALK_MAX);
	if (chain_next(&chain, &item) && item.trade_index != 0)
		name = code_equal(&item.supplier, code) ? item.trade.supplier_name : item.trade.buyer_name;
	err = chain.err;
	if (err == OK && name.size > PARTY_NAME_SIZE_MAX)
		err = ERR_DAMAGED;
	if (err == OK) {
		if (name.size > 0)
			memcpy(ret_name, name.data, name.size);
		ret_name[name.size] = '\0';
	}
	chain_done(&chain);
	return err;
}

enum err query_name(
    struct store_txn *txn, const struct code *code, uint64_t size, const struct account *account, json_t **ret_json)
{
	char name[PARTY_NAME_SIZE_MAX + 1];
	enum err err = query_name_text(txn, code, size, account, name);

	return err != OK ? err : query_take(query_slice_or_null(slice_text(name)), ret_json);
}
