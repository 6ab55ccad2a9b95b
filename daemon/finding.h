/*
 * What an audit finds wrong: its kind, and a text that begins with where. Each kind has an exit code of `subsidyd verify`,
 * so that a script can tell a ledger that was cut short from one that was changed.
 */
#ifndef DAEMON_FINDING_H
#define DAEMON_FINDING_H

#include "proto/bytes.h"
#include "proto/err.h"

/* The values are the exit codes. */
enum finding_kind {
	FINDING_NONE = 0,
	FINDING_UNUSABLE = 9,	/* the data file can't be read, the guard is none or contradicts */
	FINDING_INVALID = 10,	/* an entry, signature, root, quorum, disposition or link is not what it must be */
	FINDING_MISSING = 11,	/* the entries, or the files, end before the checkpoint, the guard or the head says */
	FINDING_GAP = 12,	/* an entry or a file is not there, and later ones are */
	FINDING_STATE = 13,	/* a row of a derived database, or a tile, is not what the entries give */
};

struct finding {
	enum finding_kind kind;
	struct why why;
};

/* Writes it down and gives ERR_DAMAGED. */
#define finding_set(finding, its_kind, ...) \
	((finding)->kind = (its_kind), why_set(&(finding)->why, ERR_DAMAGED, __VA_ARGS__))

/* "invalid", "missing", "gap", "state differs", "unusable". */
const char *finding_name(enum finding_kind kind);

#endif
