#include "daemon/head.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct head_box {
	pthread_mutex_t lock;
	struct head head;
};

struct head_box *head_box_new(void)
{
	struct head_box *box = calloc(1, sizeof(*box));

	if (box != NULL && pthread_mutex_init(&box->lock, NULL) != 0) {
		free(box);
		box = NULL;
	}
	return box;
}

void head_box_free(struct head_box *box)
{
	if (box == NULL)
		return;
	pthread_mutex_destroy(&box->lock);
	free(box);
}

void head_publish(struct head_box *box, const struct head *head)
{
	pthread_mutex_lock(&box->lock);
	box->head = *head;
	pthread_mutex_unlock(&box->lock);
}

void head_get(struct head_box *box, struct head *ret_head)
{
	pthread_mutex_lock(&box->lock);
	*ret_head = box->head;
	pthread_mutex_unlock(&box->lock);
}

enum err head_sign(struct head *head, const char *origin, struct signer *const *signers, size_t signer_count)
{
	struct checkpoint checkpoint = {.size = head->size, .root = head->root};
	struct buf text, note;
	enum err err;

	memcpy(checkpoint.origin, origin, strlen(origin) + 1);
	buf_init(&text, CHECKPOINT_SIZE_MAX);
	buf_init(&note, CHECKPOINT_SIZE_MAX);
	checkpoint_format(&checkpoint, &text);
	err = text.err != OK ? text.err : note_sign(buf_slice(&text), signers, signer_count, &note);
	if (err == OK) {
		head->note_size = note.size;
		memcpy(head->note, note.data, note.size);
	}
	buf_done(&text);
	buf_done(&note);
	return err;
}

struct slice head_note(const struct head *head)
{
	return slice_of(head->note, head->note_size);
}
