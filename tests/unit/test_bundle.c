#include "client/bundle.h"

#include "tests/unit/order_fixture.h"

#include "client/draft.h"

static struct signer *signer_of(const char *name, unsigned number)
{
	struct hash secret = hash_sha256(slice_of(&number, sizeof(number)));
	struct signer *signer = NULL;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret.bytes, &signer), OK);
	return signer;
}

/* Adds an order that relates two enterprises, signed by li. */
static void add_order(struct bundle *bundle, const char *id, unsigned number)
{
	struct signer *signer = signer_of("li", 11);
	char code[USCI_SIZE + 1], second[USCI_SIZE + 1];
	struct order_item item = {.list_count = 0};
	uint8_t salt[SALT_SIZE] = {0};
	struct why why = {""};
	struct slice line;
	struct order_draft draft = {.type = ORDER_ENTERPRISE_RELATE,
	    .id = id,
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = FIXTURE_LEDGER_ID,
	    .expires = 20261224,
	    .made_at_size = 7,
	    .items = &line,
	    .item_count = 1};
	struct buf bytes;

	fixture_code(number, code);
	fixture_code(number + 1, second);
	item.code = slice_text(code);
	item.second = slice_text(second);
	buf_init(&bytes, ORDER_BODY_SIZE_MAX);
	assert_int_equal(order_item_format(ORDER_ENTERPRISE_RELATE, &item, salt, &bytes), OK);
	line = buf_slice(&bytes);
	assert_int_equal(draft_sign(&draft, &signer, 1, bundle, &why), OK);
	buf_done(&bytes);
	signer_free(signer);
}

static void expect_equal(const struct bundle *a, const struct bundle *b)
{
	assert_int_equal(a->is_genesis, b->is_genesis);
	assert_int_equal(a->order_count, b->order_count);
	for (size_t i = 0; i < a->order_count; i++) {
		assert_true(slice_equal(buf_slice(&a->orders[i].note), buf_slice(&b->orders[i].note)));
		assert_int_equal(a->orders[i].item_count, b->orders[i].item_count);
		for (size_t j = 0; j < a->orders[i].item_count; j++)
			assert_true(slice_equal(a->orders[i].items[j], b->orders[i].items[j]));
	}
}

static void expect_round_trip(const struct bundle *bundle, const char *begin)
{
	struct why why = {""};
	struct bundle parsed;
	struct buf bytes;

	buf_init(&bytes, FIXTURE_TEXT_MAX);
	bundle_init(&parsed);
	assert_int_equal(bundle_format(bundle, &bytes), OK);
	assert_memory_equal(bytes.data, begin, strlen(begin));
	if (bundle_parse(buf_slice(&bytes), &parsed, &why) != OK)
		fail_msg("%s: %s", begin, why.text);
	expect_equal(bundle, &parsed);
	bundle_done(&parsed);
	buf_done(&bytes);
}

static void keeps_one_order_as_the_body_of_its_request(void **state)
{
	struct bundle bundle;

	(void)state;
	bundle_init(&bundle);
	add_order(&bundle, "one", 1);
	expect_round_trip(&bundle, "{\"note\":\"subsidy.order/v1\\n");
	add_order(&bundle, "two", 2);
	expect_round_trip(&bundle, "[\n{\"note\":\"subsidy.order/v1\\n");
	bundle_done(&bundle);
}

/* Officers li and wang with their keys. */
static void add_genesis(struct bundle *bundle, struct buf *text)
{
	struct signer *li = signer_of("li", 11);
	uint8_t random[32] = {1};
	struct why why = {""};
	json_t *draft;
	char vkeys[2][KEY_VKEY_SIZE];
	struct signer *wang = signer_of("wang", 12);

	key_format(signer_key(li), vkeys[0]);
	key_format(signer_key(wang), vkeys[1]);
	draft = json_pack("{s:s,s:o,s:[{s:s,s:s,s:[s]},{s:s,s:s,s:[s]}],s:{s:[[s],[s]]}}", "origin", FIXTURE_ORIGIN,
	    "ledger_key", fixture_vkey(FIXTURE_ORIGIN, 1), "officers", "name", "li", "role", "clerk", "keys", vkeys[0],
	    "name", "wang", "role", "reviewer", "keys", vkeys[1], "quorums", "default", "clerk", "reviewer");
	assert_non_null(draft);
	if (genesis_compose(draft, random, text, &why) != OK)
		fail_msg("%s", why.text);
	assert_int_equal(bundle_add_genesis(bundle, buf_slice(text), li, &why), OK);
	json_decref(draft);
	signer_free(wang);
	signer_free(li);
}

