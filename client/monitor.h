/*
 * Following a ledger: is what it signs now an extension of all that it signed before? And saying so under its checkpoints,
 * as a witness.
 *
 * Each round asks for the candidate (the checkpoint that is to be cosigned; of a copy that is plain files, its newest),
 * verifies its signature and that it extends the one held, puts it on disk, and only then cosigns it: so nothing that is
 * cosigned contradicts anything cosigned before, whenever the process ends. What is wrong with the ledger is an alarm:
 * evidence is written, the hook is run, and the monitor ends. A ledger that does not answer gives an alarm, too, after
 * a while, and the monitor goes on.
 */
#ifndef CLIENT_MONITOR_H
#define CLIENT_MONITOR_H

#include "client/link.h"
#include "proto/trust.h"

struct monitor_terms {
	const struct settings *settings;
	bool is_once;			/* one round */
	unsigned interval_s;		/* between two rounds */
	uint64_t stale_s;		/* without a valid answer, until that is an alarm */
	const char *hook;		/* a line for the shell, or NULL */
	const char *evidence_folder;	/* NULL: the state folder */
	const struct signer *signer;	/* of type 04; NULL: nothing is cosigned */
	const struct trust *trust;	/* whose witnesses are fed; NULL: none */
};

/* Until SIGTERM or SIGINT, which end it with EXIT_OK between two steps; or one round. Complains by itself. */
enum exit_code monitor_run(const struct monitor_terms *terms, struct link *link);

#endif
