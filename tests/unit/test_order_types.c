/* Orders of the later types: FORMAT.md's examples both ways, and each of their rules. */
#include "proto/order.h"

#include "order_fixture.h"

#define HEAD ORDER_HEADER "\n" FIXTURE_ORIGIN "\n" FIXTURE_LEDGER_ID "\n"

/* clang-format off */
static const struct {
	enum order_type type;
	const char *json;
	const char *items[2];
} examples[] = {
    {ORDER_VENUE_SUSPEND,
	"{\"id\":\"2026-022\",\"type\":\"venue.suspend\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\""
	"body\":{\"venue\":\"qddex\",\"reason\":\"送检合同与记录不符\"}}",
	{NULL}},
    {ORDER_VENUE_RESUME,
	"{\"id\":\"2026-023\",\"type\":\"venue.resume\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\""
	"body\":{\"venue\":\"qddex\",\"reason\":\"已整改\"}}",
	{NULL}},
    {ORDER_VENUE_KEY,
	"{\"id\":\"2026-024\",\"type\":\"venue.key\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"bod"
	"y\":{\"venue\":\"qddex\",\"add\":[\"qddex+3f19211c+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl\"]"
	",\"revoke\":[\"qddex+a66c19da+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\"],\"new_generation\":f"
	"alse,\"reason\":\"密钥轮换\"}}",
	{NULL}},
    {ORDER_LOG_KEY,
	"{\"id\":\"2026-034\",\"type\":\"log.key\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"body\""
	":{\"add\":[\"subsidy.example/ledger1+d607d27c+ASeBF/wUTHI0D2fQ8jFug4bO/78rJCjJxR/vfFl/HUJu\",\"subsidy.example/ledger1/heads+ed163fce+AewXK5OtXlY79JMscOEkUDTDVGfvLv1NZOv4GWg0Z+K/\"],\"retire\":[],\"reason\":\"密钥轮换\"}}",
	{NULL}},
    {ORDER_VENUE_DISTRUST,
	"{\"id\":\"2026-035\",\"type\":\"venue.distrust\",\"expires\":\"2026-12-24\",\"made_at_size\":1234"
	",\"body\":{\"venue\":\"qddex\",\"key\":\"qddex+a66c19da+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1"
	"Ea\",\"from\":1000,\"reason\":\"密钥被盗用\"}}",
	{NULL}},
    {ORDER_OFFICER_ADD,
	"{\"id\":\"2026-025\",\"type\":\"officer.add\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"b"
	"ody\":{\"name\":\"sun\",\"role\":\"leader\",\"keys\":[\"sun+c509eded+AddamAGCsQq31Uv+08lkBzoO4XLz2"
	"qYjJa8CGmj3B1Ea\"]}}",
	{NULL}},
    {ORDER_OFFICER_REMOVE,
	"{\"id\":\"2026-026\",\"type\":\"officer.remove\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,"
	"\"body\":{\"name\":\"sun\",\"reason\":\"调离\"}}",
	{NULL}},
    {ORDER_QUORUM_SET,
	"{\"id\":\"2026-027\",\"type\":\"quorum.set\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"bo"
	"dy\":{\"quorums\":{\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],\"trade.void\":[[\"clerk\"]"
	",[\"reviewer\"],[\"leader\"]],\"grant.add:enterprise\":[[\"clerk\"]]}}}",
	{NULL}},
    {ORDER_RULES_SET,
	"{\"id\":\"2026-028\",\"type\":\"rules.set\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"bod"
	"y\":{\"rules\":2}}",
	{NULL}},
    {ORDER_ENTERPRISE_DELIST,
	"{\"id\":\"2026-029\",\"type\":\"enterprise.delist\",\"expires\":\"2026-12-24\",\"made_at_size\":12"
	"34,\"body\":{},\"items\":{\"count\":2,\"root\":\"Q/0WrvrvUehqliTVZaBoKWyh3Z52ghu0h1vZ9amR+zk=\"}}",
	{"{\"code\":\"91370200MA00000015\",\"lists\":[\"pilot_1\"],\"reason\":\"不再符合条件\",\"salt\":\"00112233"
	    "445566778899aabbccddeeff\"}",
	    "{\"code\":\"91370200MA00000028\",\"lists\":[],\"reason\":\"企业申请\",\"salt\":\"ffeeddccbbaa998877665"
	    "54433221100\"}"}},
    {ORDER_GRANT_REVOKE,
	"{\"id\":\"2026-030\",\"type\":\"grant.revoke\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\""
	"body\":{},\"items\":{\"count\":1,\"root\":\"E1Gqd/7nyeaFxHvFNv4r5IRbQAq+Gk1/TsV+fXQMQwQ=\"}}",
	{"{\"token_hash\":\"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925\",\"reason\":\""
	    "查询码遗失\",\"salt\":\"00112233445566778899aabbccddeeff\"}"}},
    {ORDER_TRADE_HOLD,
	"{\"id\":\"2026-031\",\"type\":\"trade.hold\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"bo"
	"dy\":{},\"items\":{\"count\":1,\"root\":\"AEk77ielCz5DOP1KAUDu3LYDt0UCA5qT59e6cUxgCFY=\"}}",
	{"{\"venue\":\"qddex\",\"trade_no\":\"QD-2025-000123\",\"reason\":\"疑似关联交易，待核查\",\"salt\":\"00112233"
	    "445566778899aabbccddeeff\"}"}},
    {ORDER_TRADE_RELEASE,
	"{\"id\":\"2026-032\",\"type\":\"trade.release\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\""
	"body\":{},\"items\":{\"count\":1,\"root\":\"OKVmORnir93JkKKTPqupZJv0M8sFO7yaUK0F5fIPXb0=\"}}",
	{"{\"venue\":\"qddex\",\"trade_no\":\"QD-2025-000123\",\"reason\":\"核查无误\",\"salt\":\"00112233445566"
	    "778899aabbccddeeff\"}"}},
    {ORDER_TRADE_VOID,
	"{\"id\":\"2026-033\",\"type\":\"trade.void\",\"expires\":\"2026-12-24\",\"made_at_size\":1234,\"bo"
	"dy\":{},\"items\":{\"count\":1,\"root\":\"MPu/jSu+AkU02cpC4yVzpkU0m9k6EV1kBSWnkeRWrWU=\"}}",
	{"{\"venue\":\"qddex\",\"trade_no\":\"QD-2025-000123\",\"reason\":\"合同系伪造\",\"salt\":\"0011223344556"
	    "6778899aabbccddeeff\"}"}}
};
/* clang-format on */
#define EXAMPLE_COUNT (sizeof(examples) / sizeof(examples[0]))

