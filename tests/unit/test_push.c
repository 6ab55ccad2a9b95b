/* Pushing, against the ledger of push_ledger.h: what is sent, sent again, believed and refused. */
#include "client/push.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/commands.h"
#include "client/file.h"
#include "tests/unit/client_fixture.h"
#include "tests/unit/push_ledger.h"

static char *path_of(const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", ledger.folder, name) > 0);
	return path;
}

static void key_write(const char *name, const struct signer *signer)
{
	char *path = path_of(name);
	struct buf text;

	buf_init(&text, 1000);
	assert_int_equal(signer_format(signer, &text), OK);
	assert_int_equal(file_create(path, buf_slice(&text), 0600, NULL), OK);
	buf_done(&text);
	free(path);
}

static struct signer *signer_make(const char *name, uint8_t first)
{
	uint8_t secret[32] = {first};
	struct signer *signer = NULL;

	assert_int_equal(signer_from_secret(KEY_ED25519, slice_text(name), secret, &signer), OK);
	return signer;
}

static int begin(void **state)
{
	(void)state;
	memset(&ledger, 0, sizeof(ledger));
	if (key_global_init() != OK)
		return -1;
	ledger.id = LEDGER_ID;
	ledger.key = signer_make(ORIGIN, 1);
	ledger.venue = signer_make("qddex", 2);
	ledger.stranger = signer_make("qddex", 3);
	ledger.folder = fixture_folder();
	ledger.leaves[0] = hash_leaf(slice_of("", 0));
	ledger.entry_count = 1;
	buf_init(&ledger.note, NOTE_SIZE_MAX);
	buf_init(&ledger.first_body, PUSH_SIZE_MAX);
	key_write("key", ledger.venue);
	key_write("other-key", ledger.stranger);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ledger.record_count; i++)
		fixture_free(ledger.records[i]);
	for (size_t i = 1; i < ledger.entry_count; i++)
		buf_done(&ledger.entries[i]);
	buf_done(&ledger.first_body);
	buf_done(&ledger.note);
	signer_free(ledger.key);
	signer_free(ledger.venue);
	signer_free(ledger.stranger);
	fixture_folder_remove(ledger.folder);
	return 0;
}

#define HEAD "kind,amount,tax,adjust_no,original_trade_no,occurred_on,reason_code\n"

/* `subsidy push` of the folder's file.csv, three rows a push; with `is_check` only a look at it. */
static enum exit_code command_run(const char *key, bool is_check)
{
	static const struct option key_option = {"key", "FILE", "", false}, rows_option = {"rows", "N", "", false};
	static const struct option check_option = {"check", NULL, "", false};
	struct args *args = calloc(1, sizeof(*args));
	char *file_path = path_of("file.csv"), *key_path = path_of(key), *state = path_of("state");
	struct settings settings = {.state = state, .is_json = true};
	enum exit_code code;

	assert_non_null(args);
	settings.server = strdup("https://ledger.example");
	args->word_count = 2;
	args->words[0] = "qddex";
	args->words[1] = file_path;
	args->value_count = is_check ? 3 : 2;
	args->values[0].option = &key_option;
	args->values[0].text = key_path;
	args->values[1].option = &rows_option;
	args->values[1].text = "3";
	args->values[2].option = &check_option;
	args->values[2].text = "";
	code = cmd_push.run(&settings, args);
	free(settings.server);
	free(state);
	free(key_path);
	free(file_path);
	free(args);
	return code;
}

static FILE *file_begin(void)
{
	char *path = path_of("file.csv");
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(HEAD, file);
	free(path);
	return file;
}

/* Refunds A-first..A-last. */
static enum exit_code push_with(const char *key, unsigned first, unsigned last, const char *reason)
{
	FILE *file = file_begin();

	for (unsigned i = first; i <= last; i++)
		fprintf(file, "refund,1,0,A-%u,T-1,2025-01-01,%s\n", i, reason);
	fclose(file);
	return command_run(key, false);
}

/* Refunds in words of a number and a reason, "1x 2x 1y"; what the command printed, NULL where that is nothing. */
static enum exit_code words_push(const char *words, bool is_check, json_t **ret_printed)
{
	FILE *file = file_begin(), *printed = tmpfile();
	int saved = dup(STDOUT_FILENO);
	enum exit_code code;

