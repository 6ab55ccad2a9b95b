#include "client/bundle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a file can hold, once as bytes and once as slices to items. */
#define ARENA_SIZE (4 * CLIENT_FILE_SIZE_MAX)

void bundle_init(struct bundle *bundle)
{
	*bundle = (struct bundle){.is_genesis = false};
	arena_init(&bundle->arena, ARENA_SIZE);
}

void bundle_done(struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->order_count; i++)
		buf_done(&bundle->orders[i].note);
	free(bundle->orders);
	arena_done(&bundle->arena);
	*bundle = (struct bundle){.is_genesis = false};
}

enum err bundle_add(struct bundle *bundle, struct slice note, const struct slice *items, size_t item_count)
{
	struct bundle_order *orders, *order;

	orders = reallocarray(bundle->orders, bundle->order_count + 1, sizeof(*orders));
	if (orders == NULL)
		return ERR_MEMORY;
	bundle->orders = orders;
	order = &orders[bundle->order_count];
	*order = (struct bundle_order){.item_count = item_count};
	order->items = arena_alloc(&bundle->arena, (item_count + 1) * sizeof(*order->items));
	if (order->items == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < item_count; i++) {
		order->items[i] = arena_copy(&bundle->arena, items[i]);
		if (order->items[i].data == NULL)
			return ERR_MEMORY;
	}
	buf_init(&order->note, NOTE_SIZE_MAX);
	buf_add_slice(&order->note, note);
	bundle->order_count++;
	return order->note.err;
}

/* ---- reading */

/* `json` is one element; it goes through the one reader of order requests as its own text. */
static enum err element_add(struct bundle *bundle, const json_t *json, struct why *why)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	struct slice note, *items;
	struct arena arena;
	size_t item_count;
	enum err err;

	if (text == NULL)
		return ERR_MEMORY;
	arena_init(&arena, ARENA_SIZE);
	err = order_request_decode(slice_text(text), &arena, &note, &items, &item_count, why);
	if (err == OK)
		err = bundle_add(bundle, note, items, item_count);
	arena_done(&arena);
	free(text);
	return err;
}

static enum err array_add(struct bundle *bundle, const json_t *array, struct why *why)
{
	struct why cause;
	enum err err;

	if (json_array_size(array) == 0)
		return why_set(why, ERR_SYNTAX, "there is no order in it");
	for (size_t i = 0; i < json_array_size(array); i++) {
		cause.text[0] = '\0';
		err = element_add(bundle, json_array_get(array, i), &cause);
		if (err != OK)
			return why_set(why, err, "order %zu: %s", i + 1, cause.text);
	}
	return OK;
}

enum err bundle_parse(struct slice bytes, struct bundle *bundle, struct why *why)
{
	static const char genesis[] = GENESIS_HEADER "\n";
	json_error_t error;
	json_t *json;
	enum err err;

	if (bytes.size >= sizeof(genesis) - 1 && memcmp(bytes.data, genesis, sizeof(genesis) - 1) == 0) {
		bundle->is_genesis = true;
		return bundle_add(bundle, bytes, NULL, 0);
	}
	json = json_loadb((const char *)bytes.data, bytes.size, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL && json_error_code(&error) == json_error_out_of_memory)
		return ERR_MEMORY;
	if (json == NULL)
		return why_set(why, ERR_SYNTAX, "neither an order as `subsidy order` writes it nor a genesis note: %s",
		    error.text);
	err = json_is_array(json) ? array_add(bundle, json, why) : element_add(bundle, json, why);
	json_decref(json);
	return err;
}

/* ---- writing */

enum err bundle_format(const struct bundle *bundle, struct buf *ret_bytes)
{
	const struct bundle_order *order = bundle->orders;
	enum err err = OK;

	assert(bundle->order_count > 0);
	if (bundle->is_genesis) {
		buf_add_slice(ret_bytes, buf_slice(&order->note));
		return ret_bytes->err;
	}
	for (size_t i = 0; err == OK && i < bundle->order_count; i++, order++) {
		if (bundle->order_count > 1)
			buf_add_text(ret_bytes, i == 0 ? "[\n" : ",\n");
		err = order_request_encode(buf_slice(&order->note), order->items, order->item_count, ret_bytes);
	}
	buf_add_text(ret_bytes, bundle->order_count > 1 ? "\n]\n" : "\n");
	return err == OK ? ret_bytes->err : err;
}

/* ---- signing */

static enum err note_sign_again(
    struct buf *bytes, const struct note *note, const struct signer *signer, struct why *why)
{
	struct buf signed_note;
	enum err err;

	buf_init(&signed_note, NOTE_SIZE_MAX);
	if (note->signature_count == NOTE_SIGNATURES_MAX)
		err = why_set(why, ERR_TOO_LARGE, "it has %d signatures already", NOTE_SIGNATURES_MAX);
	else
		err = note_add_signature(buf_slice(bytes), signer, &signed_note);
	if (err != OK) {
		buf_done(&signed_note);
		return err;
	}
	buf_done(bytes);
	*bytes = signed_note;
	return OK;
}

/* A signature that can't count is no signature: better said now than by the daemon. */
static enum err genesis_expect(struct slice text, const struct key *key, struct why *why)
{
	struct genesis *genesis = calloc(1, sizeof(*genesis));
	enum err err;

	if (genesis == NULL)
		return ERR_MEMORY;
	err = genesis_parse(text, genesis, why);
	if (err == OK) {
		err = why_set(why, ERR_UNKNOWN_KEY, "the genesis names no officer \"%s\" with this key", key->name);
		for (size_t i = 0; i < genesis->officer_count; i++)
			for (size_t j = 0; j < genesis->officers[i].key_count; j++)
				if (key_equal(&genesis->officers[i].keys[j], key))
					err = OK;
	}
	free(genesis);
	return err;
}

enum err bundle_add_genesis(struct bundle *bundle, struct slice text, struct signer *signer, struct why *why)
{
	struct buf note;
	enum err err;

	buf_init(&note, NOTE_SIZE_MAX);
	bundle->is_genesis = true;
	err = genesis_expect(text, signer_key(signer), why);
	if (err == OK)
		err = note_sign(text, &signer, 1, &note);
	if (err == OK)
		err = bundle_add(bundle, buf_slice(&note), NULL, 0);
	buf_done(&note);
	return err;
}

enum err bundle_sign(struct bundle *bundle, const struct signer *signer, struct why *why)
{
	const struct key *key = signer_key(signer);
	size_t signed_count = 0;
	struct note note;
	enum err err;

	for (size_t i = 0; i < bundle->order_count; i++) {
		struct buf *bytes = &bundle->orders[i].note;

		err = note_parse(buf_slice(bytes), &note, why);
		if (err == OK && bundle->is_genesis)
			err = genesis_expect(note.text, key, why);
		if (err != OK)
			return err;
		if (note_names_key(&note, key))
			continue;
		err = note_sign_again(bytes, &note, signer, why);
		if (err != OK)
			return err;
		signed_count++;
	}
	return signed_count > 0 ? OK : why_set(why, ERR_INVALID, "%s has signed it already", key->name);
}