struct parsed {
	struct arena arena;
	struct order order;
	struct why why;
};

static int setup(void **state)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));

	if (parsed == NULL || key_global_init() != OK)
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

static size_t example_items(size_t number, struct slice ret_items[static 2])
{
	size_t count = 0;

	while (count < 2 && examples[number].items[count] != NULL) {
		ret_items[count] = slice_text(examples[number].items[count]);
		count++;
	}
	return count;
}

/* Composes an order of the example's type, with this body and these items. */
static enum err compose(struct parsed *parsed, size_t number, const char *body, const struct slice *items,
    size_t item_count, struct buf *text)
{
	json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	struct order_draft draft = {.type = examples[number].type,
	    .id = "2026-000",
	    .origin = FIXTURE_ORIGIN,
	    .ledger_id = FIXTURE_LEDGER_ID,
	    .expires = 20261224,
	    .made_at_size = 1234,
	    .body = json,
	    .items = items,
	    .item_count = item_count};
	enum err err;

	assert_non_null(json);
	parsed->why.text[0] = '\0';
	buf_clear(text);
	err = order_compose(&draft, text, &parsed->why);
	json_decref(json);
	return err;
}

static void reads_and_writes_each_example(void **state)
{
	struct parsed *parsed = *state;

	for (size_t i = 0; i < EXAMPLE_COUNT; i++) {
		struct slice items[2];
		size_t item_count = example_items(i, items);
		json_t *json = json_loads(examples[i].json, 0, NULL);
		char *body = json_dumps(json_object_get(json, "body"), JSON_COMPACT);
		struct buf text, again;

		buf_init(&text, FIXTURE_TEXT_MAX);
		buf_init(&again, FIXTURE_TEXT_MAX);
		buf_printf(&text, HEAD "%s\n", examples[i].json);
		arena_reset(&parsed->arena);
		if (order_parse(buf_slice(&text), items, item_count, &parsed->arena, &parsed->order, &parsed->why) !=
		    OK)
			fail_msg("%s: %s", order_type_name(examples[i].type), parsed->why.text);
		assert_int_equal(parsed->order.type, examples[i].type);
		assert_int_equal(parsed->order.item_count, item_count);
		assert_int_equal(order_type_has_items(examples[i].type), item_count > 0);
		assert_int_equal(compose(parsed, i, body, items, item_count, &again), OK);
		fixture_replace(examples[i].json, json_string_value(json_object_get(json, "id")), "2026-000", &text);
		assert_string_equal(
		    strchr(strchr(strchr(buf_text(&again), '\n') + 1, '\n') + 1, '\n') + 1 + text.size, "\n");
		free(body);
		json_decref(json);
		buf_done(&text);
		buf_done(&again);
	}
}

