/*
 * The writer with a real store, guard file and mailbox, and a clock that the test sets: both clocks are here, in place of
 * the daemon's.
 */
#ifndef TESTS_UNIT_WRITER_BENCH_H
#define TESTS_UNIT_WRITER_BENCH_H

#include "ledger_full.h"

#include <stdatomic.h>

#include "daemon/clock.h"
#include "daemon/writer.h"

#define WAIT_MS 20000
#define COMMANDS_MAX (COMMANDS_WAITING_MAX + 8)

static _Atomic uint64_t wall_us, monotonic_us;

uint64_t clock_now_us(void)
{
	return atomic_load(&wall_us);
}

uint64_t clock_monotonic_us(void)
{
	return atomic_load(&monotonic_us);
}

/* One command with all that belongs to it. */
struct job {
	struct command command;
	struct ingest ingest;
	struct order_plan plan;
	struct buf bytes; /* push body or order note */
};

struct bench {
	struct ledger_fixture fixture;
	char guard_path[80];
	struct guard *guard;
	struct head_box *box;
	struct mailbox *finished;
	struct writer *writer;
	struct signer *venue_signer;
	struct log_signers signers;
	struct hash leaves[64];
	struct store_txn *block; /* keeps the writer from writing */
	struct job jobs[COMMANDS_MAX];
	size_t job_count;
	uint64_t slice_trades_max, slice_look_max; /* of the next start; 0: as ever */
};

static char a[USCI_SIZE + 1], b[USCI_SIZE + 1];
static struct record trades[16];

static inline void start(struct bench *bench)
{
	struct writer_settings settings = {.store = bench->fixture.store,
	    .guard = bench->guard,
	    .signers = &bench->signers,
	    .head = bench->box,
	    .finished = bench->finished,
	    .slice_trades_max = bench->slice_trades_max,
	    .slice_look_max = bench->slice_look_max};

	bench->signers = (struct log_signers){.count = 1, .signers = {bench->fixture.ledger_signer}};
	if (writer_open_head(settings.store, settings.guard, settings.signers, settings.head, &bench->fixture.why) != OK)
		fail_msg("%s", bench->fixture.why.text);
	assert_int_equal(writer_start(&settings, &bench->writer), OK);
}

static inline void stop(struct bench *bench)
{
	writer_stop(bench->writer);
	writer_free(bench->writer);
	bench->writer = NULL;
}

