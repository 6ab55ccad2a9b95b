/* What a replay gives of the fixture's ledger. */
#ifndef TESTS_UNIT_REPLAY_FIXTURE_H
#define TESTS_UNIT_REPLAY_FIXTURE_H

#include "ledger_fixture.h"

#include "daemon/replay.h"

/* Each entry made by itself once more; where all is well, every row of every database must be the same. */
static inline enum err ledger_replay(struct ledger_fixture *fixture, struct why *why)
{
	struct ledger_head head;
	struct finding finding = {.kind = FINDING_NONE};
	struct replay_task task = {.original = fixture->txn, .head = &head};
	char folder[] = "/tmp/subsidyd-test-XXXXXX";
	struct hash digest = ledger_digest(fixture->txn), again;
	struct replay_counts counts;
	struct store_txn *txn;
	enum err err;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(store_open(folder, LEDGER_MAP_SIZE, STORE_SCRATCH, &task.scratch, why), OK);
	assert_int_equal(ledger_read_head(task.original, &head), OK);
	task.size = head.size;
	err = replay_run(&task, &counts, &finding);
	*why = finding.why;
	if (err == OK) {
		assert_int_equal(store_read(task.scratch, &txn), OK);
		store_borrow_entries(txn, task.original);
		again = ledger_digest(txn);
		store_abort(txn);
		assert_memory_equal(&digest, &again, sizeof(digest));
	}
	store_close(task.scratch);
	ledger_remove_folder(folder);
	return err;
}

#endif
