/* Orders: each type composed and read again, each field spoiled, the items bound to what was signed. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

#define HEAD "subsidy.order/v1\nsubsidy.example/ledger1\n0123456789abcdef\n"
#define QDDEX_VKEY "qddex+b4c39f82+AT1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"
#define CODE_1 "91370200MA00000015"
#define CODE_2 "91370200MA00000028"
#define POLICY                                                                                                                 \
	"{\"policy\":\"sample-5\",\"version\":1,\"status\":\"assumed\",\"title\":\"数据交易奖补\",\"basis\":\"样例\"," \
	"\"window\":{\"from\":\"2025-01-01\",\"to\":\"2026-12-31\"},\"date_basis\":\"settled\","                               \
	"\"sides\":[\"supplier\",\"buyer\"],\"base\":\"net\",\"venues\":[\"qddex\"],\"enterprises\":\"listed\","               \
	"\"list\":\"default\",\"related\":\"exclude\",\"other_subsidy\":\"exclude\","                                          \
	"\"rate\":{\"type\":\"flat\",\"ppm\":50000},\"cap\":{\"amount\":\"300000.00\",\"scope\":\"term\"},"                    \
	"\"round\":{\"unit_fen\":100,\"mode\":\"floor\"}}"

static const char license_text[] =
    HEAD "{\"id\":\"2026-017\",\"type\":\"venue.license\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,"
	 "\"body\":{\"venue\":\"qddex\",\"name\":\"青岛 \\\"数据\\\" 交易所\",\"keys\":[\"" QDDEX_VKEY "\"]}}\n";

static const char adopt_text[] =
    HEAD "{\"id\":\"2026-018\",\"type\":\"policy.adopt\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,"
	 "\"body\":{\"policy\":" POLICY "}}\n";

static const char register_text[] =
    HEAD "{\"id\":\"2026-019\",\"type\":\"enterprise.register\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,"
	 "\"body\":{},\"items\":{\"count\":2,\"root\":\"@ROOT@\"}}\n";

static const char *const register_items[] = {
    "{\"code\":\"" CODE_1 "\",\"name\":\"甲公司\",\"lists\":[\"default\",\"pilot_1\"],"
    "\"salt\":\"00112233445566778899aabbccddeeff\"}",
    "{\"code\":\"" CODE_2 "\",\"name\":\"乙公司\",\"lists\":[],\"salt\":\"ffeeddccbbaa99887766554433221100\"}",
};

struct parsed {
	struct arena arena;
	struct order order;
	struct why why;
};

static int setup(void **state)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));

	if (parsed == NULL || fixture_setup(NULL) != 0)
		return -1;
	arena_init(&parsed->arena, ORDER_ARENA_SIZE);
	*state = parsed;
	return 0;
}

static int teardown(void **state)
{
	struct parsed *parsed = *state;

	arena_done(&parsed->arena);
	free(parsed);
	return 0;
}

static enum err parse(struct parsed *parsed, const char *text, const char *const *lines, size_t line_count)
{
	struct slice items[4];

	for (size_t i = 0; i < line_count; i++)
		items[i] = slice_text(lines[i]);
	arena_reset(&parsed->arena);
	parsed->why.text[0] = '\0';
	return order_parse(slice_text(text), items, line_count, &parsed->arena, &parsed->order, &parsed->why);
}

static struct order_draft draft_of(enum order_type type, const char *id)
{
	return (struct order_draft){.type = type,
	    .id = id,
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = FIXTURE_LEDGER_ID,
	    .expires = 20261224,
	    .made_at_size = 1234};
}

static void finds_each_type_by_its_name(void **state)
{
	(void)state;
	for (int type = ORDER_VENUE_LICENSE; type < ORDER_TYPE_COUNT; type++)
		assert_int_equal(order_type_by_name(order_type_name((enum order_type)type)), type);
	assert_int_equal(order_type_by_name("venue.revoke"), 0);
	assert_false(order_type_has_items(ORDER_VENUE_LICENSE));
	assert_false(order_type_has_items(ORDER_POLICY_ADOPT));
	assert_true(order_type_has_items(ORDER_ENTERPRISE_REGISTER));
	assert_true(order_type_has_items(ORDER_ENTERPRISE_RELATE));
	assert_true(order_type_has_items(ORDER_GRANT_ADD));
}

static void licenses_a_venue(void **state)
{
	struct order_draft draft = draft_of(ORDER_VENUE_LICENSE, "2026-017");
	struct key key = fixture_key(KEY_ED25519, "qddex", 2);
	struct parsed *parsed = *state;
	/* The keys of a draft may stand in any order. */
	json_t *body = json_pack(
	    "{s:[o],s:s,s:s}", "keys", fixture_vkey("qddex", 2), "name", "青岛 \"数据\" 交易所", "venue", "qddex");
	struct buf text;

	draft.body = body;
	buf_init(&text, FIXTURE_TEXT_MAX);
	assert_int_equal(order_compose(&draft, &text, &parsed->why), OK);
	assert_string_equal(buf_text(&text), license_text);
	assert_int_equal(parse(parsed, license_text, NULL, 0), OK);
	assert_int_equal(parsed->order.type, ORDER_VENUE_LICENSE);
	assert_string_equal(parsed->order.id, "2026-017");
	assert_int_equal(parsed->order.expires, 20261224);
	assert_int_equal(parsed->order.made_at_size, 1234);
	assert_string_equal(parsed->order.origin, FIXTURE_ORIGIN);
	assert_string_equal(parsed->order.ledger_id, FIXTURE_LEDGER_ID);
	assert_string_equal(parsed->order.venue, "qddex");
	assert_string_equal(parsed->order.venue_name, "青岛 \"数据\" 交易所");
	assert_int_equal(parsed->order.venue_key_count, 1);
	assert_true(key_equal(&parsed->order.venue_keys[0], &key));
	assert_int_equal(parsed->order.item_count, 0);
	json_decref(body);
	buf_done(&text);
}

