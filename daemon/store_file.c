/* The names of the databases, and the data file as a file: what needs no LMDB. */
#include "daemon/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LMDB_LAST_PAGE_AT 136 /* bytes into a meta page */

static const char *const db_names[STORE_FIXED_COUNT] = {
    [STORE_META] = "meta",
    [STORE_ENTRIES] = "entries",
    [STORE_TREE] = "tree",
    [STORE_VENUES] = "venues",
    [STORE_FEEDS] = "feeds",
    [STORE_PUSHES] = "pushes",
    [STORE_OFFICERS] = "officers",
    [STORE_ADJUSTS] = "adjusts",
    [STORE_TOUCHED] = "touched",
    [STORE_HEADS] = "heads",
    [STORE_ACCOUNTS] = "accounts",
    [STORE_RELATIONS] = "relations",
    [STORE_CELLS] = "cells",
    [STORE_VENUE_MONTHS] = "venue_months",
    [STORE_POLICIES] = "policies",
    [STORE_ORDERS] = "orders",
    [STORE_GRANTS] = "grants",
    [STORE_OFFICER_KEYS] = "officer_keys",
    [STORE_EVIDENCE] = "evidence",
};

void store_db_name(unsigned db, char ret_name[static 24])
{
	assert(db < STORE_DB_COUNT);
	if (db < STORE_FIXED_COUNT)
		snprintf(ret_name, 24, "%s", db_names[db]);
	else
		snprintf(ret_name, 24, "trades.%u", db - STORE_TRADES + 0u);
}

/*
 * LMDB maps as many pages as its file says it has. Where a broken meta page says very many, no kernel grants that, and
 * the error is one of memory: so look into both, as LMDB lays them out, whose last page lies beyond the file.
 */
bool store_file_lacks_pages(int folder_fd)
{
	const off_t page_size = sysconf(_SC_PAGESIZE);
	int fd = openat(folder_fd, "data.mdb", O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool is_beyond = false;
	uint64_t last;

	if (fd < 0)
		return false;
	for (off_t page = 0; page < 2 && fstat(fd, &status) == 0; page++)
		if (pread(fd, &last, sizeof(last), page * page_size + LMDB_LAST_PAGE_AT) == (ssize_t)sizeof(last))
			is_beyond |= last >= (uint64_t)(status.st_size / page_size);
	close(fd);
	return is_beyond;
}

uint64_t store_file_size_max(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

enum err store_file_check(int fd, off_t size, const char *folder, struct why *why)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return why_set(why, ERR_IO, "can't look at the data file in %s: %s", folder, strerror(errno));
	if (status.st_size < size)
		return why_set(why, ERR_DAMAGED,
		    "the data file in %s is cut short: %lld bytes where its pages need %lld", folder,
		    (long long)status.st_size, (long long)size);
	return OK;
}

enum err store_file_extend(int fd, off_t size)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return ERR_IO;
	if ((uint64_t)size > store_file_size_max())
		size = (off_t)store_file_size_max();
	if (status.st_size >= size)
		return OK;
	return ftruncate(fd, size) == 0 ? OK : ERR_IO;
}