static size_t find_example(enum order_type type)
{
	size_t number = 0;

	while (examples[number].type != type)
		number++;
	return number;
}

static void refuses_each_wrong_body(void **state)
{
#define VKEY "qddex+a66c19da+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define SUN "sun+c509eded+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define LOG_1 FIXTURE_ORIGIN "+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
#define HEADS FIXTURE_ORIGIN "/heads+ed163fce+AewXK5OtXlY79JMscOEkUDTDVGfvLv1NZOv4GWg0Z+K/"
	static const struct {
		enum order_type type;
		const char *body, *reason;
	} rows[] = {
	    {ORDER_LOG_KEY, "{\"add\":[],\"retire\":[],\"reason\":\"x\"}", "nothing is added and nothing retired"},
	    {ORDER_LOG_KEY, "{\"add\":[\"" LOG_1 "\"],\"retire\":[\"" LOG_1 "\"],\"reason\":\"x\"}",
		"key 1 of \"add\" is key 1 of \"retire\""},
	    {ORDER_LOG_KEY, "{\"add\":[\"" LOG_1 "\",\"" LOG_1 "\"],\"retire\":[],\"reason\":\"x\"}",
		"are the same key"},
	    {ORDER_LOG_KEY, "{\"add\":[\"" SUN "\"],\"retire\":[],\"reason\":\"x\"}",
		"neither a checkpoint key nor a claim key"},
	    {ORDER_LOG_KEY, "{\"add\":[],\"retire\":[\"" VKEY "\"],\"reason\":\"x\"}",
		"neither a checkpoint key nor a claim key"},
	    {ORDER_LOG_KEY, "{\"add\":[\"" HEADS "\"],\"retire\":[],\"reason\":\"\"}", "\"reason\" has 0 bytes"},
	    {ORDER_LOG_KEY, "{\"add\":[\"" HEADS "\"],\"reason\":\"x\"}", "\"retire\" is missing"},
	    {ORDER_LOG_KEY, "{\"add\":\"" HEADS "\",\"retire\":[],\"reason\":\"x\"}", "array of 0 to 4"},
	    {ORDER_VENUE_SUSPEND, "{\"venue\":\"Qddex\",\"reason\":\"x\"}", "\"venue\" is not"},
	    {ORDER_VENUE_SUSPEND, "{\"venue\":\"qddex\",\"reason\":\"\"}", "\"reason\" has 0 bytes"},
	    {ORDER_VENUE_RESUME, "{\"venue\":\"qddex\",\"reason\":\"a\\u0007\"}", "control character"},
	    {ORDER_VENUE_RESUME, "{\"venue\":\"qddex\"}", "\"reason\" is missing"},
	    {ORDER_VENUE_KEY,
		"{\"venue\":\"qddex\",\"add\":[],\"revoke\":[],\"new_generation\":false,\"reason\":\"x\"}",
		"nothing is added"},
	    {ORDER_VENUE_KEY,
		"{\"venue\":\"qddex\",\"add\":[\"" VKEY "\"],\"revoke\":[\"" VKEY
		"\"],\"new_generation\":false,\"reason\":\"x\"}",
		"is key 1 of \"revoke\""},
	    {ORDER_VENUE_KEY,
		"{\"venue\":\"qddex\",\"add\":[\"" VKEY "\",\"" VKEY
		"\"],\"revoke\":[],\"new_generation\":false,\"reason\":\"x\"}",
		"are the same key"},
	    {ORDER_VENUE_KEY,
		"{\"venue\":\"qddex\",\"add\":[\"" SUN "\"],\"revoke\":[],\"new_generation\":false,\"reason\":\"x\"}",
		"must be named \"qddex\""},
	    {ORDER_VENUE_KEY, "{\"venue\":\"qddex\",\"add\":[],\"revoke\":[],\"new_generation\":1,\"reason\":\"x\"}",
		"neither true nor false"},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":\"" VKEY "\",\"from\":0,\"reason\":\"x\"}",
		"\"from\" is not a ledger index"},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":\"" VKEY "\",\"from\":1235,\"reason\":\"x\"}",
		"\"from\" is not a ledger index"},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":\"" VKEY "\",\"from\":\"1\",\"reason\":\"x\"}",
		"\"from\" is not a ledger index"},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":\"" SUN "\",\"from\":1,\"reason\":\"x\"}",
		"must be named \"qddex\""},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":[\"" VKEY "\"],\"from\":1,\"reason\":\"x\"}",
		"is not a public key"},
	    {ORDER_VENUE_DISTRUST, "{\"venue\":\"qddex\",\"key\":\"" VKEY "\",\"from\":1234,\"reason\":\"\"}",
		"\"reason\" has 0 bytes"},
	    {ORDER_OFFICER_ADD, "{\"name\":\"sun\",\"role\":\"boss\",\"keys\":[\"" SUN "\"]}", "unknown role"},
	    {ORDER_OFFICER_ADD, "{\"name\":\"sun\",\"role\":\"clerk\",\"keys\":[]}", "array of 1 to 4"},
	    {ORDER_OFFICER_ADD, "{\"name\":\"s n\",\"role\":\"clerk\",\"keys\":[\"" SUN "\"]}", "no spaces"},
	    {ORDER_OFFICER_REMOVE, "{\"name\":\"\",\"reason\":\"x\"}", "\"name\" has 0 bytes"},
	    {ORDER_QUORUM_SET, "{\"quorums\":{}}", "\"default\" is missing"},
	    {ORDER_QUORUM_SET, "{\"quorums\":{\"default\":[[\"clerk\"]]}}", "at least 2 are needed"},
	    {ORDER_QUORUM_SET,
		"{\"quorums\":{\"default\":[[\"clerk\"],[\"clerk\"]],\"trade.undo\":[[\"clerk\"],[\"clerk\"]]}}",
		"unknown key"},
	    {ORDER_RULES_SET, "{\"rules\":0}", "not the number"},
	    {ORDER_RULES_SET, "{\"rules\":4294967296}", "not the number"},
	    {ORDER_RULES_SET, "{\"rules\":\"2\"}", "not the number"},
	    {ORDER_TRADE_VOID, "{\"reason\":\"x\"}", "unknown key"},
	};
	struct parsed *parsed = *state;
	struct buf text;

	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t number = find_example(rows[i].type);
		struct slice items[2];
		size_t item_count = example_items(number, items);

		if (compose(parsed, number, rows[i].body, items, item_count, &text) != ERR_ORDER ||
		    strstr(parsed->why.text, rows[i].reason) == NULL)
			fail_msg("%s: \"%s\"", rows[i].body, parsed->why.text);
	}
	buf_done(&text);
}

