/* Order, bound, wake-ups: between threads and into an event loop's poll. */
#include "daemon/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

struct letter {
	int number;
	struct mail link;
};

static bool is_readable(const struct mailbox *mailbox)
{
	struct pollfd poll_fd = {.fd = mailbox_fd(mailbox), .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static void keeps_order_and_empties_at_once(void **state)
{
	struct mailbox *mailbox;
	struct letter letters[5];
	struct mail *mail;
	int expected = 0;

	(void)state;
	assert_int_equal(mailbox_new(5, &mailbox), OK);
	assert_false(is_readable(mailbox));
	assert_null(mailbox_take(mailbox));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 5; i++) {
			letters[i].number = i;
			assert_int_equal(mailbox_send(mailbox, &letters[i].link), OK);
			assert_int_equal(mailbox_count(mailbox), i + 1);
			assert_true(is_readable(mailbox));
		}
		expected = 0;
		for (mail = mailbox_take(mailbox); mail != NULL; mail = mail->next)
			assert_int_equal(mail_of(mail, struct letter, link)->number, expected++);
		assert_int_equal(expected, 5);
		assert_int_equal(mailbox_count(mailbox), 0);
		assert_false(is_readable(mailbox));
	}
	mailbox_free(mailbox);
}

static void refuses_one_too_many(void **state)
{
	struct mailbox *mailbox;
	struct letter letters[4];

	(void)state;
	assert_int_equal(mailbox_new(3, &mailbox), OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mailbox_send(mailbox, &letters[i].link), OK);
	assert_int_equal(mailbox_send(mailbox, &letters[3].link), ERR_OVERLOADED);
	assert_int_equal(mailbox_count(mailbox), 3);
	assert_non_null(mailbox_take(mailbox));
	assert_int_equal(mailbox_send(mailbox, &letters[3].link), OK);
	assert_ptr_equal(mailbox_take(mailbox), &letters[3].link);
	mailbox_free(mailbox);
}

static void closes_for_senders_and_wakes_the_receiver(void **state)
{
	struct mailbox *mailbox;
	struct letter first, second;

	(void)state;
	assert_int_equal(mailbox_new(3, &mailbox), OK);
	assert_null(mailbox_wait(mailbox, 10));
	assert_int_equal(mailbox_send(mailbox, &first.link), OK);
	assert_false(mailbox_is_closed(mailbox));
	mailbox_close(mailbox);
	assert_true(mailbox_is_closed(mailbox));
	assert_int_equal(mailbox_send(mailbox, &second.link), ERR_STOPPING);
	assert_ptr_equal(mailbox_wait(mailbox, -1), &first.link);
	assert_null(mailbox_wait(mailbox, -1));
	assert_true(is_readable(mailbox));
	mailbox_free(mailbox);
}

#define SENDERS 4
#define LETTERS 5000

struct sender {
	struct mailbox *mailbox;
	struct letter letters[LETTERS];
};

static void *send_all(void *cookie)
{
	struct sender *sender = cookie;

	for (int i = 0; i < LETTERS; i++) {
		sender->letters[i].number = i;
		while (mailbox_send(sender->mailbox, &sender->letters[i].link) != OK)
			usleep(10);
	}
	return NULL;
}

static void loses_nothing_between_threads(void **state)
{
	static struct sender senders[SENDERS];
	pthread_t threads[SENDERS];
	struct mailbox *mailbox;
	int next[SENDERS] = {0}, total = 0;

	(void)state;
	assert_int_equal(mailbox_new(64, &mailbox), OK);
	for (int i = 0; i < SENDERS; i++) {
		senders[i].mailbox = mailbox;
		assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
	}
	while (total < SENDERS * LETTERS) {
		struct mail *mail = mailbox_wait(mailbox, 10000);

		assert_non_null(mail);
		for (; mail != NULL; mail = mail->next) {
			struct letter *letter = mail_of(mail, struct letter, link);

			for (int i = 0; i < SENDERS; i++)
				if (letter >= senders[i].letters && letter < senders[i].letters + LETTERS)
					assert_int_equal(letter->number, next[i]++);
			total++;
		}
	}
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(next[i], LETTERS);
	}
	mailbox_free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keeps_order_and_empties_at_once),
	    cmocka_unit_test(refuses_one_too_many),
	    cmocka_unit_test(closes_for_senders_and_wakes_the_receiver),
	    cmocka_unit_test(loses_nothing_between_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
