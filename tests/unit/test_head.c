/* The published head: signed as a checkpoint, and read whole while it is being replaced. */
#include "ledger_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/head.h"

#define ROUNDS 20000

static void signs_a_checkpoint_of_size_and_root(void **state)
{
	struct signer *signer = ledger_make_signer(KEY_ED25519, FIXTURE_ORIGIN, 100);
	struct head head = {.size = 12345, .root = hash_empty(), .time_us = 7};
	struct checkpoint checkpoint;
	struct note note;
	struct why why;
	uint64_t signed_by;

	(void)state;
	assert_int_equal(head_sign(&head, FIXTURE_ORIGIN, &signer, 1), OK);
	assert_int_equal(note_parse(head_note(&head), &note, &why), OK);
	assert_int_equal(note_verify(&note, signer_key(signer), 1, &signed_by), OK);
	assert_int_equal(checkpoint_parse(note.text, &checkpoint, &why), OK);
	assert_string_equal(checkpoint.origin, FIXTURE_ORIGIN);
	assert_int_equal(checkpoint.size, 12345);
	assert_memory_equal(&checkpoint.root, &head.root, sizeof(head.root));
	signer_free(signer);
}

static enum err fail_to_sign(void *cookie, struct slice message, uint8_t *ret_signature, size_t *ret_size)
{
	(void)cookie;
	(void)message;
	(void)ret_signature;
	(void)ret_size;
	return ERR_IO;
}

static void free_nothing(void *cookie)
{
	(void)cookie;
}

static void tells_what_the_signer_says(void **state)
{
	static const struct signer_ops ops = {fail_to_sign, free_nothing};
	struct key key = fixture_key(KEY_ED25519, FIXTURE_ORIGIN, 1);
	struct signer *signer = signer_new(&key, &ops, NULL);
	struct head head = {.size = 1, .note_size = 3};

	(void)state;
	assert_int_equal(head_sign(&head, FIXTURE_ORIGIN, &signer, 1), ERR_IO);
	assert_int_equal(head.note_size, 3);
	signer_free(signer);
}

static void begins_empty_and_gives_the_newest(void **state)
{
	struct head_box *box = head_box_new();
	struct head head = {.size = 5, .time_us = 6, .note_size = 2, .note = "ab"}, found;

	(void)state;
	head_get(box, &found);
	assert_int_equal(found.size, 0);
	assert_int_equal(found.note_size, 0);
	head_publish(box, &head);
	head_get(box, &found);
	assert_int_equal(found.size, 5);
	assert_int_equal(found.time_us, 6);
	assert_true(slice_equal(head_note(&found), slice_text("ab")));
	head.size = 9;
	head_publish(box, &head);
	head_get(box, &found);
	assert_int_equal(found.size, 9);
	head_box_free(box);
	head_box_free(NULL);
}

struct race {
	struct head_box *box;
	atomic_bool is_over;
};

/* Each head is filled with one byte, so that a torn one shows. */
static void *publish(void *cookie)
{
	struct race *race = cookie;
	struct head head = {.note_size = CHECKPOINT_SIZE_MAX};

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		head.size = i;
		memset(head.note, (int)(i & 0xff), sizeof(head.note));
		head_publish(race->box, &head);
	}
	atomic_store(&race->is_over, true);
	return NULL;
}

static void is_never_read_half(void **state)
{
	struct race race = {.box = head_box_new()};
	struct head head;
	uint64_t last = 0;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, publish, &race), 0);
	while (!atomic_load(&race.is_over)) {
		head_get(race.box, &head);
		assert_true(head.size >= last);
		last = head.size;
		for (size_t i = 0; i < head.note_size; i++)
			if (head.note[i] != (uint8_t)(head.size & 0xff))
				fail_msg("byte %zu of head %llu is another's", i, (unsigned long long)head.size);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	head_get(race.box, &head);
	assert_int_equal(head.size, ROUNDS);
	head_box_free(race.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(signs_a_checkpoint_of_size_and_root),
	    cmocka_unit_test(tells_what_the_signer_says),
	    cmocka_unit_test(begins_empty_and_gives_the_newest),
	    cmocka_unit_test(is_never_read_half),
	};
	return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
