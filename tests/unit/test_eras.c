/* Chains of ledgers that continue one another: read from the newest genesis, and each way to spoil one. */
#include "ledger_fixture.h"

#include "daemon/eras.h"

#define TIME_US 1767225600000000ULL
#define ENTRY_MAX 60000
#define CHAIN_MAX (CONTINUED_LEDGERS_MAX + 2)

/* What a link of the chain is made with. */
struct link {
	unsigned key_number;
	uint64_t size, time_us;
};

struct chain {
	struct signer *officers[2];
	size_t count;
	struct buf entries[CHAIN_MAX];
	struct why why;
};

static struct link usual(size_t place)
{
	return (struct link){.key_number = 500 + (unsigned)place, .size = 5 + 2 * place, .time_us = TIME_US};
}

static void origin_of(size_t place, char ret_origin[static 64])
{
	snprintf(ret_origin, 64, "subsidy.example/ledger%zu", place);
}

/* What the next link says of the last one. */
static json_t *continues(struct chain *chain, const struct link *last, uint64_t size)
{
	struct slice bytes = buf_slice(&chain->entries[chain->count - 1]);
	struct checkpoint checkpoint = {.size = size + 3};
	struct continued *continued = calloc(1, sizeof(*continued));
	char origin[64], id[2 * HASH_SIZE + 1];
	struct hash leaf = hash_leaf(bytes);
	struct signer *signer;
	struct buf text, note, json;
	json_t *parsed = NULL;

	origin_of(chain->count - 1, origin);
	signer = ledger_make_signer(KEY_ED25519, origin, last->key_number);
	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	buf_init(&json, NOTE_TEXT_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &signer, 1, &note), OK);
	snprintf(continued->origin, sizeof(continued->origin), "%s", origin);
	hex_format(hash_slice(&leaf), id);
	memcpy(continued->ledger_id, id, LEDGER_ID_SIZE);
	continued->size = size;
	memcpy(continued->note, note.data, note.size);
	continued->note_size = note.size;
	assert_true(bytes.size <= sizeof(continued->entry));
	memcpy(continued->entry, bytes.data, bytes.size);
	continued->entry_size = bytes.size;
	continued_format(continued, &json);
	if (json.err == OK)
		parsed = json_loads(buf_text(&json), 0, NULL);
	assert_non_null(parsed);
	buf_done(&json);
	buf_done(&note);
	buf_done(&text);
	signer_free(signer);
	free(continued);
	return parsed;
}

/* Adds a link; false where the genesis can't be made. */
static bool add(struct chain *chain, const struct link *link, const struct link *last)
{
	struct entry entry = {.kind = ENTRY_GENESIS, .time_us = link->time_us, .salt = {1}};
	struct signer *signers[3] = {chain->officers[0], chain->officers[1]};
	uint8_t random[32] = {(uint8_t)chain->count};
	char origin[64], vkey[KEY_VKEY_SIZE];
	struct buf text, note;
	json_t *draft;
	enum err err;

	origin_of(chain->count, origin);
	signers[2] = ledger_make_signer(KEY_ED25519, origin, link->key_number);
	key_format(signer_key(signers[2]), vkey);
	draft = json_pack("{s:s,s:s,s:[o,o],s:{s:[[s],[s]]}}", "origin", origin, "ledger_key", vkey, "officers",
	    ledger_officer(chain->officers[0], NULL, "clerk"), ledger_officer(chain->officers[1], NULL, "reviewer"),
	    "quorums", "default", "clerk", "reviewer");
	if (last != NULL)
		json_object_set_new(draft, "continues", continues(chain, last, link->size));
	buf_init(&text, NOTE_TEXT_SIZE_MAX);
	buf_init(&note, NOTE_SIZE_MAX);
	err = genesis_compose(draft, random, &text, &chain->why);
	if (err == OK)
		err = note_sign(buf_slice(&text), signers, 3, &note);
	if (err == OK) {
		entry.genesis.note = buf_slice(&note);
		buf_init(&chain->entries[chain->count], ENTRY_MAX);
		assert_int_equal(entry_encode(&entry, &chain->entries[chain->count]), OK);
		chain->count++;
	}
	json_decref(draft);
	buf_done(&text);
	buf_done(&note);
	signer_free(signers[2]);
	return err == OK;
}

