/* The genesis text: composed, read again, and each way to spoil it. */
#include "proto/order.h"

#include "tests/unit/order_fixture.h"

static const uint8_t random_bytes[32] = {0xde, 0xad, 0xbe, 0xef};

static json_t *officer(const char *name, const char *role, unsigned number)
{
	return json_pack("{s:s,s:s,s:[o]}", "name", name, "role", role, "keys", fixture_vkey(name, number));
}

static json_t *make_draft(void)
{
	return json_pack("{s:s,s:o,s:[o,o],s:{s:[[s],[s,s]],s:[[s]]}}", "origin", FIXTURE_ORIGIN, "ledger_key",
	    fixture_vkey(FIXTURE_ORIGIN, 1), "officers", officer("wang", "clerk", 2), officer("li", "reviewer", 3),
	    "quorums", "default", "clerk", "reviewer", "leader", "grant.add:enterprise", "clerk");
}

/* Takes the draft over. */
static enum err compose(json_t *draft, struct buf *ret_text, struct why *why)
{
	enum err err;

	assert_non_null(draft);
	buf_clear(ret_text);
	err = genesis_compose(draft, random_bytes, ret_text, why);
	json_decref(draft);
	return err;
}

static const char example[] =
    "subsidy.genesis/v1\n"
    "subsidy.example/ledger1\n"
    "{\"rules\":1,\"random\":\"deadbeef00000000000000000000000000000000000000000000000000000000\","
    "\"ledger_key\":\"subsidy.example/ledger1+aa6dea01+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\","
    "\"officers\":[{\"name\":\"wang\",\"role\":\"clerk\",\"keys\":[\"wang+2efde973+"
    "AT1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM\"]},"
    "{\"name\":\"li\",\"role\":\"reviewer\",\"keys\":[\"li+80cbe7e6+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl\"]}],"
    "\"quorums\":{\"default\":[[\"clerk\"],[\"reviewer\",\"leader\"]],\"grant.add:enterprise\":[[\"clerk\"]]}}\n";

static void composes_the_published_example(void **state)
{
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	assert_int_equal(compose(make_draft(), &text, &why), OK);
	assert_string_equal(buf_text(&text), example);
	buf_done(&text);
}

static void reads_what_it_composed(void **state)
{
	struct key wang = fixture_key(KEY_ED25519, "wang", 2);
	struct genesis genesis;
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	assert_int_equal(compose(make_draft(), &text, &why), OK);
	assert_int_equal(genesis_parse(buf_slice(&text), &genesis, &why), OK);
	assert_string_equal(genesis.origin, FIXTURE_ORIGIN);
	assert_int_equal(genesis.rules, RULES_VERSION);
	assert_memory_equal(genesis.random, random_bytes, 32);
	assert_string_equal(genesis.ledger_key.name, FIXTURE_ORIGIN);
	assert_int_equal(genesis.officer_count, 2);
	assert_string_equal(genesis.officers[0].name, "wang");
	assert_int_equal(genesis.officers[0].role, ROLE_CLERK);
	assert_true(key_equal(&genesis.officers[0].keys[0], &wang));
	assert_int_equal(genesis.officers[1].role, ROLE_REVIEWER);
	assert_int_equal(genesis.quorums.fallback.slot_count, 2);
	assert_int_equal(genesis.quorums.grant_enterprise.slot_count, 1);
	buf_done(&text);
}

static void orders_the_keys_of_a_draft(void **state)
{
	json_t *draft = json_object(), *given = make_draft();
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	json_object_set(draft, "quorums", json_object_get(given, "quorums"));
	json_object_set(draft, "officers", json_object_get(given, "officers"));
	json_object_set(draft, "ledger_key", json_object_get(given, "ledger_key"));
	json_object_set(draft, "origin", json_object_get(given, "origin"));
	json_decref(given);
	assert_int_equal(compose(draft, &text, &why), OK);
	assert_string_equal(buf_text(&text), example);
	buf_done(&text);
}

