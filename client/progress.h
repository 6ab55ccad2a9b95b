/* A progress bar, on a terminal's stderr and nowhere else. */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

#include "client/client.h"

enum progress_unit { PROGRESS_ROWS, PROGRESS_ENTRIES };

struct progress {
	bool is_shown;
	uint64_t total;
	enum progress_unit unit;	/* of both numbers */
	int percent;			/* last one drawn; -1 for none */
};

void progress_begin(struct progress *progress, enum progress_unit unit, uint64_t total);
void progress_show(struct progress *progress, uint64_t done);
/* Wipes the bar, so that what is printed next begins on a clean line. */
void progress_end(struct progress *progress);

#endif