static int setup(void **state)
{
	struct chain *chain = calloc(1, sizeof(*chain));
	struct link first = usual(0);

	assert_int_equal(key_global_init(), OK);
	chain->officers[0] = ledger_make_signer(KEY_ED25519, "li", 1);
	chain->officers[1] = ledger_make_signer(KEY_ED25519, "zhao", 2);
	assert_true(add(chain, &first, NULL));
	*state = chain;
	return 0;
}

static int teardown(void **state)
{
	struct chain *chain = *state;

	for (size_t i = 0; i < chain->count; i++)
		buf_done(&chain->entries[i]);
	signer_free(chain->officers[0]);
	signer_free(chain->officers[1]);
	free(chain);
	return 0;
}

static enum err load(struct chain *chain, struct eras *ret_eras)
{
	return eras_load(buf_slice(&chain->entries[chain->count - 1]), ret_eras, &chain->why);
}

/* Geneses as short as these: with more officers the entry that a genesis carries is the narrower bound. */
static void reads_a_chain_of_ledgers(void **state)
{
	struct chain *chain = *state;
	struct eras *eras = calloc(1, sizeof(*eras));

	for (size_t count = 1; count <= CONTINUED_LEDGERS_MAX; count++) {
		struct link last = usual(count - 1), next = usual(count);
		char origin[64];

		if (load(chain, eras) != OK)
			fail_msg("%s", chain->why.text);
		assert_int_equal(eras->count, count);
		for (size_t i = 0; i < count; i++) {
			struct hash leaf = hash_leaf(buf_slice(&chain->entries[i]));

			origin_of(i, origin);
			assert_string_equal(eras->list[i].genesis->origin, origin);
			assert_true(hash_equal(&eras->list[i].leaf, &leaf));
			assert_int_equal(eras->list[i].end, i + 1 < count ? 5 + 2 * (i + 1) : UINT64_MAX);
		}
		eras_done(eras);
		if (!add(chain, &next, &last))
			fail_msg("%zu: %s", count, chain->why.text);
	}
	assert_int_equal(load(chain, eras), ERR_DAMAGED);
	assert_non_null(strstr(chain->why.text, "continues more than 7 ledgers"));
	eras_done(eras);
	free(eras);
}

static void refuses_ledgers_that_do_not_follow(void **state)
{
	static const struct {
		struct link third;
		const char *words;
	} rows[] = {
	    {{.key_number = 500, .size = 9, .time_us = TIME_US}, "the origin or the key"}, /* of the first */
	    {{.key_number = 501, .size = 9, .time_us = TIME_US}, "the origin or the key"}, /* of the second */
	    {{.key_number = 502, .size = 9, .time_us = TIME_US + 1}, "its time"},
	    {{.key_number = 502, .size = 6, .time_us = TIME_US}, "takes over less"},
	    {{.key_number = 502, .size = 7, .time_us = TIME_US}, NULL}, /* as much is enough */
	};
	struct chain *chain = *state;
	struct link first = usual(0), second = usual(1);
	struct eras *eras = calloc(1, sizeof(*eras));

	assert_true(add(chain, &second, &first));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(add(chain, &rows[i].third, &second));
		assert_int_equal(load(chain, eras), rows[i].words == NULL ? OK : ERR_DAMAGED);
		if (rows[i].words != NULL && strstr(chain->why.text, rows[i].words) == NULL)
			fail_msg("row %zu: %s", i, chain->why.text);
		eras_done(eras);
		buf_done(&chain->entries[--chain->count]);
	}
	free(eras);
}

static void refuses_what_is_no_genesis(void **state)
{
	struct chain *chain = *state;
	struct eras *eras = calloc(1, sizeof(*eras));
	struct buf *entry = &chain->entries[0];

	entry->data[entry->size - 30] ^= 1; /* within a signature */
	assert_int_not_equal(load(chain, eras), OK);
	eras_done(eras);
	entry->size--;
	assert_int_equal(load(chain, eras), ERR_DAMAGED);
	eras_done(eras);
	free(eras);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(reads_a_chain_of_ledgers, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_ledgers_that_do_not_follow, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_is_no_genesis, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
