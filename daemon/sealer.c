#include "daemon/sealer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "daemon/log.h"

struct sealer {
	struct sealer_settings settings;
	pthread_t thread;
	bool is_started;
	struct head head; /* the thread's, as it is made */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. The group is the thread's as long as there is one, and is not touched by others then. */
	bool has_group, is_stopping;
	struct sealed_group group;
	bool is_committed;
	struct ledger_head ledger_head;
	struct log_keys keys;
};

enum err sealer_sign(const struct log_signers *signers, const struct ledger_head *ledger_head,
    const struct log_keys *keys, struct head *ret_head, struct why *why)
{
	ret_head->size = ledger_head->size;
	ret_head->root = frontier_root(&ledger_head->frontier);
	ret_head->time_us = ledger_head->last_time_us;
	return log_signers_sign(signers, keys, ret_head, why);
}

/* In this order, and any failure is the end of the process. */
static void publish(struct sealer *sealer)
{
	const struct sealer_settings *settings = &sealer->settings;
	enum err err = sealer_sign(settings->signers, &sealer->ledger_head, &sealer->keys, &sealer->head, NULL);

	if (err != OK)
		log_fatal("stopping: the checkpoint could not be signed: %s", err_sentence(err));
	err = guard_write(settings->guard, head_note(&sealer->head));
	if (err != OK)
		log_fatal("stopping: the guard file could not be written: %s", err_sentence(err));
	head_publish(settings->head, &sealer->head);
}

static void hand_back(struct sealer *sealer)
{
	struct mail *mail = sealer->group.mail;

	if (mail == NULL)
		return;
	sealer->settings.sealed(sealer->settings.cookie, &sealer->group);
	while (mail != NULL) {
		struct mail *next = mail->next;
		enum err err;

		mail->next = NULL;
		err = mailbox_send(sealer->settings.finished, mail);
		assert(err == OK); /* it holds all that can be in work */
		(void)err;
		mail = next;
	}
}

static void *run(void *cookie)
{
	struct sealer *sealer = cookie;

	pthread_mutex_lock(&sealer->lock);
	for (;;) {
		while (!sealer->has_group && !sealer->is_stopping)
			pthread_cond_wait(&sealer->changed, &sealer->lock);
		if (!sealer->has_group)
			break;
		pthread_mutex_unlock(&sealer->lock);
		if (sealer->is_committed)
			publish(sealer);
		hand_back(sealer);
		pthread_mutex_lock(&sealer->lock);
		sealer->has_group = false;
		pthread_cond_signal(&sealer->changed);
	}
	pthread_mutex_unlock(&sealer->lock);
	return NULL;
}

enum err sealer_start(const struct sealer_settings *settings, struct sealer **ret_sealer)
{
	struct sealer *sealer = calloc(1, sizeof(*sealer));

	if (sealer == NULL)
		return ERR_MEMORY;
	sealer->settings = *settings;
	pthread_mutex_init(&sealer->lock, NULL);
	pthread_cond_init(&sealer->changed, NULL);
	sealer->is_started = pthread_create(&sealer->thread, NULL, run, sealer) == 0;
	if (!sealer->is_started) {
		sealer_free(sealer);
		return ERR_MEMORY;
	}
	*ret_sealer = sealer;
	return OK;
}

void sealer_submit(struct sealer *sealer, const struct ledger_head *head, const struct log_keys *keys,
    const struct sealed_group *group)
{
	pthread_mutex_lock(&sealer->lock);
	while (sealer->has_group)
		pthread_cond_wait(&sealer->changed, &sealer->lock);
	sealer->group = *group;
	sealer->is_committed = head != NULL;
	if (head != NULL) {
		sealer->ledger_head = *head;
		sealer->keys = *keys;
	}
	sealer->has_group = true;
	pthread_cond_signal(&sealer->changed);
	pthread_mutex_unlock(&sealer->lock);
}

void sealer_wait(struct sealer *sealer)
{
	pthread_mutex_lock(&sealer->lock);
	while (sealer->has_group)
		pthread_cond_wait(&sealer->changed, &sealer->lock);
	pthread_mutex_unlock(&sealer->lock);
}

void sealer_stop(struct sealer *sealer)
{
	if (!sealer->is_started)
		return;
	pthread_mutex_lock(&sealer->lock);
	sealer->is_stopping = true;
	pthread_cond_signal(&sealer->changed);
	pthread_mutex_unlock(&sealer->lock);
	pthread_join(sealer->thread, NULL);
	sealer->is_started = false;
}

void sealer_free(struct sealer *sealer)
{
	if (sealer == NULL)
		return;
	sealer_stop(sealer);
	pthread_cond_destroy(&sealer->changed);
	pthread_mutex_destroy(&sealer->lock);
	free(sealer);
}