	for (const char *at = words; *at != '\0'; at += at[2] == '\0' ? 2 : 3)
		fprintf(file, "refund,1,0,A-%c,T-1,2025-01-01,%c\n", at[0], at[1]);
	fclose(file);
	assert_non_null(printed);
	assert_true(saved >= 0 && fflush(stdout) == 0 && dup2(fileno(printed), STDOUT_FILENO) >= 0);
	code = command_run("key", is_check);
	assert_true(fflush(stdout) == 0 && dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(printed);
	*ret_printed = json_loadf(printed, 0, NULL);
	fclose(printed);
	return code;
}

static void assert_printed(json_t *printed, json_int_t new_count, json_int_t skipped_count, const char *warnings)
{
	char *text = json_dumps(json_object_get(printed, "warnings"), JSON_COMPACT | JSON_SORT_KEYS);

	assert_int_equal(json_integer_value(json_object_get(printed, "new")), new_count);
	assert_int_equal(json_integer_value(json_object_get(printed, "skipped")), skipped_count);
	assert_non_null(text);
	assert_string_equal(text, warnings);
	free(text);
	json_decref(printed);
}

static enum exit_code push(unsigned first, unsigned last)
{
	return push_with("key", first, last, "x");
}

static size_t receipt_count(void)
{
	char *path = path_of("state/" LEDGER_ID "/qddex/receipts");
	DIR *folder = opendir(path);
	size_t count = 0;

	assert_non_null(folder);
	for (struct dirent *file; (file = readdir(folder)) != NULL;)
		count += file->d_name[0] != '.';
	closedir(folder);
	free(path);
	return count;
}

static void state_lose(void)
{
	char *path = path_of("state/" LEDGER_ID);

	fixture_remove(path);
	free(path);
}

static void pushes_in_parts_and_skips_what_is_there(void **state)
{
	(void)state;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.record_count, 7);
	assert_int_equal(ledger.push_count, 3);
	assert_int_equal(receipt_count(), 3);
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
	assert_int_equal(push(5, 8), EXIT_OK);
	assert_int_equal(ledger.push_count, 4);
	assert_int_equal(ledger.record_count, 8);
	assert_int_equal(ledger.check_count, 4);
}

static void sends_the_same_bytes_again_when_an_answer_is_lost(void **state)
{
	(void)state;
	ledger.mischief = LOSES_ANSWER;
	ledger.mischief_count = 3; /* the check, and two pushes */
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
	assert_true(ledger.was_same_body);
	assert_int_equal(ledger.record_count, 2);
	assert_int_equal(ledger.sleep_count, 2);
	assert_int_equal(receipt_count(), 1);
}

static void gives_up_after_a_while_and_begins_with_the_same_bytes(void **state)
{
	(void)state;
	ledger.mischief = LOSES_ANSWER;
	assert_int_equal(push(1, 2), EXIT_UNREACHABLE);
	assert_int_equal(ledger.push_count, CLIENT_TRIES_MAX);
	ledger.mischief = HONEST;
	assert_int_equal(push(3, 3), EXIT_OK);
	assert_int_equal(ledger.push_count, CLIENT_TRIES_MAX + 2);
	assert_int_equal(ledger.record_count, 3);
	assert_int_equal(receipt_count(), 2);
}

static void waits_for_a_busy_ledger(void **state)
{
	(void)state;
	ledger.mischief = IS_BUSY;
	ledger.mischief_count = 3;
	assert_int_equal(push(1, 1), EXIT_OK);
	assert_int_equal(ledger.sleep_count, 2);
	ledger.mischief = IS_DOWN;
	assert_int_equal(push(2, 2), EXIT_UNREACHABLE);
}

/* Whatever the ledger asks for. */
static void waits_no_longer_than_it_promises(void **state)
{
	(void)state;
	for (unsigned wait_s = CLIENT_WAIT_MAX_S - 1; wait_s <= CLIENT_WAIT_MAX_S + 1; wait_s++) {
		ledger.mischief = IS_BUSY;
		ledger.mischief_count = 2;
		ledger.retry_after_s = wait_s;
		ledger.slept_s = 0;
		assert_int_equal(push(wait_s, wait_s), EXIT_OK);
		assert_int_equal(ledger.slept_s, wait_s < CLIENT_WAIT_MAX_S ? wait_s : CLIENT_WAIT_MAX_S);
	}
}