static void keeps_a_genesis_as_the_plain_note(void **state)
{
	struct signer *wang = signer_of("wang", 12), *zhao = signer_of("zhao", 13), *false_wang = signer_of("wang", 14);
	struct why why = {""};
	struct bundle bundle;
	struct buf text;

	(void)state;
	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	bundle_init(&bundle);
	add_genesis(&bundle, &text);
	expect_round_trip(&bundle, "subsidy.genesis/v1\n");
	/* Who is none of its officers, or has another key, can't sign it. */
	assert_int_equal(bundle_sign(&bundle, zhao, &why), ERR_UNKNOWN_KEY);
	assert_int_equal(bundle_sign(&bundle, false_wang, &why), ERR_UNKNOWN_KEY);
	assert_int_equal(bundle_sign(&bundle, wang, &why), OK);
	expect_round_trip(&bundle, "subsidy.genesis/v1\n");
	assert_int_equal(bundle_sign(&bundle, wang, &why), ERR_INVALID);
	bundle_done(&bundle);
	bundle_init(&bundle);
	assert_int_equal(bundle_add_genesis(&bundle, buf_slice(&text), zhao, &why), ERR_UNKNOWN_KEY);
	bundle_done(&bundle);
	buf_done(&text);
	signer_free(wang);
	signer_free(zhao);
	signer_free(false_wang);
}

static size_t signature_count(const struct bundle *bundle, size_t index)
{
	struct why why = {""};
	struct note note;

	assert_int_equal(note_parse(buf_slice(&bundle->orders[index].note), &note, &why), OK);
	return note.signature_count;
}

static void signs_every_order_once(void **state)
{
	struct signer *wang = signer_of("wang", 12), *li = signer_of("li", 11);
	struct why why = {""};
	struct bundle bundle;

	(void)state;
	bundle_init(&bundle);
	add_order(&bundle, "one", 1);
	assert_int_equal(bundle_sign(&bundle, wang, &why), OK);
	add_order(&bundle, "two", 2);
	/* The first has wang's signature already, the second gets it. */
	assert_int_equal(bundle_sign(&bundle, wang, &why), OK);
	assert_int_equal(signature_count(&bundle, 0), 2);
	assert_int_equal(signature_count(&bundle, 1), 2);
	assert_int_equal(bundle_sign(&bundle, wang, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "wang has signed"));
	assert_int_equal(bundle_sign(&bundle, li, &why), ERR_INVALID);
	bundle_done(&bundle);
	signer_free(li);
	signer_free(wang);
}

static void bounds_the_signatures_of_a_note(void **state)
{
	struct why why = {""};
	struct bundle bundle;

	(void)state;
	bundle_init(&bundle);
	add_order(&bundle, "one", 1);
	for (unsigned i = 2; i <= NOTE_SIGNATURES_MAX + 1; i++) {
		struct signer *signer = signer_of("many", 100 + i);

		assert_int_equal(bundle_sign(&bundle, signer, &why), i <= NOTE_SIGNATURES_MAX ? OK : ERR_TOO_LARGE);
		signer_free(signer);
	}
	assert_non_null(strstr(why.text, "signatures already"));
	assert_int_equal(signature_count(&bundle, 0), NOTE_SIGNATURES_MAX);
	bundle_done(&bundle);
}

static void refuses_what_is_no_file_of_orders(void **state)
{
	static const struct {
		const char *text;
		enum err err;
		const char *reason;
	} rows[] = {
	    {"", ERR_SYNTAX, "neither"},
	    {"subsidy.order/v1\n", ERR_SYNTAX, "neither"},
	    {"[]", ERR_SYNTAX, "no order"},
	    {"{}", ERR_BAD_REQUEST, "note"},
	    {"[{\"note\":\"a\",\"items\":[]},{\"note\":7,\"items\":[]}]", ERR_BAD_REQUEST, "order 2"},
	    {"{\"note\":\"a\",\"items\":[],\"more\":1}", ERR_BAD_REQUEST, "more"},
	    {"{\"note\":\"a\",\"note\":\"b\",\"items\":[]}", ERR_SYNTAX, "neither"},
	    {"[[{\"note\":\"a\"}]]", ERR_BAD_REQUEST, "order 1"},
	    {"7", ERR_SYNTAX, "neither"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct why why = {""};
		struct bundle bundle;
		enum err err;

		bundle_init(&bundle);
		err = bundle_parse(slice_text(rows[i].text), &bundle, &why);
		if (err != rows[i].err || strstr(why.text, rows[i].reason) == NULL)
			fail_msg("%s: %s, %s", rows[i].text, err_name(err), why.text);
		bundle_done(&bundle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_one_order_as_the_body_of_its_request),
	    cmocka_unit_test(keeps_a_genesis_as_the_plain_note),
	    cmocka_unit_test(signs_every_order_once),
	    cmocka_unit_test(bounds_the_signatures_of_a_note),
	    cmocka_unit_test(refuses_what_is_no_file_of_orders),
	};

	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