static void refuses_each_change(void **state)
{
	static const struct fixture_refusal rows[] = {
	    {"subsidy.genesis/v1", "subsidy.genesis/v2", ERR_SYNTAX, "first line is not subsidy.genesis/v1"},
	    {"}\n", "}", ERR_SYNTAX, "exactly three lines"},
	    {"}\n", "}\n\n", ERR_SYNTAX, "exactly three lines"},
	    {"ledger1\n{", "ledger 1\n{", ERR_INVALID, "origin"},
	    {"ledger1\n{", "ledger2\n{", ERR_INVALID, "must be named as the origin"},
	    {"\"rules\":1,", "\"rules\":2,", ERR_INVALID, "\"rules\" is not 1"},
	    {"\"rules\":1,", "\"rules\":1.0,", ERR_INVALID, "\"rules\" is not 1"},
	    {"\"rules\":1,", "\"rules\":\"1\",", ERR_INVALID, "\"rules\" is not 1"},
	    {"\"rules\":1,", "", ERR_INVALID, "the key \"rules\" is missing"},
	    {"\"rules\":1,", "\"rules\":1,\"rules\":1,", ERR_SYNTAX, "duplicate"},
	    {"\"rules\":1,", "\"rule\":1,\"rules\":1,", ERR_INVALID, "unknown key: \"rule\""},
	    {"\"rules\":1,", "\"rules\": 1,", ERR_NOT_CANONICAL, "from byte"},
	    {"\"random\":\"dead", "\"random\":\"DEAD", ERR_INVALID, "\"random\" is not 64 lower-case hex"},
	    {"\"random\":\"dead", "\"random\":\"", ERR_INVALID, "\"random\" is not 64 lower-case hex"},
	    {"aa6dea01", "aa6dea02", ERR_INVALID, "\"ledger_key\" is not a public key"},
	    {"\"name\":\"wang\"", "\"name\":\"wan g\"", ERR_INVALID, "officer 1: the name can't be that of a key"},
	    {"\"name\":\"wang\"", "\"name\":\"wu\"", ERR_INVALID, "officer 1: key 1 must be named \"wu\""},
	    {"\"name\":\"wang\"", "\"title\":\"wang\"", ERR_INVALID, "officer 1: the key \"name\" is missing"},
	    {"\"name\":\"wang\"", "\"name\":\"wang\",\"age\":7", ERR_INVALID, "officer 1: unknown key: \"age\""},
	    {"\"role\":\"clerk\"", "\"role\":\"chief\"", ERR_INVALID, "officer 1: unknown role: chief"},
	    {"\"role\":\"clerk\"", "\"role\":\"reviewer\"", ERR_INVALID,
		"can't meet the quorum of default: it asks for 1 clerk and 1 reviewer or leader"},
	    {"\"grant.add:enterprise\":[[\"clerk\"]]", "\"grant.add:enterprise\":[[\"auditor\"]]", ERR_INVALID,
		"can't meet the quorum of grant.add:enterprise"},
	    {"\"grant.add:enterprise\":[[\"clerk\"]]", "\"grant.add\":[[\"clerk\"],[\"clerk\"]]", ERR_INVALID,
		"can't meet the quorum of grant.add: it asks for 2 clerks"},
	    {"[\"reviewer\",\"leader\"]", "[\"leader\",\"reviewer\"]", ERR_NOT_CANONICAL, "from byte"},
	    {"\"officers\":[", "\"officers\":[[],", ERR_INVALID, "officer 1: not a JSON object"},
	};
	struct genesis genesis;
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture_replace(example, rows[i].from, rows[i].to, &text);
		why.text[0] = '\0';
		fixture_expect(&rows[i], genesis_parse(buf_slice(&text), &genesis, &why), &why, buf_text(&text));
	}
	buf_done(&text);
}

static void refuses_officers_who_could_sign_twice(void **state)
{
	struct buf text;
	struct why why;
	json_t *draft;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	draft = make_draft();
	json_array_append_new(json_object_get(draft, "officers"), officer("wang", "leader", 9));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "two officers are named wang");

	draft = make_draft();
	json_array_append_new(json_object_get(draft, "officers"), officer("zhao", "leader", 2));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "officers wang and zhao have a key in common");

	draft = make_draft();
	json_array_append_new(json_object_get(draft, "officers"), officer("zhao", "leader", 1));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "officer zhao has the ledger's own key");

	draft = make_draft();
	json_array_append_new(
	    json_object_get(json_array_get(json_object_get(draft, "officers"), 0), "keys"), fixture_vkey("wang", 2));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "officer 1: keys 1 and 2 are the same key");
	buf_done(&text);
}

static void takes_only_keys_that_sign_as_they_should(void **state)
{
	struct buf text;
	struct why why;
	json_t *draft, *keys;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	draft = make_draft();
	keys = json_object_get(json_array_get(json_object_get(draft, "officers"), 0), "keys");
	json_array_append_new(keys, fixture_vkey_of_type(KEY_SM2, "wang", 7));
	assert_int_equal(compose(draft, &text, &why), OK);

	draft = make_draft();
	keys = json_object_get(json_array_get(json_object_get(draft, "officers"), 0), "keys");
	json_array_append_new(keys, fixture_vkey_of_type(KEY_COSIGNATURE, "wang", 7));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "officer 1: key 2 is neither Ed25519 nor SM2");

	draft = make_draft();
	json_object_set_new(draft, "ledger_key", fixture_vkey_of_type(KEY_SM2, FIXTURE_ORIGIN, 1));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "not Ed25519"));
	buf_done(&text);
}

