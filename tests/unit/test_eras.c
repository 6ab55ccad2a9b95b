/*
 * Chains of ledgers that continue one another: read from the newest genesis, and each way to spoil one. And whether the next
 * of them may begin, in the state that the one before has left.
 */
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

/* ---- the next era */

/* What a ledger that continues the fixture's says, and who has signed it. */
struct next {
	struct genesis genesis;
	struct buf note;
	struct hash root; /* of the ledger before, as its entries give it */
};

static void sign_checkpoint(const struct signer *signer, struct continued *continued)
{
	struct checkpoint checkpoint = {.size = continued->size + 3};
	struct signer *const signers[] = {(struct signer *)(uintptr_t)signer};
	struct buf text, note;

	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", FIXTURE_ORIGIN);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), signers, 1, &note), OK);
	memcpy(continued->note, note.data, note.size);
	continued->note_size = note.size;
	buf_done(&note);
	buf_done(&text);
}

/* The note's words don't matter to whoever looks at its signatures. */
static void sign_genesis(struct ledger_fixture *fixture, unsigned first, unsigned second, struct next *next)
{
	struct signer *const signers[] = {fixture->officers[first], fixture->officers[second]};

	buf_clear(&next->note);
	assert_int_equal(note_sign(slice_text("subsidy.genesis/v1\nnext\n{}\n"), signers, 2, &next->note), OK);
}

static void make_next(struct ledger_fixture *fixture, struct next *next)
{
	struct genesis *genesis = &next->genesis;
	struct signer *signer = ledger_make_signer(KEY_ED25519, "subsidy.example/next", 900);

	memset(genesis, 0, sizeof(*genesis));
	genesis->rules = RULES_VERSION;
	genesis->ledger_key = *signer_key(signer);
	genesis->officer_count = 1;
	snprintf(genesis->officers[0].name, sizeof(genesis->officers[0].name), "li");
	genesis->officers[0].key_count = 1;
	genesis->officers[0].keys[0] = *signer_key(fixture->officers[OFFICER_LI]);
	snprintf(genesis->continued.origin, sizeof(genesis->continued.origin), "%s", FIXTURE_ORIGIN);
	memcpy(genesis->continued.ledger_id, fixture->ledger_id, sizeof(genesis->continued.ledger_id));
	genesis->continued.size = fixture->ledger.head.size;
	genesis->continued.root = next->root = frontier_root(&fixture->ledger.head.frontier);
	sign_checkpoint(fixture->ledger_signer, &genesis->continued);
	sign_genesis(fixture, OFFICER_LI, OFFICER_ZHAO, next);
	signer_free(signer);
}

static enum err check_next(struct ledger_fixture *fixture, struct next *next)
{
	const struct era era = {.genesis = &next->genesis, .note = buf_slice(&next->note)};

	fixture->why.text[0] = '\0';
	return era_check(&era, &next->root, fixture->txn, &fixture->why);
}

static void expect(struct ledger_fixture *fixture, struct next *next, enum err err, const char *words)
{
	assert_int_equal(check_next(fixture, next), err);
	if (strstr(fixture->why.text, words) == NULL)
		fail_msg("%s", fixture->why.text);
	make_next(fixture, next);
}

static void begins_the_next_era_or_says_why_not(void **state)
{
	struct ledger_fixture *fixture = calloc(1, sizeof(*fixture));
	struct next *next = calloc(1, sizeof(*next));
	struct signer *venue, *stranger = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 901);
	struct key *ledger_key = &next->genesis.ledger_key, *officer_key = &next->genesis.officers[0].keys[0];
	struct continued *continued = &next->genesis.continued;

	(void)state;
	ledger_setup(fixture);
	venue = ledger_license(fixture, KEY_ED25519, "qddex");
	buf_init(&next->note, NOTE_SIZE_MAX);
	make_next(fixture, next);
	expect(fixture, next, OK, "");
	/* Which ledger, and which entries of it. */
	continued->origin[0] ^= 1;
	expect(fixture, next, ERR_DAMAGED, "these entries are of");
	continued->ledger_id[0] ^= 1;
	expect(fixture, next, ERR_DAMAGED, "these entries are of");
	continued->root.bytes[HASH_SIZE - 1] ^= 1;
	expect(fixture, next, ERR_DAMAGED, "have another root");
	next->root.bytes[0] ^= 1;
	expect(fixture, next, ERR_DAMAGED, "have another root");
	next->genesis.rules = 0;
	expect(fixture, next, ERR_REFUSED, "goes back from 1 to 0");
	/* Who has signed what. */
	sign_checkpoint(stranger, continued);
	expect(fixture, next, ERR_UNKNOWN_KEY, "is not signed by its key");
	continued->note[continued->note_size - 5] ^= 1;
	assert_int_not_equal(check_next(fixture, next), OK);
	make_next(fixture, next);
	sign_genesis(fixture, OFFICER_LI, OFFICER_WANG, next);
	expect(fixture, next, ERR_QUORUM, "officer.add needs the signatures of");
	/* Whose keys they are. */
	*ledger_key = *signer_key(fixture->ledger_signer);
	expect(fixture, next, ERR_REFUSED, "was a key of the ledger that is continued");
	*ledger_key = *signer_key(venue);
	expect(fixture, next, ERR_REFUSED, "is a key of venue qddex");
	*ledger_key = *signer_key(fixture->officers[OFFICER_SUN]);
	expect(fixture, next, ERR_REFUSED, "is the key of officer sun");
	*officer_key = *signer_key(fixture->officers[OFFICER_WANG]);
	expect(fixture, next, ERR_REFUSED, "is the key of officer wang");
	*officer_key = *signer_key(fixture->ledger_signer);
	expect(fixture, next, ERR_REFUSED, "is the ledger's own key");
	expect(fixture, next, OK, "");
	buf_done(&next->note);
	signer_free(venue);
	signer_free(stranger);
	ledger_teardown(fixture);
	free(next);
	free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(reads_a_chain_of_ledgers, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_ledgers_that_do_not_follow, setup, teardown),
	    cmocka_unit_test_setup_teardown(refuses_what_is_no_genesis, setup, teardown),
	    cmocka_unit_test(begins_the_next_era_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
