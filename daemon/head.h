/*
 * The published head: the newest checkpoint that is committed, signed and guarded. Written by the writer, read by
 * anyone; nothing that is not covered by it has been acknowledged.
 */
#ifndef DAEMON_HEAD_H
#define DAEMON_HEAD_H

#include "proto/checkpoint.h"

struct head {
	uint64_t size;
	struct hash root;
	uint64_t time_us;			/* of the last entry */
	size_t note_size;
	uint8_t note[CHECKPOINT_SIZE_MAX];	/* the signed checkpoint */
};

/* The text is made of size and root; fills in the note, with a line of each signer. ERR_MEMORY, or what a signer says. */
enum err head_sign(struct head *head, const char *origin, struct signer *const *signers, size_t signer_count) must_check;
struct slice head_note(const struct head *head);

struct head_box;
struct head_box *head_box_new(void);		/* NULL on lack of memory */
void head_box_free(struct head_box *box);
void head_publish(struct head_box *box, const struct head *head);
void head_get(struct head_box *box, struct head *ret_head);

#endif