static void holds_each_limit(void **state)
{
	struct buf text;
	struct why why;
	json_t *draft, *keys;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	/* Every officer signs, and so does the ledger: one officer fewer than a note has signatures. */
	for (unsigned count = NOTE_SIGNATURES_MAX - 2; count <= NOTE_SIGNATURES_MAX; count++) {
		draft = make_draft();
		for (unsigned i = 2; i < count; i++) {
			char name[32];

			snprintf(name, sizeof(name), "officer%u", i);
			json_array_append_new(json_object_get(draft, "officers"), officer(name, "clerk", 100 + i));
		}
		assert_int_equal(compose(draft, &text, &why), count <= NOTE_SIGNATURES_MAX - 1 ? OK : ERR_INVALID);
	}
	for (unsigned count = OFFICER_KEYS_MAX - 1; count <= OFFICER_KEYS_MAX + 1; count++) {
		draft = make_draft();
		keys = json_object_get(json_array_get(json_object_get(draft, "officers"), 0), "keys");
		for (unsigned i = 1; i < count; i++)
			json_array_append_new(keys, fixture_vkey("wang", 100 + i));
		assert_int_equal(compose(draft, &text, &why), count <= OFFICER_KEYS_MAX ? OK : ERR_INVALID);
	}
	for (size_t size = OFFICER_NAME_SIZE_MAX - 1; size <= OFFICER_NAME_SIZE_MAX + 1; size++) {
		char *name = fixture_repeat('n', size);

		draft = make_draft();
		json_array_append_new(json_object_get(draft, "officers"), officer(name, "clerk", 100));
		assert_int_equal(compose(draft, &text, &why), size <= OFFICER_NAME_SIZE_MAX ? OK : ERR_INVALID);
		free(name);
	}
	for (size_t size = ORIGIN_SIZE_MAX - 1; size <= ORIGIN_SIZE_MAX + 1; size++) {
		char *origin = fixture_repeat('o', size);

		draft = make_draft();
		json_object_set_new(draft, "origin", json_string(origin));
		if (size <= ORIGIN_SIZE_MAX)
			json_object_set_new(draft, "ledger_key", fixture_vkey(origin, 1));
		assert_int_equal(compose(draft, &text, &why), size <= ORIGIN_SIZE_MAX ? OK : ERR_INVALID);
		free(origin);
	}
	buf_done(&text);
}

static void refuses_a_text_beyond_its_limit_unread(void **state)
{
	char *text = fixture_repeat('x', NOTE_TEXT_SIZE_MAX + 1);
	struct genesis genesis;
	struct why why;

	(void)state;
	assert_int_equal(genesis_parse(slice_of(text, NOTE_TEXT_SIZE_MAX - 1), &genesis, &why), ERR_SYNTAX);
	assert_int_equal(genesis_parse(slice_of(text, NOTE_TEXT_SIZE_MAX), &genesis, &why), ERR_SYNTAX);
	assert_int_equal(genesis_parse(slice_of(text, NOTE_TEXT_SIZE_MAX + 1), &genesis, &why), ERR_TOO_LARGE);
	free(text);
}

static void refuses_a_draft_that_is_none(void **state)
{
	json_t *draft = make_draft();
	struct buf text;
	struct why why;

	(void)state;
	buf_init(&text, FIXTURE_TEXT_MAX);
	json_object_set_new(draft, "random", json_string("00"));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_string_equal(why.text, "unknown key: \"random\"");
	draft = make_draft();
	json_object_del(draft, "quorums");
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	draft = make_draft();
	json_object_set_new(draft, "origin", json_string("https://subsidy.example"));
	json_object_set_new(draft, "ledger_key", fixture_vkey("https://subsidy.example", 1));
	assert_int_equal(compose(draft, &text, &why), ERR_INVALID);
	assert_non_null(strstr(why.text, "the origin is not a schema-less URL"));
	assert_int_equal(text.size, 0);
	buf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(composes_the_published_example),
	    cmocka_unit_test(reads_what_it_composed),
	    cmocka_unit_test(orders_the_keys_of_a_draft),
	    cmocka_unit_test(refuses_each_change),
	    cmocka_unit_test(refuses_officers_who_could_sign_twice),
	    cmocka_unit_test(takes_only_keys_that_sign_as_they_should),
	    cmocka_unit_test(holds_each_limit),
	    cmocka_unit_test(refuses_a_text_beyond_its_limit_unread),
	    cmocka_unit_test(refuses_a_draft_that_is_none),
	};
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
