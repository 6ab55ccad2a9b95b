/* What a genesis says of the ledger that it continues: read, written, and each way to spoil it. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

#include "proto/entry.h"

#define OLD_ORIGIN "subsidy.example/old"
#define NEW_ORIGIN "subsidy.example/new"
#define ENTRY_MAX 60000

static const uint8_t random_bytes[32] = {1};

/* An entry 0 that begins with these lines, of about `size` bytes: exactly so many where `size` is not 0. */
static void make_entry(const char *lines, size_t size, struct buf *ret_entry)
{
	struct entry entry = {.kind = ENTRY_GENESIS, .time_us = 1, .salt = {1}};
	size_t filler = size == 0 ? 10 : size > 400 ? size - 400 : 0;
	struct key key = fixture_key(KEY_ED25519, "li", 1);
	static const uint8_t signature[64] = {1};

	for (;; filler++) {
		struct buf note;

		buf_init(&note, NOTE_SIZE_MAX);
		buf_printf(&note, "%s\n{%*s}\n\n", lines, (int)filler, "");
		note_add_line(&note, &key, slice_of(signature, sizeof(signature)));
		entry.genesis.note = buf_slice(&note);
		buf_clear(ret_entry);
		assert_int_equal(entry_encode(&entry, ret_entry), OK);
		buf_done(&note);
		if (size == 0 || ret_entry->size >= size)
			break;
	}
	if (size != 0)
		assert_int_equal(ret_entry->size, size);
}

static char *checkpoint_of(const char *origin, uint64_t size, uint8_t root)
{
	struct checkpoint checkpoint = {.size = size, .root = {{root}}};
	struct key key = fixture_key(KEY_ED25519, "li", 1);
	static const uint8_t signature[64] = {1};
	struct buf note;
	char *copy;

	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &note);
	buf_u8(&note, '\n');
	note_add_line(&note, &key, slice_of(signature, sizeof(signature)));
	copy = strdup(buf_text(&note));
	buf_done(&note);
	return copy;
}

static json_t *base64_json(struct slice bytes)
{
	struct buf text;
	json_t *json;

	buf_init(&text, 2 * ENTRY_MAX);
	base64_add(&text, bytes);
	json = json_string(buf_text(&text));
	buf_done(&text);
	return json;
}

static json_t *make_continues(size_t entry_size)
{
	static const uint8_t root[HASH_SIZE] = {7};
	char id[2 * HASH_SIZE + 1], *checkpoint = checkpoint_of(OLD_ORIGIN, 9, 8);
	struct buf entry;
	struct hash leaf;
	json_t *json;

	buf_init(&entry, ENTRY_MAX);
	make_entry("subsidy.genesis/v1\n" OLD_ORIGIN, entry_size, &entry);
	leaf = hash_leaf(buf_slice(&entry));
	hex_format(hash_slice(&leaf), id);
	id[LEDGER_ID_SIZE] = '\0';
	json = json_pack("{s:s,s:s,s:s,s:i,s:o,s:o}", "origin", OLD_ORIGIN, "ledger_id", id, "checkpoint", checkpoint,
	    "size", 5, "root", base64_json(slice_of(root, sizeof(root))), "genesis", base64_json(buf_slice(&entry)));
	buf_done(&entry);
	free(checkpoint);
	assert_non_null(json);
	return json;
}

static json_t *make_draft(json_t *continues)
{
	return json_pack("{s:s,s:o,s:[{s:s,s:s,s:[o]},{s:s,s:s,s:[o]}],s:{s:[[s],[s]]},s:o}", "origin", NEW_ORIGIN,
	    "ledger_key", fixture_vkey(NEW_ORIGIN, 1), "officers", "name", "wang", "role", "clerk", "keys",
	    fixture_vkey("wang", 2), "name", "li", "role", "reviewer", "keys", fixture_vkey("li", 3), "quorums",
	    "default", "clerk", "reviewer", "continues", continues);
}

/* Takes `continues` over. */
static enum err compose(json_t *continues, struct buf *ret_text, struct why *why)
{
	json_t *draft = make_draft(continues);
	enum err err;

	assert_non_null(draft);
	buf_clear(ret_text);
	err = genesis_compose(draft, random_bytes, ret_text, why);
	json_decref(draft);
	return err;
}

static void reads_what_it_composed(void **state)
{
	struct genesis *genesis = calloc(1, sizeof(*genesis));
	struct buf text, again;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&again, FIXTURE_TEXT_MAX);
	if (compose(make_continues(0), &text, &why) != OK)
		fail_msg("%s", why.text);
	assert_int_equal(genesis_parse(buf_slice(&text), genesis, &why), OK);
	assert_string_equal(genesis->continued.origin, OLD_ORIGIN);
	assert_int_equal(genesis->continued.size, 5);
	assert_int_equal(genesis->continued.root.bytes[0], 7);
	assert_int_equal(genesis->continued.checkpoint.size, 9);
	assert_int_equal(genesis->continued.checkpoint.root.bytes[0], 8);
	/* The same object is what comes out again. */
	continued_format(&genesis->continued, &again);
	assert_non_null(strstr(buf_text(&text), buf_text(&again)));
	buf_done(&again);
	buf_done(&text);
	free(genesis);
}

