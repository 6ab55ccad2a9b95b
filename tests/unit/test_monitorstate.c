/* What a monitor remembers: whole, alone, and on disk before anything is done with it. */
#include "client/monitorstate.h"

#include <sys/stat.h>

#include "client/file.h"
#include "key_fixture.h"
#include "tests/unit/folder.h"

#define LEDGER_ID "00112233aabbccdd"
#define NOTE                                                                                                           \
	CHECKPOINT_TEXT                                                                                                \
	"\n\xe2\x80\x94 " LOG_NAME                                                                                     \
	" qm3qARJhljcAQuteB58xeuD/Kee8yLLAhWZCIc/zWIUxWk+MraNXf14twKlk728wYlKjR71OJwV8CvnUx0jTiBWZuwQ=\n"

static char *folder_new(void)
{
	char *folder = strdup("/tmp/subsidy-monitorstate-XXXXXX");

	assert_non_null(folder);
	assert_non_null(mkdtemp(folder));
	return folder;
}

static void folder_end(char *folder)
{
	folder_remove(folder);
	free(folder);
}

static struct monitorstate *open_state(const char *folder)
{
	struct monitorstate *state = NULL;
	struct why why = {""};

	if (monitorstate_open(folder, LEDGER_ID, &state, &why) != OK)
		fail_msg("%s", why.text);
	return state;
}

static struct key key_of(unsigned number)
{
	uint8_t secret[32] = {1, (uint8_t)number};
	struct signer *signer;
	struct key key;

	assert_int_equal(signer_from_secret(KEY_COSIGNATURE, slice_text("w.example"), secret, &signer), OK);
	key = *signer_key(signer);
	signer_free(signer);
	return key;
}

static void take(struct monitorstate *state, uint64_t seen_s)
{
	struct kept_head head;
	struct why why = {""};
	struct key ledger;

	kept_head_init(&head);
	assert_int_equal(key_parse(slice_text(LOG_VKEY), &ledger), OK);
	assert_int_equal(kept_read_head(slice_text(NOTE), &ledger, &head, &why), OK);
	if (monitorstate_take(state, &head, seen_s, &why) != OK)
		fail_msg("%s", why.text);
	kept_head_done(&head);
}

static void begins_empty_and_remembers(void **cmocka_state)
{
	char *folder = folder_new();
	struct monitorstate *state = open_state(folder);
	struct key first = key_of(1), second = key_of(2);

	(void)cmocka_state;
	assert_null(monitorstate_head(state));
	assert_int_equal(monitorstate_seen_s(state), 0);
	assert_int_equal(monitorstate_witness(state, &first), 0);
	monitorstate_close(state);
	state = open_state(folder);
	assert_null(monitorstate_head(state));

	monitorstate_set_witness(state, &first, 7);
	take(state, 1234);
	/* What is not taken with a head is not kept. */
	monitorstate_set_witness(state, &first, 8);
	monitorstate_close(state);
	state = open_state(folder);
	assert_non_null(monitorstate_head(state));
	assert_int_equal(monitorstate_head(state)->checkpoint.size, 8);
	assert_int_equal(monitorstate_head(state)->note.size, strlen(NOTE));
	assert_memory_equal(monitorstate_head(state)->note.data, NOTE, strlen(NOTE));
	assert_int_equal(monitorstate_seen_s(state), 1234);
	assert_int_equal(monitorstate_witness(state, &first), 7);
	assert_int_equal(monitorstate_witness(state, &second), 0);
	monitorstate_close(state);
	folder_end(folder);
}

/* Forgetting costs a question; a file that grows with every policy file ever used would cost more. */
static void remembers_so_many_witnesses_and_no_more(void **cmocka_state)
{
	char *folder = folder_new();
	struct monitorstate *state = open_state(folder);
	struct key key;

	(void)cmocka_state;
	for (unsigned i = 0; i < TRUST_WITNESSES_MAX; i++) {
		key = key_of(i);
		monitorstate_set_witness(state, &key, i + 1);
	}
	key = key_of(0);
	monitorstate_set_witness(state, &key, 100);
	for (unsigned i = 1; i < TRUST_WITNESSES_MAX; i++) {
		key = key_of(i);
		assert_int_equal(monitorstate_witness(state, &key), i + 1);
	}
	key = key_of(TRUST_WITNESSES_MAX);
	monitorstate_set_witness(state, &key, 5);
	assert_int_equal(monitorstate_witness(state, &key), 5);
	take(state, 1);
	monitorstate_close(state);
	state = open_state(folder);
	assert_int_equal(monitorstate_witness(state, &key), 5);
	key = key_of(0);
	assert_int_equal(monitorstate_witness(state, &key), 0);
	monitorstate_close(state);
	folder_end(folder);
}

static void locks_a_second_one_out(void **cmocka_state)
{
	char *folder = folder_new();
	struct monitorstate *state = open_state(folder), *other = NULL;
	struct why why = {""};
	struct stat stat_of;
	char *path = NULL;

	(void)cmocka_state;
	assert_int_equal(monitorstate_open(folder, LEDGER_ID, &other, &why), ERR_LOCKED);
	assert_non_null(strstr(why.text, "another monitor"));
	/* Of another ledger it is another matter. */
	assert_int_equal(monitorstate_open(folder, "ffffffffffffffff", &other, &why), OK);
	monitorstate_close(other);
	take(state, 1);
	assert_true(asprintf(&path, "%s/state", monitorstate_folder(state)) > 0);
	assert_int_equal(stat(path, &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 077, 0);
	free(path);
	monitorstate_close(state);
	monitorstate_close(open_state(folder));
	folder_end(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begins_empty_and_remembers),
	    cmocka_unit_test(remembers_so_many_witnesses_and_no_more),
	    cmocka_unit_test(locks_a_second_one_out),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