static void refuses_each_wrong_item(void **state)
{
	static const struct {
		enum order_type type;
		const char *from, *to, *reason;
	} rows[] = {
	    {ORDER_ENTERPRISE_DELIST, "91370200MA00000015", "91370200MA00000016", "check character"},
	    {ORDER_ENTERPRISE_DELIST, "pilot_1", "Pilot", "lower-case"},
	    {ORDER_ENTERPRISE_DELIST, "\"pilot_1\"", "\"b\",\"a\"", "ascending"},
	    {ORDER_ENTERPRISE_DELIST, "[\"pilot_1\"]", "\"pilot_1\"", "not an array"},
	    {ORDER_ENTERPRISE_DELIST, "不再符合条件", "", "\"reason\" is not a text"},
	    {ORDER_GRANT_REVOKE, "66687a", "66687A", "hex digits"},
	    {ORDER_GRANT_REVOKE, "66687a", "6668", "hex digits"},
	    {ORDER_GRANT_REVOKE, "查询码遗失", "", "\"reason\" is not a text"},
	    {ORDER_GRANT_REVOKE, "\"reason\"", "\"holder\"", "missing"},
	    {ORDER_TRADE_HOLD, "qddex", "1ddex", "\"venue\" is not"},
	    {ORDER_TRADE_RELEASE, "QD-2025-000123", "QD 2025", "\"trade_no\" is not"},
	    {ORDER_TRADE_VOID, "QD-2025-000123", "", "\"trade_no\" is not"},
	    {ORDER_TRADE_VOID, "合同系伪造", "", "\"reason\" is not a text"},
	    {ORDER_TRADE_VOID, "00112233", "0011223", "\"salt\""},
	};
	struct parsed *parsed = *state;
	struct buf text, line;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&line, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t number = find_example(rows[i].type);
		struct slice item;

		fixture_replace(examples[number].items[0], rows[i].from, rows[i].to, &line);
		item = buf_slice(&line);
		if (compose(parsed, number, "{}", &item, 1, &text) != ERR_ORDER ||
		    strstr(parsed->why.text, rows[i].reason) == NULL)
			fail_msg("%s: \"%s\"", buf_text(&line), parsed->why.text);
	}
	buf_done(&line);
	buf_done(&text);
}

