/* Removing a test's folder with all that is in it, and running a program, without a shell. */
#ifndef TESTS_UNIT_FOLDER_H
#define TESTS_UNIT_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int folder_unlink(const char *path, const struct stat *stat, int kind, struct FTW *place)
{
	(void)stat;
	(void)kind;
	(void)place;
	return remove(path);
}

/* Symbolic links are removed, not followed. */
static inline void folder_remove(const char *folder)
{
	if (nftw(folder, folder_unlink, 16, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

/* Runs a program found by PATH to its end, its messages thrown away; anything but success ends the test. */
static inline void program_run(const char *const words[])
{
	/* posix_spawn writes to none of them; its type is older than const. */
	const union {
		const char *const *constant;
		char *const *plain;
	} argv = {.constant = words};
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) != 0 ||
	    posix_spawnp(&pid, words[0], &actions, NULL, argv.plain, environ) != 0 || waitpid(pid, &status, 0) != pid ||
	    status != 0)
		abort();
	posix_spawn_file_actions_destroy(&actions);
}

#endif
