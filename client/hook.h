/*
 * The command that an alarm runs: a shell line of the operator's, with what happened in its environment.
 */
#ifndef CLIENT_HOOK_H
#define CLIENT_HOOK_H

#include "client/client.h"

struct hook_alarm {
	const char *name;		/* SUBSIDY_ALARM: "fork", … */
	const char *evidence_path;	/* SUBSIDY_EVIDENCE; "" where there is none */
	const char *origin;		/* SUBSIDY_ORIGIN: the ledger's */
};

/*
 * Runs `/bin/sh -c command` and waits for its end, `timeout_s` at most (MONITOR_HOOK_TIMEOUT_S but in tests): then its
 * process group is killed. What it prints goes to stderr. Complains by itself; gives whether it ended with 0.
 */
bool hook_run(const char *command, const struct hook_alarm *alarm, unsigned timeout_s);

#endif
