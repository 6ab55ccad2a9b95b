/*
 * The sealer: the second half of a commit. What the writer has committed it signs, guards, publishes and hands back, in
 * this order and group after group, in a thread of its own: so the writer applies the next group while the guard is on its
 * way to the disk. One group is being sealed at a time, and the writer waits with the next one until it is.
 *
 * So the ledger's file may be two groups ahead of the guard where there was one before. Nothing of either was told to
 * anybody, and the next start signs and guards what it finds. Any failure ends the process.
 */
#ifndef DAEMON_SEALER_H
#define DAEMON_SEALER_H

#include "daemon/guard.h"
#include "daemon/head.h"
#include "daemon/ledger.h"
#include "daemon/log_signers.h"
#include "daemon/mailbox.h"

/* Commands that were decided together. */
struct sealed_group {
	struct mail *mail;		/* to hand back; NULL: nobody waits for it */
	size_t record_count;
	uint64_t start_us;		/* monotonic: when the writer took it */
};

struct sealer_settings {
	struct guard *guard;
	const struct log_signers *signers;
	struct head_box *head;
	struct mailbox *finished;
	/* Before a group with commands is handed back; the sealer's thread. */
	void (*sealed)(void *cookie, const struct sealed_group *group);
	void *cookie;
};

struct sealer;

/* ERR_MEMORY. */
enum err sealer_start(const struct sealer_settings *settings, struct sealer **ret_sealer) must_check;
/*
 * The writer's thread: waits until the group before is sealed, then gives this one away. `head` is what was committed,
 * and `keys` are those of the ledger then; without a head nothing was, and the group is only handed back, in its turn.
 */
void sealer_submit(struct sealer *sealer, const struct ledger_head *head, const struct log_keys *keys,
    const struct sealed_group *group);
/* The writer's thread: until everything that was submitted is sealed. */
void sealer_wait(struct sealer *sealer);
/* Seals what was submitted, then ends the thread. */
void sealer_stop(struct sealer *sealer);
void sealer_free(struct sealer *sealer);	/* stops first; NULL-safe */

/* Signs a head with every checkpoint key that is valid at its size. */
enum err sealer_sign(const struct log_signers *signers, const struct ledger_head *ledger_head, const struct log_keys *keys,
    struct head *ret_head, struct why *why) must_check;

#endif
