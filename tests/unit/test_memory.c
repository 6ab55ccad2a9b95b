/* What there was no memory for is remembered, for the thread that asked. */
#include "daemon/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#define TOO_MUCH (SIZE_MAX / 4)

/* What the sanitizers ask a program for: here, too, too much is answered with NULL and not with the end. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void remembers_what_openssl_did_not_get(void **state)
{
	(void)state;
	memory_watch();
	OPENSSL_free(OPENSSL_malloc(100));
	assert_false(memory_was_short());
	assert_null(OPENSSL_malloc(TOO_MUCH));
	assert_true(memory_was_short());
	memory_watch();
	assert_false(memory_was_short());
	assert_null(OPENSSL_realloc(NULL, TOO_MUCH));
	assert_true(memory_was_short());
	memory_watch();
}

static void *ask_for_too_much(void *cookie)
{
	bool *ret_was_short = cookie;

	memory_watch();
	OPENSSL_free(OPENSSL_malloc(TOO_MUCH));
	*ret_was_short = memory_was_short();
	return NULL;
}

static void blames_no_other_thread(void **state)
{
	pthread_t thread;
	bool was_short = false;

	(void)state;
	memory_watch();
	assert_int_equal(pthread_create(&thread, NULL, ask_for_too_much, &was_short), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(was_short);
	assert_false(memory_was_short());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(remembers_what_openssl_did_not_get),
	    cmocka_unit_test(blames_no_other_thread),
	};

	memory_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
