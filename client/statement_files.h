/*
 * A statement's folder, read: which indexes have a file in each part of it, and their bytes, within bounds.
 */
#ifndef CLIENT_STATEMENT_FILES_H
#define CLIENT_STATEMENT_FILES_H

#include "client/file.h"
#include "client/statementfolder.h"
#include "proto/array.h"

/* Is there such a file or folder? */
bool statement_files_has(const char *folder, const char *name);
/*
 * The indexes of "<folder>/<part>/<16 digits><suffix>", ascending, at most `max` of them; none where the part is missing.
 * A file of any other name is ERR_INVALID, but for those that begin with a dot. ret_indexes is of uint64_t, and needs
 * array_done in any case.
 */
struct statement_part {
	const char *folder, *part, *suffix;
	size_t max;
};
enum err statement_files_list(const struct statement_part *part, struct array *ret_indexes, struct why *why) must_check;
/* How many files are in a part, whatever their names, but for those that begin with a dot. */
enum err statement_files_count(const struct statement_part *part, size_t *ret_count, struct why *why) must_check;
/* The whole file, at most CLIENT_FILE_SIZE_MAX; `name` is its path within the folder. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO. */
enum err statement_files_read(const char *folder, const char *name, struct buf *ret_bytes, struct why *why) must_check;

#endif