static void names_each_trade_firm_and_hash_once(void **state)
{
	static const enum order_type types[] = {ORDER_ENTERPRISE_DELIST, ORDER_GRANT_REVOKE, ORDER_TRADE_HOLD};
	static const char *const what[] = {"the same enterprise", "the same token hash", "the same trade"};
	struct parsed *parsed = *state;
	struct buf text, line;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&line, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < 3; i++) {
		size_t number = find_example(types[i]);
		struct slice items[2] = {slice_text(examples[number].items[0])};

		/* Another salt makes another line, but of the same. */
		fixture_replace(examples[number].items[0], "0011", "1100", &line);
		items[1] = buf_slice(&line);
		assert_int_equal(compose(parsed, number, "{}", items, 2, &text), ERR_ORDER);
		assert_non_null(strstr(parsed->why.text, what[i]));
	}
	buf_done(&line);
	buf_done(&text);
}

/* The size of a reason and the number of keys: at the limit and one beyond. */
static void holds_each_limit(void **state)
{
	struct parsed *parsed = *state;
	struct buf text, body, line;

	buf_init(&text, FIXTURE_TEXT_MAX);
	buf_init(&body, FIXTURE_TEXT_MAX);
	buf_init(&line, FIXTURE_TEXT_MAX);
	for (size_t size = REASON_SIZE_MAX - 1; size <= REASON_SIZE_MAX + 1; size++) {
		char *reason = fixture_repeat('r', size);
		size_t number = find_example(ORDER_TRADE_HOLD);
		enum err wanted = size <= REASON_SIZE_MAX ? OK : ERR_ORDER;
		struct slice item;

		buf_clear(&body);
		buf_printf(&body, "{\"name\":\"sun\",\"reason\":\"%s\"}", reason);
		assert_int_equal(
		    compose(parsed, find_example(ORDER_OFFICER_REMOVE), buf_text(&body), NULL, 0, &text), wanted);
		fixture_replace(examples[number].items[0], "疑似关联交易，待核查", reason, &line);
		item = buf_slice(&line);
		assert_int_equal(compose(parsed, number, "{}", &item, 1, &text), wanted);
		free(reason);
	}
	for (unsigned count = VENUE_KEYS_MAX - 1; count <= VENUE_KEYS_MAX + 1; count++) {
		json_t *keys = json_array();
		char *dumped;

		for (unsigned i = 0; i < count; i++)
			json_array_append_new(keys, fixture_vkey("qddex", 100 + i));
		dumped = json_dumps(keys, JSON_COMPACT);
		for (int is_add = 0; is_add <= 1; is_add++) {
			buf_clear(&body);
			buf_printf(&body,
			    "{\"venue\":\"qddex\",\"add\":%s,\"revoke\":%s,\"new_generation\":false,\"reason\":\"x\"}",
			    is_add ? dumped : "[]", is_add ? "[]" : dumped);
			assert_int_equal(
			    compose(parsed, find_example(ORDER_VENUE_KEY), buf_text(&body), NULL, 0, &text),
			    count <= VENUE_KEYS_MAX ? OK : ERR_ORDER);
		}
		free(dumped);
		json_decref(keys);
	}
	buf_done(&line);
	buf_done(&body);
	buf_done(&text);
}

static void holds_the_bound_of_changed_log_keys(void **state)
{
	struct parsed *parsed = *state;
	size_t number = find_example(ORDER_LOG_KEY);
	struct buf text;

	buf_init(&text, FIXTURE_TEXT_MAX);
	for (unsigned count = LOG_KEY_CHANGES_MAX - 1; count <= LOG_KEY_CHANGES_MAX + 1; count++)
		for (unsigned is_retired = 0; is_retired < 2; is_retired++) {
			json_t *keys = json_array();
			char *body;
			enum err err;

			for (unsigned i = 0; i < count; i++)
				json_array_append_new(keys, fixture_vkey(FIXTURE_ORIGIN, 10 + i));
			keys = json_pack("{s:o,s:[],s:s}", is_retired ? "retire" : "add", keys,
			    is_retired ? "add" : "retire", "reason", "x");
			body = json_dumps(keys, JSON_COMPACT);
			err = compose(parsed, number, body, NULL, 0, &text);
			assert_int_equal(err, count <= LOG_KEY_CHANGES_MAX ? OK : ERR_ORDER);
			free(body);
			json_decref(keys);
		}
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(reads_and_writes_each_example, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_each_wrong_body, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_each_wrong_item, setup, teardown),
	    cmocka_unit_test_setup_teardown(names_each_trade_firm_and_hash_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(holds_each_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(holds_the_bound_of_changed_log_keys, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