static void keeps_an_adopted_policy_as_signed(void **state)
{
	struct order_draft draft = draft_of(ORDER_POLICY_ADOPT, "2026-018");
	json_t *body = json_loads("{ \"policy\" : " POLICY " }", 0, NULL);
	struct parsed *parsed = *state;
	struct buf text;

	assert_non_null(body);
	draft.body = body;
	buf_init(&text, FIXTURE_TEXT_MAX);
	if (order_compose(&draft, &text, &parsed->why) != OK)
		fail_msg("%s", parsed->why.text);
	assert_string_equal(buf_text(&text), adopt_text);
	assert_int_equal(parse(parsed, adopt_text, NULL, 0), OK);
	assert_string_equal(parsed->order.policy.id, "sample-5");
	assert_true(slice_equal(parsed->order.policy_text, slice_text(POLICY)));
	json_decref(body);
	buf_done(&text);
}

/* The published example, with its root worked out by hand from RFC 6962. */
static void make_register_text(struct buf *ret_text)
{
	struct hash a = hash_leaf(slice_text(register_items[0])), b = hash_leaf(slice_text(register_items[1]));
	struct hash root = hash_node(&a, &b);
	struct buf base64;

	buf_init(&base64, FIXTURE_TEXT_MAX);
	base64_add(&base64, hash_slice(&root));
	fixture_replace(register_text, "@ROOT@", buf_text(&base64), ret_text);
	buf_done(&base64);
}

static void registers_enterprises(void **state)
{
	struct order_draft draft = draft_of(ORDER_ENTERPRISE_REGISTER, "2026-019");
	struct slice items[2] = {slice_text(register_items[0]), slice_text(register_items[1])};
	struct parsed *parsed = *state;
	struct buf text, wanted;

	draft.items = items;
	draft.item_count = 2;
	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&wanted, FIXTURE_TEXT_MAX);
	make_register_text(&wanted);
	assert_int_equal(order_compose(&draft, &text, &parsed->why), OK);
	assert_string_equal(buf_text(&text), buf_text(&wanted));
	assert_int_equal(parse(parsed, buf_text(&text), register_items, 2), OK);
	assert_int_equal(parsed->order.item_count, 2);
	assert_true(slice_equal(parsed->order.items[0].code, slice_text(CODE_1)));
	assert_true(slice_equal(parsed->order.items[0].name, slice_text("甲公司")));
	assert_int_equal(parsed->order.items[0].list_count, 2);
	assert_true(slice_equal(parsed->order.items[0].lists[1], slice_text("pilot_1")));
	assert_int_equal(parsed->order.items[1].list_count, 0);
	buf_done(&text);
	buf_done(&wanted);
}

