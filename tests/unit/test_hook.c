/* The command of an alarm: what it is told, and that it ends. */
#include "client/hook.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "client/file.h"
#include "tests/unit/client_fixture.h"

static const struct hook_alarm alarm_fork = {.name = "fork", .evidence_path = "/e v", .origin = "ledger.example/一"};

static bool run(unsigned timeout_s, const char *format, const char *folder)
{
	char *command = NULL;
	bool is_good;

	assert_true(asprintf(&command, "cd '%s' && %s", folder, format) > 0);
	is_good = hook_run(command, &alarm_fork, timeout_s);
	free(command);
	return is_good;
}

static void expect_file(const char *folder, const char *name, const char *content)
{
	struct why why = {""};
	char *path = NULL;
	struct buf bytes;

	buf_init(&bytes, 4096);
	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	if (file_read(path, &bytes, &why) != OK)
		fail_msg("%s", why.text);
	assert_string_equal(buf_text(&bytes), content);
	free(path);
	buf_done(&bytes);
}

static void is_told_what_happened(void **state)
{
	char *folder = fixture_folder();

	(void)state;
	assert_true(
	    run(20, "printf '%s|%s|%s' \"$SUBSIDY_ALARM\" \"$SUBSIDY_EVIDENCE\" \"$SUBSIDY_ORIGIN\" > told", folder));
	expect_file(folder, "told", "fork|/e v|ledger.example/一");
	/* Nothing to read, and its own messages are none of our data. */
	assert_true(run(20, "cat > read; echo heard", folder));
	expect_file(folder, "read", "");
	fixture_folder_remove(folder);
}

static void says_how_it_ended(void **state)
{
	char *folder = fixture_folder();

	(void)state;
	assert_false(run(20, "exit 1", folder));
	assert_false(run(20, "kill -9 $$", folder));
	assert_false(run(20, "no-such-command-at-all", folder));
	assert_true(run(20, "true", folder));
	fixture_folder_remove(folder);
}

/* Whoever it began, too: a sleep in the background holds nothing up and does not outlive it. */
static void ends_when_its_time_is_over(void **state)
{
	char *folder = fixture_folder();
	struct timespec begin, end;
	int status, pid = 0;
	struct why why;
	struct buf bytes;
	char *path = NULL;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_false(run(1, "(sleep 1000 & echo $! > pid; wait)", folder));
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	assert_in_range(end.tv_sec - begin.tv_sec, 1, 60);

	buf_init(&bytes, 100);
	assert_true(asprintf(&path, "%s/pid", folder) > 0);
	assert_int_equal(file_read(path, &bytes, &why), OK);
	assert_int_equal(sscanf(buf_text(&bytes), "%d", &pid), 1);
	/* Killed with it; its own parent is gone, so that init or nobody reaps it: it may be a zombie for a moment. */
	for (status = 0; status < 500 && kill(pid, 0) == 0; status++) {
		char state_path[64], line[256] = "";
		FILE *file;

		(void)snprintf(state_path, sizeof(state_path), "/proc/%d/stat", pid);
		file = fopen(state_path, "r");
		if (file == NULL)
			break;
		(void)!fgets(line, sizeof(line), file);
		(void)fclose(file);
		if (strstr(line, ") Z ") != NULL)
			break;
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	assert_in_range(status, 0, 499);
	free(path);
	buf_done(&bytes);
	fixture_folder_remove(folder);
}

/* A monitor keeps its own ends blocked; what it runs must hear them. */
static void hears_signals_though_we_keep_them_blocked(void **state)
{
	char *folder = fixture_folder();
	sigset_t ends, before;

	(void)state;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &ends, &before), 0);
	assert_false(run(20, "sleep 1000 & kill -TERM $!; wait $!", folder));
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	/* Nor does it ignore what the client does. */
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	assert_false(run(20, "kill -PIPE $$", folder));
	assert_ptr_not_equal(signal(SIGPIPE, SIG_DFL), SIG_ERR);
	fixture_folder_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_told_what_happened),
	    cmocka_unit_test(says_how_it_ended),
	    cmocka_unit_test(ends_when_its_time_is_over),
	    cmocka_unit_test(hears_signals_though_we_keep_them_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
