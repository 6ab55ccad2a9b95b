/* The sealer: what it hands back is guarded and published, in the order in which it was committed. */
#include "ledger_full.h"

#include <unistd.h>

#include "daemon/sealer.h"

#define WAIT_MS 20000
#define GROUPS 20

struct place {
	struct ledger_fixture fixture;
	char guard_path[80];
	struct guard *guard;
	struct head_box *box;
	struct mailbox *finished;
	struct log_signers signers;
	struct log_keys keys;
	struct sealer *sealer;
	struct mail mail[GROUPS];
	/* Of the sealer's thread, and read once it has handed the group back. */
	uint64_t sizes[GROUPS];   /* that was published when the group was about to be handed back */
	bool are_guarded[GROUPS]; /* and held by the guard, as published */
	size_t sealed_count;
};

static void on_sealed(void *cookie, const struct sealed_group *group)
{
	struct place *place = cookie;
	struct head head;

	assert_true(group->mail == &place->mail[place->sealed_count]);
	assert_int_equal(mailbox_count(place->finished), place->sealed_count);
	head_get(place->box, &head);
	place->sizes[place->sealed_count] = head.size;
	place->are_guarded[place->sealed_count] = slice_equal(head_note(&head), guard_newest(place->guard));
	place->sealed_count++;
}

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct sealer_settings settings;
	struct head head;

	ledger_setup(&place->fixture);
	ledger_fill(&place->fixture);
	assert_int_equal(log_keys_get(place->fixture.txn, &place->keys), OK);
	place->signers = (struct log_signers){.count = 1, .signers = {place->fixture.ledger_signer}};
	place->box = head_box_new();
	assert_int_equal(mailbox_new(GROUPS, &place->finished), OK);
	assert_int_equal(
	    sealer_sign(&place->signers, &place->fixture.ledger.head, &place->keys, &head, &place->fixture.why), OK);
	snprintf(place->guard_path, sizeof(place->guard_path), "%s.guard", place->fixture.folder);
	assert_int_equal(guard_create(place->guard_path, head_note(&head), &place->guard, &place->fixture.why), OK);
	ledger_leave(&place->fixture);
	settings = (struct sealer_settings){.guard = place->guard,
	    .signers = &place->signers,
	    .head = place->box,
	    .finished = place->finished,
	    .sealed = on_sealed,
	    .cookie = place};
	assert_int_equal(sealer_start(&settings, &place->sealer), OK);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	sealer_free(place->sealer);
	(void)mailbox_take(place->finished);
	mailbox_free(place->finished);
	guard_close(place->guard);
	unlink(place->guard_path);
	head_box_free(place->box);
	ledger_teardown(&place->fixture);
	free(place);
	return 0;
}

static const struct ledger_head *grow(struct ledger_head *head)
{
	const struct hash leaf = hash_sha256(slice_text("an entry"));

	frontier_append(&head->frontier, &leaf);
	head->size = head->folded = head->frontier.size;
	head->last_time_us++;
	return head;
}

/* All of them, by one or by several; the number that came. */
static size_t take_in_order(struct place *place)
{
	size_t count = 0;

	for (struct mail *mail = mailbox_take(place->finished); mail != NULL; mail = mail->next)
		assert_true(mail == &place->mail[count++]);
	return count;
}

static void hands_back_in_order_what_is_guarded_and_published(void **state)
{
	struct place *place = *state;
	struct ledger_head head = place->fixture.ledger.head;
	uint64_t sizes[GROUPS];

	for (size_t i = 0; i < GROUPS; i++) {
		const struct sealed_group group = {.mail = &place->mail[i], .record_count = 1};
		/* Each fourth was refused as a whole: nothing was committed, and yet it must not overtake. */
		bool is_committed = i % 4 != 3;

		sealer_submit(place->sealer, is_committed ? grow(&head) : NULL, &place->keys, &group);
		sizes[i] = head.size;
	}
	sealer_stop(place->sealer);
	assert_int_equal(place->sealed_count, GROUPS);
	assert_int_equal(take_in_order(place), GROUPS);
	for (size_t i = 0; i < GROUPS; i++) {
		assert_int_equal(place->sizes[i], sizes[i]);
		assert_true(place->are_guarded[i]);
	}
	assert_int_equal(guard_sequence(place->guard), 1 + GROUPS - GROUPS / 4);
}

/* A slice of a distrust is such a group: nobody waits for it. */
static void publishes_what_nobody_waits_for(void **state)
{
	struct place *place = *state;
	struct ledger_head ledger_head = place->fixture.ledger.head;
	const struct sealed_group group = {.mail = NULL};
	struct head head;

	sealer_submit(place->sealer, grow(&ledger_head), &place->keys, &group);
	sealer_stop(place->sealer);
	sealer_stop(place->sealer); /* that changes nothing */
	head_get(place->box, &head);
	assert_int_equal(head.size, ledger_head.size);
	assert_true(slice_equal(head_note(&head), guard_newest(place->guard)));
	assert_int_equal(place->sealed_count, 0);
	assert_int_equal(mailbox_count(place->finished), 0);
}

/* The head that it was given is its own from then on: the writer is at the next one. */
static void keeps_what_it_was_given(void **state)
{
	struct place *place = *state;
	struct ledger_head ledger_head = place->fixture.ledger.head;
	struct log_keys keys = place->keys;
	const struct sealed_group group = {.mail = &place->mail[0]};
	uint64_t size = grow(&ledger_head)->size;

	sealer_submit(place->sealer, &ledger_head, &keys, &group);
	memset(&ledger_head, 0xff, sizeof(ledger_head));
	memset(&keys, 0xff, sizeof(keys));
	assert_true(mailbox_wait(place->finished, WAIT_MS) == &place->mail[0]);
	assert_int_equal(place->sizes[0], size);
	assert_true(place->are_guarded[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(hands_back_in_order_what_is_guarded_and_published, setup, teardown),
	    cmocka_unit_test_setup_teardown(publishes_what_nobody_waits_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(keeps_what_it_was_given, setup, teardown),
	};

	return key_global_init() == OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
