/*
 * What was answered about enterprises, remembered: the text, as long as it is what would be answered now, and where caps were
 * reached, which spares a walk through all trades.
 *
 * A text is given again only under the stamp that it was made under (query_stamp), and the stamp is that of the read
 * transaction in which it is asked for, behind the access control: so an answer is never another than the ledger would
 * give in that transaction, and it doesn't matter when or by whom it was put here. Nothing is ever declared invalid.
 *
 * Bounded by enterprises and bytes; of whom nobody has asked about for longest the texts go first, for caps are small and
 * take longer to find out. Where there is no memory nothing is remembered. It belongs to one ledger and one process, and to the loop thread: workers are handed what is
 * known, and hand back what they found.
 */
#ifndef DAEMON_ANSWERS_H
#define DAEMON_ANSWERS_H

#include "daemon/query.h"
#include "proto/text.h"

struct answers;

struct answers_limits {
	size_t count_max;		/* enterprises */
	size_t size_max;		/* bytes of them all */
	size_t text_size_max;		/* bytes of one text */
};
/* ERR_MEMORY. */
enum err answers_new(const struct answers_limits *limits, struct answers **ret_answers) must_check;
void answers_free(struct answers *answers);	/* NULL-safe */

/* The text under that stamp, with this size of the ledger. Valid until the next call. False where there is none. */
bool answers_find(struct answers *answers, const struct code *code, enum text_language language,
    const struct query_stamp *stamp, uint64_t ledger_size, struct slice *ret_text);
/* Adds what caps are known of the enterprise, of struct history_cap; as many as there is memory for. */
void answers_add_caps(struct answers *answers, const struct code *code, struct array *caps);
/* Takes over, by copy, a text that may be kept, and the caps. */
void answers_keep(struct answers *answers, const struct code *code, enum text_language language,
    const struct query_answer *answer);

struct answers_counts {
	size_t count, size;		/* enterprises and bytes at present */
	uint64_t found;			/* texts that were given again, since the start */
};
struct answers_counts answers_counts(const struct answers *answers);

#endif