static void accepts_only_the_items_that_were_signed(void **state)
{
	const char *lines[3] = {register_items[1], register_items[0], register_items[0]};
	struct parsed *parsed = *state;
	struct buf text, changed;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&changed, FIXTURE_TEXT_MAX);
	make_register_text(&text);
	assert_int_equal(parse(parsed, buf_text(&text), lines, 2), ERR_ORDER_ITEMS);
	assert_non_null(strstr(parsed->why.text, "root of the 2 items"));
	assert_int_equal(parse(parsed, buf_text(&text), register_items, 1), ERR_ORDER_ITEMS);
	assert_string_equal(parsed->why.text, "1 items came, 2 were signed");
	assert_int_equal(parse(parsed, buf_text(&text), lines, 3), ERR_ORDER_ITEMS);
	assert_int_equal(parse(parsed, buf_text(&text), NULL, 0), ERR_ORDER_ITEMS);
	fixture_replace(register_items[1], "乙公司", "丙公司", &changed);
	lines[0] = register_items[0];
	lines[1] = buf_text(&changed);
	assert_int_equal(parse(parsed, buf_text(&text), lines, 2), ERR_ORDER_ITEMS);
	assert_int_equal(parse(parsed, license_text, register_items, 1), ERR_ORDER_ITEMS);
	assert_non_null(strstr(parsed->why.text, "no items, but 1 came"));
	buf_done(&text);
	buf_done(&changed);
}

static void refuses_bad_signed_items(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {"\"count\":2", "\"count\":0", ERR_ORDER, "\"count\" is not a number from 1 to 1000"},
	    {"\"count\":2", "\"count\":1001", ERR_ORDER, "\"count\" is not a number from 1 to 1000"},
	    {"\"count\":2", "\"count\":2.0", ERR_ORDER, "\"count\" is not a number"},
	    {"\"count\":2", "\"count\":\"2\"", ERR_ORDER, "\"count\" is not a number"},
	    {"\"count\":2", "\"number\":2", ERR_ORDER, "the key \"count\" is missing"},
	    {"\"count\":2", "\"count\":2,\"size\":9", ERR_ORDER, "unknown key: \"size\""},
	    {"=\"}}", "\"}}", ERR_ORDER, "\"root\" is not the base64"},
	    {"\"body\":{}", "\"body\":{\"note\":1}", ERR_ORDER, "\"body\": unknown key: \"note\""},
	    {"\"body\":{}", "\"body\":null", ERR_ORDER, "\"body\": not a JSON object"},
	    {",\"items\":{", ",\"item\":{", ERR_ORDER, "unknown key: \"item\""},
	};
	struct parsed *parsed = *state;
	struct buf text, changed;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&changed, FIXTURE_TEXT_MAX);
	make_register_text(&text);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_replace(buf_text(&text), rows[i].from, rows[i].to, &changed);
		fixture_expect(
		    &rows[i], parse(parsed, buf_text(&changed), register_items, 2), &parsed->why, buf_text(&changed));
	}
	buf_done(&text);
	buf_done(&changed);
}

