#include "daemon/head.h"

#include <pthread.h>
#include <stdlib.h>

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
