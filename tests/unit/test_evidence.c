/* Evidence of conflicts: what is kept, and what a replay takes for no evidence. */
#include "daemon/evidence.h"

#include "ledger_fixture.h"

struct scene {
	struct ledger_fixture fixture;
	struct signer *signer, *other;
	struct hash leaves[8];
	char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
	uint64_t pushes[2];
};

/* Two pushes of two records each. */
static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	ledger_setup(&scene->fixture);
	fixture_code(1, scene->a);
	fixture_code(2, scene->b);
	struct record records[] = {ledger_trade("T1", scene->a, scene->b, 1000),
	    ledger_trade("T2", scene->a, scene->b, 1000), ledger_trade("T3", scene->a, scene->b, 1000),
	    ledger_trade("T4", scene->a, scene->b, 1000)};

	scene->signer = ledger_license(&scene->fixture, KEY_ED25519, "qddex");
	scene->other = ledger_make_signer(KEY_ED25519, "qddex", 999);
	for (size_t i = 0; i < 2; i++)
		scene->pushes[i] =
		    ledger_push(&scene->fixture, scene->signer, "qddex", scene->leaves, 2 * i, records + 2 * i, 2);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	signer_free(scene->signer);
	signer_free(scene->other);
	ledger_teardown(&scene->fixture);
	free(scene);
	return 0;
}

static void keeps_the_checkpoint_and_the_push_that_it_contradicts(void **state)
{
	struct scene *scene = *state;
	struct record other[] = {ledger_trade("T9", scene->a, scene->b, 1), ledger_trade("T8", scene->a, scene->b, 1)};
	struct ledger_push push = {
	    .signer = scene->signer, .venue = "qddex", .records = other, .earlier = scene->leaves};
	struct arena arena;
	struct entry entry;
	uint64_t index, found;

	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	for (uint64_t start = 0; start < 4; start++) {
		push.start = start;
		push.record_count = 1;
		index = ledger_conflict(&scene->fixture, &push);
		ledger_get(&scene->fixture, index, &arena, &entry);
		assert_int_equal(entry.kind, ENTRY_EVIDENCE);
		assert_int_equal(entry.evidence.size, start + 1);
		assert_int_equal(entry.evidence.generation, 1);
		assert_int_equal(entry.evidence.push_index, scene->pushes[start / 2]);
		assert_true(evidence_get(scene->fixture.txn, 1, start + 1, &found));
		assert_int_equal(found, index);
	}
	/* Beyond what is held: of the sent records the first that differs counts. */
	push.start = 3;
	push.record_count = 2;
	index = ledger_conflict(&scene->fixture, &push);
	ledger_get(&scene->fixture, index, &arena, &entry);
	assert_int_equal(entry.evidence.size, 5);
	assert_int_equal(entry.evidence.push_index, scene->pushes[1]);
	arena_done(&arena);
}

/* A signed checkpoint of the scene's feed. */
static void make_note(struct scene *scene, struct signer *signer, const char *origin, uint64_t size,
    const struct hash *root, struct buf *ret_note)
{
	struct checkpoint checkpoint = {.size = size, .root = *root};
	struct buf text;

	buf_init(&text, LEDGER_NOTE_MAX);
	buf_clear(ret_note);
	if (origin != NULL)
		snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", origin);
	else
		feed_origin_format("qddex", scene->fixture.ledger_id, 1, checkpoint.origin);
	checkpoint_format(&checkpoint, &text);
	assert_int_equal(note_sign(buf_slice(&text), &signer, 1, ret_note), OK);
	buf_done(&text);
}

static void expect(struct scene *scene, struct entry entry, const char *reason)
{
	struct evidence evidence;
	struct why why = {""};
	enum err err = evidence_of_entry(&entry, scene->fixture.txn, &evidence, &why);

	if (reason == NULL ? err != OK : err != ERR_DAMAGED || strstr(why.text, reason) == NULL)
		fail_msg("%s, \"%s\"; wanted \"%s\"", err_name(err), why.text, reason == NULL ? "ok" : reason);
}

static void takes_what_proves_nothing_for_damage(void **state)
{
	struct scene *scene = *state;
	struct hash other = hash_empty(), held;
	struct frontier frontier;
	struct entry right = {.kind = ENTRY_EVIDENCE}, entry;
	struct buf note, changed;

	frontier_init(&frontier);
	for (size_t i = 0; i < 3; i++)
		frontier_append(&frontier, &scene->leaves[i]);
	held = frontier_root(&frontier);
	buf_init(&note, LEDGER_NOTE_MAX);
	buf_init(&changed, LEDGER_NOTE_MAX);
	make_note(scene, scene->signer, NULL, 3, &other, &note);
	right.evidence.venue = slice_text("qddex");
	right.evidence.generation = 1;
	right.evidence.size = 3;
	right.evidence.note = buf_slice(&note);
	right.evidence.push_index = scene->pushes[1];
	expect(scene, right, NULL);

	entry = right;
	entry.evidence.venue = slice_text("sddex");
	expect(scene, entry, "of a feed that was not open");
	entry = right;
	entry.evidence.generation = 2;
	expect(scene, entry, "of a feed that was not open");
	entry = right;
	entry.evidence.size = 4;
	expect(scene, entry, "of another feed or size");
	entry = right;
	entry.evidence.note = slice_text("x");
	expect(scene, entry, "no signed note");
	entry = right;
	entry.evidence.push_index = scene->pushes[1] - 1;
	expect(scene, entry, "names no push of this feed");
	entry.evidence.push_index = 1000000;
	expect(scene, entry, "names no push of this feed");

	make_note(scene, scene->other, NULL, 3, &other, &changed);
	entry = right;
	entry.evidence.note = buf_slice(&changed);
	expect(scene, entry, "not signed by a key that the venue had then");
	make_note(scene, scene->signer, "qddex/0123456789abcdef/1", 3, &other, &changed);
	entry.evidence.note = buf_slice(&changed);
	expect(scene, entry, "of another feed or size");
	make_note(scene, scene->signer, NULL, 3, &held, &changed);
	entry.evidence.note = buf_slice(&changed);
	expect(scene, entry, "no conflict");

	/* A push that begins behind the checkpoint's size contradicts nothing of it. */
	make_note(scene, scene->signer, NULL, 2, &other, &changed);
	entry = right;
	entry.evidence.size = 2;
	entry.evidence.note = buf_slice(&changed);
	expect(scene, entry, "names no push of this feed");
	entry.evidence.push_index = scene->pushes[0];
	expect(scene, entry, NULL);
	evidence_put(scene->fixture.txn, 1, 2, 7);
	expect(scene, entry, "was kept before");

	ledger_order(&scene->fixture, (struct ledger_order){.type = ORDER_VENUE_SUSPEND,
					  .body = json_pack("{s:s,s:s}", "venue", "qddex", "reason", "x")});
	expect(scene, right, "of a feed that was not open");
	buf_done(&changed);
	buf_done(&note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(keeps_the_checkpoint_and_the_push_that_it_contradicts, setup, teardown),
	    cmocka_unit_test_setup_teardown(takes_what_proves_nothing_for_damage, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
