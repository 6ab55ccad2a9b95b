/* What the writer counts since the start, for the metrics. Plain data: the writer holds the lock. */
#ifndef DAEMON_WRITER_COUNTS_H
#define DAEMON_WRITER_COUNTS_H

#include "daemon/state.h"

#define HISTOGRAM_BUCKETS 12

/* Values by fixed upper bounds; the last bucket is for what is above them all. */
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS + 1];
	uint64_t sum;
};

extern const uint64_t commit_us_bounds[HISTOGRAM_BUCKETS], group_records_bounds[HISTOGRAM_BUCKETS];

void histogram_add(struct histogram *histogram, const uint64_t bounds[static HISTOGRAM_BUCKETS], uint64_t value);

struct writer_counts {
	uint64_t start_us;
	uint64_t groups, commands, records, refused;
	uint64_t commit_us_max, group_records_max;
	struct histogram commit_us, group_records;
	uint64_t waiting;
	/* Keys that are distrusted: orders under way, and slices, held trades and the longest slice since the start. */
	uint64_t distrusts_pending, distrust_slices, distrust_held, distrust_us_max;
	uint64_t unfolded;		/* entries that the stored cells lack */
	bool is_read_only;
	enum err read_only_cause;	/* ERR_DISK_FULL, ERR_CLOCK */
	bool is_room_short;
};

/* By the venue's number. */
#define VENUE_COUNTS (VENUES_MAX + 1)
struct venue_counts {
	char id[VENUE_ID_SIZE_MAX + 1];			/* empty: no venue of this number has pushed */
	uint64_t records[DISPOSITION_COUNT];		/* since the start */
	uint64_t last_push_us;				/* time of its newest push entry, also of one before the start */
};

/* When each venue pushed last. ERR_MEMORY, ERR_DAMAGED. */
enum err venue_counts_load(struct store_txn *txn, struct venue_counts counts[static VENUE_COUNTS]) must_check;
/* Adds a new push, in the transaction that brought it. ERR_MEMORY, ERR_DAMAGED. */
enum err venue_counts_add(struct store_txn *txn, const struct venue *venue, uint64_t push_index,
    struct venue_counts counts[static VENUE_COUNTS]) must_check;

#endif