/* A ledger with one venue and five records of it, open for service. */
static inline int setup(void **state)
{
	static const char *const numbers[16] = {
	    "T0", "T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "TA", "TB", "TC", "TD", "TE", "TF"};
	struct bench *bench = calloc(1, sizeof(*bench));

	fixture_code(1, a);
	fixture_code(2, b);
	for (size_t i = 0; i < 16; i++)
		trades[i] = ledger_trade(numbers[i], a, b, 1000 + i);
	ledger_setup(&bench->fixture);
	bench->venue_signer = ledger_license(&bench->fixture, KEY_ED25519, "qddex");
	ledger_push(&bench->fixture, bench->venue_signer, "qddex", bench->leaves, 0, trades, 5);
	for (size_t i = 0; i < 16; i++)
		bench->leaves[i] = ledger_leaf_of(&trades[i]);
	ledger_leave(&bench->fixture);
	ledger_make_guard(&bench->fixture, bench->guard_path, &bench->guard);
	atomic_store(&wall_us, LEDGER_NOW_US + 3600ULL * 1000000);
	atomic_store(&monotonic_us, 1000);
	bench->box = head_box_new();
	assert_int_equal(mailbox_new(2 * COMMANDS_WAITING_MAX, &bench->finished), OK);
	start(bench);
	*state = bench;
	return 0;
}

static inline void free_jobs(struct bench *bench)
{
	for (size_t i = 0; i < bench->job_count; i++) {
		if (bench->jobs[i].command.kind == COMMAND_PUSH)
			ingest_done(&bench->jobs[i].ingest);
		else
			order_plan_done(&bench->jobs[i].plan);
		buf_done(&bench->jobs[i].bytes);
	}
	bench->job_count = 0;
}

static inline int teardown(void **state)
{
	struct bench *bench = *state;

	store_abort(bench->block);
	if (bench->writer != NULL)
		stop(bench);
	(void)mailbox_take(bench->finished);
	mailbox_free(bench->finished);
	head_box_free(bench->box);
	guard_close(bench->guard);
	unlink(bench->guard_path);
	free_jobs(bench);
	signer_free(bench->venue_signer);
	ledger_teardown(&bench->fixture);
	free(bench);
	return 0;
}

static inline struct job *add_job(struct bench *bench, enum command_kind kind)
{
	struct job *job = &bench->jobs[bench->job_count++];

	assert_true(bench->job_count <= COMMANDS_MAX);
	job->command = (struct command){.kind = kind, .ingest = &job->ingest, .plan = &job->plan, .err = ERR_COUNT};
	buf_init(&job->bytes, PUSH_SIZE_MAX);
	return job;
}

static inline struct job *push_job(struct bench *bench, const struct ledger_push *push)
{
	struct job *job = add_job(bench, COMMAND_PUSH);

	ledger_push_body(&bench->fixture, push, &job->bytes);
	ingest_init(&job->ingest, push->venue, buf_slice(&job->bytes), false);
	assert_int_equal(ingest_decode(&job->ingest, &bench->fixture.why), OK);
	return job;
}

static inline struct job *trades_job(struct bench *bench, uint64_t start_index, size_t count)
{
	return push_job(bench, &(struct ledger_push){.signer = bench->venue_signer,
				   .venue = "qddex",
				   .start = start_index,
				   .records = trades + start_index,
				   .record_count = count,
				   .earlier = bench->leaves});
}

static inline struct job *order_job(struct bench *bench, struct ledger_order order)
{
	struct job *job = add_job(bench, COMMAND_ORDER);

	ledger_order_note(&bench->fixture, &order, &job->bytes);
	order_plan_init(&job->plan, buf_slice(&job->bytes), NULL, 0);
	assert_int_equal(order_plan_decode(&job->plan, &bench->fixture.why), OK);
	return job;
}

static inline struct job *license_job(struct bench *bench, const char *venue)
{
	struct signer *signer = ledger_make_signer(KEY_ED25519, venue, 300);
	char vkey[KEY_VKEY_SIZE];

	key_format(signer_key(signer), vkey);
	signer_free(signer);
	return order_job(bench, (struct ledger_order){.type = ORDER_VENUE_LICENSE,
				    .body = json_pack("{s:s,s:s,s:[s]}", "venue", venue, "name", "V", "keys", vkey),
				    .signers = {1 + OFFICER_LI, 1 + OFFICER_ZHAO}});
}

static inline void submit(struct bench *bench, struct job *job)
{
	assert_int_equal(writer_submit(bench->writer, &job->command), OK);
}

/* Waits until so many commands came back; they must come in the order of the jobs from `first` on. */
static inline void receive(struct bench *bench, size_t first, size_t count)
{
	while (count > 0) {
		struct mail *mail = mailbox_wait(bench->finished, WAIT_MS);

		assert_non_null(mail);
		for (; mail != NULL; mail = mail->next) {
			assert_ptr_equal(mail_of(mail, struct command, mail), &bench->jobs[first++].command);
			assert_true(count-- > 0);
		}
	}
}

static inline enum err run(struct bench *bench, struct job *job)
{
	submit(bench, job);
	receive(bench, (size_t)(job - bench->jobs), 1);
	return job->command.err;
}

/* The writer takes this command and then waits for the store, until `unblock`; what comes meanwhile is one group. */
static inline void block(struct bench *bench, struct job *job)
{
	struct writer_counts counts;

	assert_int_equal(store_write(bench->fixture.store, &bench->block), OK);
	submit(bench, job);
	do {
		usleep(1000);
		writer_counts(bench->writer, &counts);
	} while (counts.waiting > 0);
}

static inline void unblock(struct bench *bench)
{
	store_abort(bench->block);
	bench->block = NULL;
}

static inline struct head current_head(struct bench *bench)
{
	struct head head;

	head_get(bench->box, &head);
	return head;
}

static inline struct hash current_digest(struct bench *bench)
{
	struct store_txn *txn;
	struct hash digest;

	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	digest = ledger_digest(txn);
	store_abort(txn);
	return digest;
}

/* Is the head a signed checkpoint of what is stored, and in the guard? */
static inline void expect_head(struct bench *bench, uint64_t size)
{
	struct head head = current_head(bench);
	struct checkpoint checkpoint;
	struct ledger_head stored;
	struct store_txn *txn;
	struct note note;
	struct hash root;
	uint64_t signed_by;

	assert_int_equal(head.size, size);
	assert_true(slice_equal(head_note(&head), guard_newest(bench->guard)));
	assert_int_equal(note_parse(head_note(&head), &note, NULL), OK);
	assert_int_equal(note_verify(&note, signer_key(bench->fixture.ledger_signer), 1, &signed_by), OK);
	assert_int_equal(checkpoint_parse(note.text, &checkpoint, NULL), OK);
	assert_string_equal(checkpoint.origin, FIXTURE_ORIGIN);
	assert_int_equal(checkpoint.size, size);
	assert_int_equal(store_read(bench->fixture.store, &txn), OK);
	assert_int_equal(ledger_read_head(txn, &stored), OK);
	assert_int_equal(stored.size, size);
	assert_int_equal(stored.last_time_us, head.time_us);
	root = frontier_root(&stored.frontier);
	assert_memory_equal(&root, &checkpoint.root, sizeof(root));
	store_abort(txn);
}

#endif
