/* Commands: durable, signed and guarded before they are answered, in groups, each seeing those before it. */
#include "writer_bench.h"

/* Copies the data file as it is on disk now and opens the copy. */
static uint64_t size_of_copy(struct bench *bench)
{
	char folder[] = "/tmp/subsidyd-test-XXXXXX", from[128], to[128];
	struct ledger_head head;
	struct store_txn *txn;
	struct store *store;
	uint8_t block_bytes[65536];
	size_t size;
	FILE *in, *out;

	assert_non_null(mkdtemp(folder));
	snprintf(from, sizeof(from), "%s/data.mdb", bench->fixture.folder);
	snprintf(to, sizeof(to), "%s/data.mdb", folder);
	in = fopen(from, "r");
	out = fopen(to, "w");
	assert_true(in != NULL && out != NULL);
	while ((size = fread(block_bytes, 1, sizeof(block_bytes), in)) > 0)
		assert_int_equal(fwrite(block_bytes, 1, size, out), size);
	fclose(in);
	fclose(out);
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_OPEN, &store, &bench->fixture.why), OK);
	assert_int_equal(store_read(store, &txn), OK);
	assert_int_equal(ledger_read_head(txn, &head), OK);
	store_abort(txn);
	store_close(store);
	ledger_remove_folder(folder);
	return head.size;
}

static void answers_when_all_is_durable_signed_and_guarded(void **state)
{
	struct bench *bench = *state;
	uint64_t size = current_head(bench).size, sequence = guard_sequence(bench->guard);
	struct job *job = trades_job(bench, 5, 2);
	struct store_txn *txn;
	struct arena arena;
	struct entry entry;

	assert_int_equal(run(bench, job), OK);
	assert_int_equal(job->command.index, size + 2);
	expect_head(bench, size + 3);
	assert_int_equal(guard_sequence(bench->guard), sequence + 1);
	assert_int_equal(size_of_copy(bench), size + 3);
	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	assert_int_equal(ledger_entry(txn, job->command.index, &arena, &entry), OK);
	assert_int_equal(entry.kind, ENTRY_PUSH);
	assert_int_equal(entry.time_us - 2, atomic_load(&wall_us)); /* its records had the two before */
	arena_done(&arena);
	store_abort(txn);
	job = license_job(bench, "sddex");
	assert_int_equal(run(bench, job), OK);
	assert_int_equal(job->command.index, size + 3);
	expect_head(bench, size + 4);
}

static void gives_each_command_salts_of_its_own(void **state)
{
	struct bench *bench = *state;
	struct job *jobs[] = {license_job(bench, "sddex"), license_job(bench, "jndex")};
	uint8_t salts[2][SALT_SIZE];
	struct store_txn *txn;
	struct arena arena;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(run(bench, jobs[i]), OK);
	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	arena_init(&arena, 8u * ENTRY_SIZE_MAX);
	for (size_t i = 0; i < 2; i++) {
		static const uint8_t nothing[32];
		uint8_t index[STATE_U64_SIZE];
		struct slice parts[] = {slice_of(nothing, 32), state_u64(jobs[i]->command.index, index)};
		struct hash of_nothing = hash_sha256_parts(parts, 2);
		struct entry entry;

		assert_int_equal(ledger_entry(txn, jobs[i]->command.index, &arena, &entry), OK);
		memcpy(salts[i], entry.salt, SALT_SIZE);
		assert_memory_not_equal(salts[i], of_nothing.bytes, SALT_SIZE); /* the seed is random */
	}
	assert_memory_not_equal(salts[0], salts[1], SALT_SIZE);
	arena_done(&arena);
	store_abort(txn);
}

static void commits_what_waits_as_one_group(void **state)
{
	struct bench *bench = *state;
	uint64_t size = current_head(bench).size, sequence = guard_sequence(bench->guard);
	struct job *first = trades_job(bench, 5, 1), *further[3];
	struct writer_counts counts;

	block(bench, first);
	for (size_t i = 0; i < 3; i++) { /* each goes on where the one before ends */
		further[i] = trades_job(bench, 6 + i, 1);
		submit(bench, further[i]);
	}
	writer_counts(bench->writer, &counts);
	assert_int_equal(counts.waiting, 3);
	assert_int_equal(counts.groups, 0);
	assert_int_equal(current_head(bench).size, size);
	unblock(bench);
	receive(bench, 0, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(further[i]->command.err, OK);
		assert_int_equal(further[i]->command.index, size + 3 + 2 * i);
	}
	expect_head(bench, size + 8);
	assert_int_equal(guard_sequence(bench->guard), sequence + 2);
	writer_counts(bench->writer, &counts);
	assert_int_equal(counts.groups, 2);
	assert_int_equal(counts.commands, 4);
	assert_int_equal(counts.records, 4);
	assert_int_equal(counts.refused, 0);
	assert_int_equal(counts.group_records_max, 3);
	assert_int_equal(counts.waiting, 0);
}

/* What one command did, the next of the same group meets. */
static void lets_each_command_see_those_before_it(void **state)
{
	struct bench *bench = *state;
	struct signer *signer = ledger_make_signer(KEY_ED25519, "sddex", 300);
	struct ledger_order policy = {.type = ORDER_POLICY_ADOPT, .signers = {1 + OFFICER_LI, 1 + OFFICER_WANG}};
	struct job *jobs[7];

	jobs[0] = trades_job(bench, 5, 1);
	jobs[1] = license_job(bench, "sddex");
	jobs[2] = license_job(bench, "sddex");
	jobs[3] = push_job(
	    bench, &(struct ledger_push){.signer = signer, .venue = "sddex", .records = trades, .record_count = 1});
	policy.body = ledger_policy("p", 1, "sddex");
	jobs[4] = order_job(bench, policy);
	policy.body = ledger_policy("p", 1, "sddex");
	jobs[5] = order_job(bench, policy);
	policy.made_at_size = current_head(bench).size + 6; /* what it will be then */
	policy.body = ledger_policy("p", 2, "sddex");
	jobs[6] = order_job(bench, policy);
	block(bench, jobs[0]);
	for (size_t i = 1; i < 7; i++)
		submit(bench, jobs[i]);
	unblock(bench);
	receive(bench, 0, 7);
	static const enum err want[] = {OK, OK, ERR_REFUSED, OK, OK, ERR_REFUSED, OK};
	for (size_t i = 0; i < 7; i++)
		if (jobs[i]->command.err != want[i])
			fail_msg("job %zu: %s %s", i, err_name(jobs[i]->command.err), jobs[i]->command.why.text);
	signer_free(signer);
}