static void refuses_each_change(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {"subsidy.order/v1", "subsidy.order/v2", ERR_ORDER, "first line is not subsidy.order/v1"},
	    {"}\n", "}", ERR_ORDER, "exactly four lines"},
	    {"}\n", "}\nmore\n", ERR_ORDER, "exactly four lines"},
	    {"}\n", "}\nmore", ERR_ORDER, "exactly four lines"},
	    {"ledger1\n", "ledger 1\n", ERR_ORDER, "second line is not a ledger's origin"},
	    {"0123456789abcdef", "0123456789ABCDEF", ERR_ORDER, "third line is not a ledger id"},
	    {"0123456789abcdef", "0123456789abcde", ERR_ORDER, "third line is not a ledger id"},
	    {"\"id\":\"2026-017\"", "\"id\":\"\"", ERR_ORDER, "\"id\" has 0 bytes"},
	    {"\"id\":\"2026-017\"", "\"id\":\"2026 017\"", ERR_ORDER, "\"id\" has characters other than visible"},
	    {"\"id\":\"2026-017\"", "\"id\":\"〔2026〕17\"", ERR_ORDER, "\"id\" has characters other than visible"},
	    {"\"id\":\"2026-017\"", "\"id\":2026", ERR_ORDER, "\"id\" is not a string"},
	    {"\"id\":\"2026-017\",", "", ERR_ORDER, "the key \"id\" is missing"},
	    {"venue.license", "venue.licence", ERR_ORDER, "unknown \"type\": venue.licence"},
	    {"venue.license", "policy.adopt", ERR_ORDER, "\"body\": the key \"policy\" is missing"},
	    {"venue.license", "grant.add", ERR_ORDER, "the key \"items\" is missing"},
	    {"2026-12-24", "2026-02-30", ERR_ORDER, "\"expires\" is not a date"},
	    {"2026-12-24", "2026-2-3", ERR_ORDER, "\"expires\" is not a date"},
	    {"\"2026-12-24\"", "20261224", ERR_ORDER, "\"expires\" is not a date"},
	    {"\"made_at_size\":1234", "\"made_at_size\":-1", ERR_ORDER, "\"made_at_size\" is not a ledger size"},
	    {"\"made_at_size\":1234", "\"made_at_size\":0", ERR_ORDER, "\"made_at_size\" is not a ledger size"},
	    {"\"made_at_size\":1234", "\"made_at_size\":1e3", ERR_ORDER, "\"made_at_size\" is not a ledger size"},
	    {"\"made_at_size\":1234", "\"made_at_size\":\"1234\"", ERR_ORDER, "\"made_at_size\" is not a ledger"},
	    {"]}}", "]},\"items\":{\"count\":1,\"root\":\"\"}}", ERR_ORDER, "this type of order has no \"items\""},
	    {"]}}", "]},\"note\":\"x\"}", ERR_ORDER, "unknown key: \"note\""},
	    {"\"venue\":\"qddex\"", "\"venue\":\"Qddex\"", ERR_ORDER, "\"venue\" is not 1 to 32 lower-case"},
	    {"\"venue\":\"qddex\"", "\"venue\":\"sddex\"", ERR_ORDER, "key 1 must be named \"sddex\""},
	    {"\"name\":\"青岛", "\"name\":\"\\u0007青岛", ERR_ORDER, "\"name\" contains a control character"},
	    {"\"name\":\"青岛", "\"name\":\"\xff", ERR_ORDER, "not valid JSON"},
	    {"+b4c39f82+", "+b4c39f83+", ERR_ORDER, "key 1 is not a public key"},
	    {"[\"" QDDEX_VKEY "\"]", "[]", ERR_ORDER, "\"keys\" is not an array of 1 to 8"},
	    {"[\"" QDDEX_VKEY "\"]", "\"" QDDEX_VKEY "\"", ERR_ORDER, "\"keys\" is not an array of 1 to 8"},
	    {"[\"" QDDEX_VKEY "\"]", "[\"" QDDEX_VKEY "\",\"" QDDEX_VKEY "\"]", ERR_ORDER, "keys 1 and 2 are the same"},
	    {"[\"" QDDEX_VKEY "\"]", "[1]", ERR_ORDER, "key 1 is not a public key"},
	    {"\"keys\":", "\"key\":", ERR_ORDER, "\"body\": the key \"keys\" is missing"},
	};
	struct parsed *parsed = *state;
	struct buf text;

	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_replace(license_text, rows[i].from, rows[i].to, &text);
		fixture_expect(&rows[i], parse(parsed, buf_text(&text), NULL, 0), &parsed->why, buf_text(&text));
	}
	buf_done(&text);
}