static void signs_nothing_when_a_number_comes_with_other_content(void **state)
{
	(void)state;
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_int_equal(push_with("key", 2, 4, "y"), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 1);
	assert_int_equal(ledger.check_count, 1);
}

#define WARNING_4 "[{\"first_row\":2,\"number\":\"A-1\",\"row\":4}]"
#define WARNING_5 "{\"first_row\":2,\"number\":\"A-1\",\"row\":5}"

static void pushes_a_number_that_repeats_and_skips_it_the_next_time(void **state)
{
	static const char *const files[] = {"1x 2x 1y", "1x 2x 1x"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		json_t *printed;

		assert_int_equal(words_push(files[i], false, &printed), EXIT_OK);
		assert_int_equal(ledger.record_count, 3);
		assert_printed(printed, 3, 0, WARNING_4);
		assert_int_equal(words_push(files[i], false, &printed), EXIT_OK);
		assert_int_equal(ledger.record_count, 3);
		assert_printed(printed, 0, 3, "[]");
		end(state);
		begin(state);
	}
}

static void goes_on_between_two_rows_of_a_number(void **state)
{
	json_t *printed;

	(void)state;
	/* The first push's answer is lost for good: three of the four rows are in the feed, unknown to the client. */
	ledger.mischief = LOSES_ANSWER;
	assert_int_equal(words_push("1x 2x 3x 1y", false, &printed), EXIT_UNREACHABLE);
	json_decref(printed);
	assert_int_equal(ledger.record_count, 3);
	ledger.mischief = HONEST;
	assert_int_equal(words_push("1x 2x 3x 1y", false, &printed), EXIT_OK);
	assert_int_equal(ledger.record_count, 4);
	assert_printed(printed, 1, 3, "[" WARNING_5 "]");
	assert_int_equal(words_push("1x 2x 3x 1y", false, &printed), EXIT_OK);
	assert_int_equal(ledger.record_count, 4);
	assert_printed(printed, 0, 4, "[]");
}

static void warns_when_it_only_looks_at_the_file(void **state)
{
	json_t *printed;

	(void)state;
	assert_int_equal(words_push("1x 2x 1y 1x", true, &printed), EXIT_OK);
	assert_int_equal(json_integer_value(json_object_get(printed, "rows")), 4);
	assert_int_equal(json_integer_value(json_object_get(printed, "warning_count")), 2);
	assert_printed(printed, 0, 0, "[{\"first_row\":2,\"number\":\"A-1\",\"row\":4}," WARNING_5 "]");
	assert_int_equal(ledger.check_count, 0);
}

static void signs_nothing_when_the_check_finds_a_record_bad(void **state)
{
	(void)state;
	ledger.mischief = FINDS_RECORD_BAD;
	assert_int_equal(push(1, 3), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 0);
	ledger.mischief = HONEST;
	assert_int_equal(push(1, 3), EXIT_OK);
}

static void forgets_a_refused_push(void **state)
{
	(void)state;
	ledger.mischief = FORGETS_VENUE;
	assert_int_equal(push(1, 2), EXIT_NOT_ALLOWED);
	assert_int_equal(ledger.push_count, 1);
	ledger.mischief = HONEST;
	assert_int_equal(push(3, 4), EXIT_OK);
	assert_int_equal(ledger.push_count, 2);
	assert_int_equal(ledger.record_count, 2);
}

static void believes_no_forged_receipt(void **state)
{
	(void)state;
	ledger.mischief = FORGES_RECEIPT;
	assert_int_equal(push(1, 2), EXIT_UNVERIFIED);
	assert_int_equal(receipt_count(), 0);
	ledger.mischief = HONEST;
	/* The state had not moved: the push is still pending, and is answered truly now. */
	assert_int_equal(push(1, 2), EXIT_OK);
	assert_true(ledger.was_same_body);
	assert_int_equal(receipt_count(), 1);
}

static void notices_another_ledger_at_the_same_address(void **state)
{
	(void)state;
	assert_int_equal(push(1, 1), EXIT_OK);
	signer_free(ledger.key);
	ledger.key = signer_make(ORIGIN, 9);
	assert_int_equal(push(2, 2), EXIT_UNVERIFIED);
	assert_int_equal(ledger.push_count, 1);
}

