#include "client/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "proto/text.h"

#define BAR_WIDTH 40

void progress_begin(struct progress *progress, enum progress_unit unit, uint64_t total)
{
	*progress = (struct progress){
	    .is_shown = isatty(STDERR_FILENO) && total > 0, .unit = unit, .total = total, .percent = -1};
}

void progress_show(struct progress *progress, uint64_t done)
{
	char bar[BAR_WIDTH + 1];
	int percent;

	if (!progress->is_shown)
		return;
	percent = (int)((done < progress->total ? done : progress->total) * 100 / progress->total);
	if (percent == progress->percent)
		return;
	progress->percent = percent;
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < percent * BAR_WIDTH / 100 ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s %3d %%  ", bar, percent);
	fprintf(stderr,
	    progress->unit == PROGRESS_ROWS ? T("%" PRIu64 " of %" PRIu64 " rows")
					    : T("%" PRIu64 " of %" PRIu64 " entries"),
	    done, progress->total);
	fputs("\033[K", stderr);
	(void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->is_shown && progress->percent >= 0)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}