static void refuses_each_change(void **state)
{
	char *other = checkpoint_of("subsidy.example/other", 9, 8), *older = checkpoint_of(OLD_ORIGIN, 4, 8);
	char *equal = checkpoint_of(OLD_ORIGIN, 5, 7), *unequal = checkpoint_of(OLD_ORIGIN, 5, 8);
	struct {
		const char *key;
		json_t *value;     /* NULL: taken out */
		const char *words; /* NULL: good */
	} rows[] = {
	    {"origin", json_string("subsidy.example/other"), "the checkpoint is of"},
	    {"origin", json_string("not an origin"), "origin of the ledger that is continued"},
	    {"origin", json_string(NEW_ORIGIN), "the checkpoint is of"},
	    {"ledger_id", json_string("0123456789abcdef"), "the ledger id is not"},
	    {"ledger_id", json_string("0123456789ABCDEF"), "\"ledger_id\" is not 16"},
	    {"ledger_id", json_string("0123"), "\"ledger_id\" is not 16"},
	    {"checkpoint", json_string(other), "the checkpoint is of subsidy.example/other"},
	    {"checkpoint", json_string(older), "fewer than the 5"},
	    {"checkpoint", json_string(equal), NULL},
	    {"checkpoint", json_string(unequal), "another root"},
	    {"checkpoint", json_string("no note"), ""},
	    {"checkpoint", json_integer(1), "\"checkpoint\" is not a signed checkpoint"},
	    {"size", json_integer(0), "\"size\" is not the size"},
	    {"size", json_integer(-1), "\"size\" is not the size"},
	    {"size", json_integer(1), NULL},
	    {"size", json_integer(9), "another root"},
	    {"size", json_integer(10), "fewer than the 10"},
	    {"size", json_integer((json_int_t)TREE_SIZE_MAX + 1), "\"size\" is not the size"},
	    {"size", json_string("5"), "\"size\" is not the size"},
	    {"root", json_string("AAAA"), "\"root\" is not a hash"},
	    {"root", json_string("!"), "\"root\" is not a hash"},
	    {"genesis", json_string("AAAA"), "the ledger id is not"},
	    {"genesis", json_string("!"), "\"genesis\" is not a genesis entry"},
	    {"genesis", NULL, "the key \"genesis\" is missing"},
	    {"more", json_true(), "unknown key: \"more\""},
	};
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *continues = make_continues(0);
		enum err err;

		if (rows[i].value != NULL)
			json_object_set_new(continues, rows[i].key, rows[i].value);
		else
			json_object_del(continues, rows[i].key);
		err = compose(continues, &text, &why);
		if ((err == OK) != (rows[i].words == NULL) || (err != OK && strstr(why.text, rows[i].words) == NULL))
			fail_msg("row %zu, %s: %s", i, rows[i].key, err == OK ? "taken" : why.text);
	}
	buf_done(&text);
	free(other);
	free(older);
	free(equal);
	free(unequal);
}

/* Each under its own id: an entry of another ledger, one that is no genesis, and one that is another kind of entry. */
static void refuses_an_entry_of_another_ledger(void **state)
{
	static const char *const rows[] = {"subsidy.genesis/v1\nsubsidy.example/other", "subsidy.order/v1\n" OLD_ORIGIN,
	    "subsidy.genesis/v1\n" OLD_ORIGIN " ", NULL, "subsidy.genesis/v1\n" OLD_ORIGIN};
	const struct entry hold = {.kind = ENTRY_ORDER, .time_us = 1, .order = {.note = slice_text("order")}};
	struct buf text, entry;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&entry, ENTRY_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *continues = make_continues(0);
		char id[2 * HASH_SIZE + 1];
		struct hash leaf;
		struct why why;
		enum err err;

		buf_clear(&entry);
		if (rows[i] != NULL)
			make_entry(rows[i], 0, &entry);
		else
			assert_int_equal(entry_encode(&hold, &entry), OK);
		leaf = hash_leaf(buf_slice(&entry));
		hex_format(hash_slice(&leaf), id);
		id[LEDGER_ID_SIZE] = '\0';
		json_object_set_new(continues, "ledger_id", json_string(id));
		json_object_set_new(continues, "genesis", base64_json(buf_slice(&entry)));
		err = compose(continues, &text, &why);
		assert_int_equal(err, i + 1 < sizeof(rows) / sizeof(rows[0]) ? ERR_INVALID : OK);
		if (err != OK && strstr(why.text, "\"genesis\" is not the genesis entry") == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
	buf_done(&entry);
	buf_done(&text);
}

static void refuses_its_own_origin(void **state)
{
	json_t *continues = make_continues(0), *draft = make_draft(continues);
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	json_object_set_new(draft, "origin", json_string(OLD_ORIGIN));
	json_object_set_new(draft, "ledger_key", fixture_vkey(OLD_ORIGIN, 1));
	assert_int_equal(genesis_compose(draft, random_bytes, &text, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "another one, and another key"));
	json_decref(draft);
	buf_done(&text);
}

static void bounds_the_entry_that_it_carries(void **state)
{
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	for (size_t size = CONTINUED_ENTRY_SIZE_MAX - 1; size <= CONTINUED_ENTRY_SIZE_MAX + 1; size++)
		assert_int_equal(
		    compose(make_continues(size), &text, &why), size <= CONTINUED_ENTRY_SIZE_MAX ? OK : ERR_INVALID);
	assert_non_null(strstr(why.text, "at most 32768 bytes"));
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_it_composed),
	    cmocka_unit_test(refuses_each_change),
	    cmocka_unit_test(refuses_an_entry_of_another_ledger),
	    cmocka_unit_test(refuses_its_own_origin),
	    cmocka_unit_test(bounds_the_entry_that_it_carries),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