static void refuses_a_bad_policy_with_its_reason(void **state)
{
	struct parsed *parsed = *state;
	struct buf text;

	buf_init(&text, FIXTURE_TEXT_MAX);
	fixture_replace(adopt_text, "\"policy\":\"sample-5\",", "", &text);
	assert_int_equal(parse(parsed, buf_text(&text), NULL, 0), ERR_ORDER);
	assert_non_null(strstr(parsed->why.text, "\"body\": policy: "));
	fixture_replace(adopt_text, "\"scope\":\"term\"", "\"scope\": \"term\"", &text);
	assert_int_equal(parse(parsed, buf_text(&text), NULL, 0), ERR_ORDER);
	assert_non_null(strstr(parsed->why.text, "one compact form"));
	fixture_replace(adopt_text, "\"version\":1", "\"version\":1,\"version\":1", &text);
	assert_int_equal(parse(parsed, buf_text(&text), NULL, 0), ERR_ORDER);
	buf_done(&text);
}

static void composes_nothing_that_could_not_be_read(void **state)
{
	struct order_draft good = draft_of(ORDER_VENUE_LICENSE, "2026-017"), draft;
	json_t *body = json_pack("{s:s,s:s,s:[o]}", "venue", "qddex", "name", "青岛", "keys", fixture_vkey("qddex", 2));
	struct parsed *parsed = *state;
	struct buf text;

	good.body = body;
	buf_init(&text, FIXTURE_TEXT_MAX);
	draft = good;
	draft.id = "two\nlines";
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	draft = good;
	draft.expires = UINT32_MAX;
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	assert_string_equal(parsed->why.text, "\"expires\" is not a date");
	draft = good;
	draft.origin = "subsidy.example/ledger1\nx";
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	draft = good;
	draft.ledger_id = "0123456789abcdeg";
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	draft.ledger_id = "0123456789abcdef0";
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	assert_string_equal(parsed->why.text, "the origin or the ledger id is too long");
	draft = good;
	draft.body = NULL;
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	assert_string_equal(parsed->why.text, "\"body\": the key \"venue\" is missing");
	draft = draft_of(ORDER_ENTERPRISE_REGISTER, "2026-017");
	assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
	assert_int_equal(text.size, 0);
	assert_int_equal(order_compose(&good, &text, &parsed->why), OK);
	json_decref(body);
	buf_done(&text);
}

static enum err compose_license(const char *id, const char *origin, const char *name, unsigned keys, uint64_t size)
{
	struct order_draft draft = draft_of(ORDER_VENUE_LICENSE, id);
	json_t *array = json_array(), *body;
	struct buf text;
	enum err err;

	for (unsigned i = 0; i < keys; i++)
		json_array_append_new(array, fixture_vkey("qddex", 100 + i));
	body = json_pack("{s:s,s:s,s:o}", "venue", "qddex", "name", name, "keys", array);
	draft.origin = origin;
	draft.body = body;
	draft.made_at_size = size;
	buf_init(&text, FIXTURE_TEXT_MAX);
	err = order_compose(&draft, &text, NULL);
	json_decref(body);
	buf_done(&text);
	return err;
}

static void holds_the_limit_of_each_field(void **state)
{
	(void)state;
	for (unsigned step = 0; step <= 2; step++) {
		enum err wanted = step <= 1 ? OK : ERR_ORDER;
		char *id = fixture_repeat('i', ORDER_ID_SIZE_MAX - 1 + step);
		char *origin = fixture_repeat('o', ORIGIN_SIZE_MAX - 1 + step);
		char *name = fixture_repeat('n', VENUE_NAME_SIZE_MAX - 1 + step);

		assert_int_equal(compose_license(id, "o", "n", 1, 1), wanted);
		assert_int_equal(compose_license("i", origin, "n", 1, 1), wanted);
		assert_int_equal(compose_license("i", "o", name, 1, 1), wanted);
		assert_int_equal(compose_license("i", "o", "n", VENUE_KEYS_MAX - 1 + step, 1), wanted);
		assert_int_equal(compose_license("i", "o", "n", 1, TREE_SIZE_MAX - 1 + step), wanted);
		free(id);
		free(origin);
		free(name);
	}
}

/* Relations have the shortest lines, so most of them fit. */
static enum err compose_relations(size_t count, size_t padding, struct buf *ret_text, struct why *why)
{
	struct order_draft draft = draft_of(ORDER_ENTERPRISE_RELATE, "2026-020");
	struct slice *items = calloc(count, sizeof(*items));
	struct buf *lines = calloc(count, sizeof(*lines));
	const uint8_t salt[SALT_SIZE] = {1};
	enum err err;

