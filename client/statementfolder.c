#include "client/statementfolder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void statementfolder_name(
    const char *folder, uint64_t index, const char *suffix, char ret_name[static STATEMENT_NAME_SIZE])
{
	int size = snprintf(
	    ret_name, STATEMENT_NAME_SIZE, "%s/%0*" PRIu64 "%s", folder, STATEMENT_INDEX_DIGITS, index, suffix);

	assert(size > 0 && size < STATEMENT_NAME_SIZE);
}