static void notices_another_ledger_of_the_same_key(void **state)
{
	(void)state;
	assert_int_equal(push(1, 1), EXIT_OK);
	ledger.id = "ffeeddccbbaa9988";
	assert_int_equal(push(2, 2), EXIT_UNVERIFIED);
	assert_int_equal(ledger.push_count, 1);
	ledger.id = LEDGER_ID;
	assert_int_equal(push(2, 2), EXIT_OK);
}

static void refuses_to_fork_a_feed_it_does_not_know(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	/* Other rows, and no access code to see what is there. */
	assert_int_equal(push(6, 6), EXIT_REFUSED);
	assert_int_equal(ledger.push_count, 2);
}

static void builds_its_state_anew_from_the_ledger(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	ledger.has_token = true;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.record_count, 7);
	assert_int_equal(ledger.push_count, 3);
	/* And what was fetched is there the next time. */
	ledger.has_token = false;
	assert_int_equal(push(1, 7), EXIT_OK);
	assert_int_equal(ledger.push_count, 3);
}

static void extends_no_history_that_is_not_its_own(void **state)
{
	struct checkpoint checkpoint = {.size = 5};

	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	state_lose();
	ledger.has_token = true;
	/* Records that are not those of the note. */
	ledger.is_tampering = true;
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED);
	ledger.is_tampering = false;
	/* A key that did not sign the feed. */
	assert_int_equal(push_with("other-key", 6, 6, "x"), EXIT_UNVERIFIED);
	/* A note by a stranger over the true records. */
	feed_origin_format("qddex", LEDGER_ID, 1, checkpoint.origin);
	checkpoint.root = feed_root(5);
	buf_done(&ledger.note);
	note_make(&checkpoint, ledger.stranger, &ledger.note);
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED);
	assert_int_equal(ledger.push_count, 2);
}

static void notices_that_acknowledged_records_are_gone(void **state)
{
	(void)state;
	assert_int_equal(push(1, 5), EXIT_OK);
	fixture_free(ledger.records[--ledger.record_count]);
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED); /* the check says: a gap */
	ledger.has_token = true;
	assert_int_equal(push(6, 6), EXIT_UNVERIFIED); /* the feed is shorter */
	assert_int_equal(ledger.check_count, 3);
	assert_int_equal(ledger.push_count, 2);
}

static void notices_that_acknowledged_records_have_changed(void **state)
{
	(void)state;
	assert_int_equal(push(1, 3), EXIT_OK);
	fixture_free(ledger.records[1]);
	ledger.records[1] = fixture_record("T-9", "100");
	assert_int_equal(push(4, 4), EXIT_UNVERIFIED); /* the check wants another root */
	ledger.has_token = true;
	assert_int_equal(push(4, 4), EXIT_UNVERIFIED); /* seen before anything is asked of it */
	assert_int_equal(ledger.check_count, 2);
	assert_int_equal(ledger.push_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(pushes_in_parts_and_skips_what_is_there),
	    TEST(sends_the_same_bytes_again_when_an_answer_is_lost),
	    TEST(gives_up_after_a_while_and_begins_with_the_same_bytes),
	    TEST(waits_for_a_busy_ledger),
	    TEST(waits_no_longer_than_it_promises),
	    TEST(signs_nothing_when_a_number_comes_with_other_content),
	    TEST(pushes_a_number_that_repeats_and_skips_it_the_next_time),
	    TEST(goes_on_between_two_rows_of_a_number),
	    TEST(warns_when_it_only_looks_at_the_file),
	    TEST(signs_nothing_when_the_check_finds_a_record_bad),
	    TEST(forgets_a_refused_push),
	    TEST(believes_no_forged_receipt),
	    TEST(notices_another_ledger_at_the_same_address),
	    TEST(notices_another_ledger_of_the_same_key),
	    TEST(refuses_to_fork_a_feed_it_does_not_know),
	    TEST(builds_its_state_anew_from_the_ledger),
	    TEST(extends_no_history_that_is_not_its_own),
	    TEST(notices_that_acknowledged_records_are_gone),
	    TEST(notices_that_acknowledged_records_have_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