	assert_true(items != NULL && lines != NULL);
	for (size_t i = 0; i < count; i++) {
		char first[USCI_SIZE + 1], second[USCI_SIZE + 1];
		struct order_item item;

		fixture_code((unsigned)i, first);
		fixture_code((unsigned)(i + count), second);
		item = (struct order_item){.code = slice_text(first), .second = slice_text(second)};
		buf_init(&lines[i], FIXTURE_TEXT_MAX);
		assert_int_equal(order_item_format(ORDER_ENTERPRISE_RELATE, &item, salt, &lines[i]), OK);
		for (size_t j = 0; j < (i == 0 ? padding : 0); j++)
			buf_add_text(&lines[i], " ");
		items[i] = buf_slice(&lines[i]);
	}
	draft.items = items;
	draft.item_count = count;
	err = order_compose(&draft, ret_text, why);
	for (size_t i = 0; i < count; i++)
		buf_done(&lines[i]);
	free(lines);
	free(items);
	return err;
}

static void holds_the_limit_of_note_and_items_together(void **state)
{
	size_t text_size, line_size = strlen("{\"codes\":[\"" CODE_1 "\",\"" CODE_2 "\"],\"salt\":\"\"}") + 32, most;
	struct why why;
	struct buf text;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	assert_int_equal(compose_relations(100, 0, &text, &why), OK);
	text_size = text.size;
	most = (ORDER_BODY_SIZE_MAX - text_size) / line_size;
	assert_int_equal(compose_relations(most, 0, &text, &why), OK);
	assert_int_equal(compose_relations(most + 1, 0, &text, &why), ERR_ORDER);
	assert_non_null(strstr(why.text, "divide the order"));
	/* White space is refused for itself as long as the size is not. */
	for (size_t step = 0; step <= 2; step++) {
		size_t padding = ORDER_BODY_SIZE_MAX - 1 + step - text_size - most * line_size;

		assert_int_equal(compose_relations(most, padding, &text, &why), ERR_ORDER);
		assert_int_equal(strstr(why.text, "divide the order") != NULL, step == 2);
	}
	buf_done(&text);
}

static void holds_the_limit_of_items(void **state)
{
	struct slice *items = calloc(ORDER_ITEMS_MAX + 1, sizeof(*items));
	struct parsed *parsed = *state;

	assert_non_null(items);
	for (size_t i = 0; i <= ORDER_ITEMS_MAX; i++)
		items[i] = slice_text("{}");
	for (size_t count = ORDER_ITEMS_MAX - 1; count <= ORDER_ITEMS_MAX + 1; count++) {
		struct order_draft draft = draft_of(ORDER_GRANT_ADD, "2026-021");
		struct buf text;

		draft.items = items;
		draft.item_count = count;
		buf_init(&text, FIXTURE_TEXT_MAX);
		/* So many lines can't all be good ones within the size: the count alone is looked at here. */
		assert_int_equal(order_compose(&draft, &text, &parsed->why), ERR_ORDER);
		assert_int_equal(strstr(parsed->why.text, "one order carries") != NULL, count > ORDER_ITEMS_MAX);
		assert_int_equal(strstr(parsed->why.text, "item 1: ") != NULL, count <= ORDER_ITEMS_MAX);
		buf_done(&text);
	}
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_each_type_by_its_name),
	    cmocka_unit_test(licenses_a_venue),
	    cmocka_unit_test(keeps_an_adopted_policy_as_signed),
	    cmocka_unit_test(registers_enterprises),
	    cmocka_unit_test(accepts_only_the_items_that_were_signed),
	    cmocka_unit_test(refuses_bad_signed_items),
	    cmocka_unit_test(refuses_each_change),
	    cmocka_unit_test(refuses_a_bad_policy_with_its_reason),
	    cmocka_unit_test(composes_nothing_that_could_not_be_read),
	    cmocka_unit_test(holds_the_limit_of_each_field),
	    cmocka_unit_test(holds_the_limit_of_note_and_items_together),
	    cmocka_unit_test(holds_the_limit_of_items),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
