/*
 * The child gets a process group of its own, so that its end is the end of all that it began. Its signals are as at a
 * login: the monitor itself keeps some blocked.
 */
#include "client/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/out.h"

#define POLL_MS 20

static bool environment_set(const struct hook_alarm *alarm)
{
	return setenv("SUBSIDY_ALARM", alarm->name, 1) == 0 &&
	       setenv("SUBSIDY_EVIDENCE", alarm->evidence_path, 1) == 0 &&
	       setenv("SUBSIDY_ORIGIN", alarm->origin, 1) == 0;
}

/* 0, or an errno. */
static int child_start(const char *command, pid_t *ret_child)
{
	char shell[] = "/bin/sh", option[] = "-c", *line = strdup(command);
	char *arguments[] = {shell, option, line, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, usual;
	int error;

	if (line == NULL)
		return ENOMEM;
	error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		goto out_line;
	error = posix_spawnattr_init(&attributes);
	if (error != 0)
		goto out_actions;
	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	if (posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) != 0 ||
	    posix_spawnattr_setsigmask(&attributes, &none) != 0 ||
	    posix_spawnattr_setsigdefault(&attributes, &usual) != 0 || posix_spawnattr_setpgroup(&attributes, 0) != 0 ||
	    posix_spawnattr_setflags(
		&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) != 0)
		error = ENOMEM;
	else
		error = posix_spawn(ret_child, shell, &actions, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
out_actions:
	posix_spawn_file_actions_destroy(&actions);
out_line:
	free(line);
	return error;
}

/* False where the time was over first. */
static bool child_wait(pid_t child, unsigned timeout_s, int *ret_status)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

	for (unsigned waited_ms = 0; waited_ms < timeout_s * 1000; waited_ms += POLL_MS) {
		if (waitpid(child, ret_status, WNOHANG) == child)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

bool hook_run(const char *command, const struct hook_alarm *alarm, unsigned timeout_s)
{
	int error, status = 0;
	pid_t child;

	if (!environment_set(alarm)) {
		out_info("subsidy: the hook could not be run: %s", strerror(ENOMEM));
		return false;
	}
	out_now();
	error = child_start(command, &child);
	if (error != 0) {
		out_info("subsidy: the hook could not be run: %s", strerror(error));
		return false;
	}
	if (!child_wait(child, timeout_s, &status)) {
		(void)kill(-child, SIGKILL);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		out_info("subsidy: the hook did not end within %u seconds and was killed", timeout_s);
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status))
		out_info("subsidy: the hook ended with %d", WEXITSTATUS(status));
	else
		out_info("subsidy: the hook was ended by signal %d", WTERMSIG(status));
	return false;
}
