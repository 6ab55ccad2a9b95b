/* Printing the faults of a file's rows. */
#ifndef CLIENT_FAULTS_H
#define CLIENT_FAULTS_H

#include "client/rows.h"

/* All that were kept, by row: a table on stderr (in Chinese, where the settings ask for it, a line each), or on stdout
 * {"error_count","errors":[{"row","column","value","rule","example"}]}, always in English. `next` says what to do about them. Gives EXIT_REFUSED. */
enum exit_code faults_print(const struct settings *settings, struct rows *rows, const char *next);

#endif