static void changes_nothing_where_it_refuses(void **state)
{
	struct bench *bench = *state;
	struct hash before = current_digest(bench), after, root = hash_empty();
	struct head head = current_head(bench), head_after;
	uint64_t sequence = guard_sequence(bench->guard);
	struct record tomorrow = trades[5];
	struct ledger_push push = {.signer = bench->venue_signer,
	    .venue = "qddex",
	    .start = 5,
	    .records = &tomorrow,
	    .record_count = 1,
	    .earlier = bench->leaves};
	struct writer_counts counts;
	struct job *jobs[3];

	tomorrow.trade.settled_on = LEDGER_TODAY + 1;
	jobs[0] = push_job(bench, &push);
	push.root = &root;
	jobs[1] = push_job(bench, &push);
	jobs[2] = license_job(bench, "qddex");
	assert_int_equal(run(bench, jobs[0]), ERR_RECORDS);
	assert_int_equal(jobs[0]->ingest.fault_total, 1);
	assert_int_equal(run(bench, jobs[1]), ERR_FEED_ROOT);
	assert_true(jobs[1]->command.why.text[0] != '\0');
	assert_int_equal(run(bench, jobs[2]), ERR_REFUSED);
	assert_non_null(strstr(jobs[2]->command.why.text, "licensed already"));
	after = current_digest(bench);
	head_after = current_head(bench);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_memory_equal(&head_after, &head, sizeof(head));
	assert_int_equal(guard_sequence(bench->guard), sequence);
	writer_counts(bench->writer, &counts);
	assert_int_equal(counts.commands, 3);
	assert_int_equal(counts.refused, 3);
	assert_int_equal(counts.records, 0);
}

/* One entry for each feed and size, also where the conflicts come in one group. */
static void keeps_a_conflict_once(void **state)
{
	struct bench *bench = *state;
	struct ledger_push push = {.signer = bench->venue_signer,
	    .venue = "qddex",
	    .start = 4,
	    .records = trades + 9,
	    .record_count = 1,
	    .earlier = bench->leaves};
	uint64_t size = current_head(bench).size;
	struct job *jobs[4];

	for (size_t i = 0; i < 4; i++) {
		push.records = trades + 9 + i; /* the last is a longer one */
		push.record_count = i == 3 ? 2 : 1;
		jobs[i] = push_job(bench, &push);
	}
	block(bench, jobs[0]);
	for (size_t i = 1; i < 4; i++)
		submit(bench, jobs[i]);
	unblock(bench);
	receive(bench, 0, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(jobs[i]->command.err, ERR_FEED_CONFLICT);
		assert_int_equal(jobs[i]->command.index, i == 3 ? size + 1 : size);
	}
	expect_head(bench, size + 2);
}

static void answers_a_retry_with_the_first_index(void **state)
{
	struct bench *bench = *state;
	struct job *first = trades_job(bench, 5, 3), *again = trades_job(bench, 5, 3),
		   *middle = trades_job(bench, 6, 1), *more = trades_job(bench, 8, 2), *all = trades_job(bench, 0, 10),
		   *early = trades_job(bench, 0, 5);
	struct ledger_order license = {
	    .type = ORDER_VENUE_LICENSE, .id = "the-id", .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}};
	struct job *orders[2];
	struct hash digest, after;

	assert_int_equal(run(bench, first), OK);
	assert_int_equal(run(bench, more), OK);
	for (size_t i = 0; i < 2; i++) {
		license.body = json_pack("{s:s,s:s,s:[o]}", "venue", "v", "name", "V", "keys", fixture_vkey("v", 1));
		orders[i] = order_job(bench, license);
	}
	assert_int_equal(run(bench, orders[0]), OK);
	digest = current_digest(bench);
	assert_int_equal(run(bench, again), OK);
	assert_int_equal(again->command.index, first->command.index);
	assert_int_equal(run(bench, middle), OK);
	assert_int_equal(middle->command.index, first->command.index);
	assert_int_equal(run(bench, all), OK);
	assert_int_equal(all->command.index, more->command.index);
	assert_int_equal(run(bench, early), OK);
	assert_int_equal(early->command.index, first->command.index - 4); /* the push of the setup */
	assert_int_equal(run(bench, orders[1]), OK);
	assert_int_equal(orders[1]->command.index, orders[0]->command.index);
	after = current_digest(bench);
	assert_memory_equal(&after, &digest, sizeof(after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(answers_when_all_is_durable_signed_and_guarded, setup, teardown),
	    cmocka_unit_test_setup_teardown(gives_each_command_salts_of_its_own, setup, teardown),
	    cmocka_unit_test_setup_teardown(commits_what_waits_as_one_group, setup, teardown),
	    cmocka_unit_test_setup_teardown(lets_each_command_see_those_before_it, setup, teardown),
	    cmocka_unit_test_setup_teardown(changes_nothing_where_it_refuses, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_a_conflict_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(answers_a_retry_with_the_first_index, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
