/*
 * libevent 2.1.12 and jansson 2.14 take the lack of a few bytes badly: evhttp_request_new() follows a null pointer, a
 * header that could not be copied is answered as the client's mistake, and a JSON text of which one character could not
 * be kept fails an assertion. So that is the end, an orderly one. Only what no parser asks for, a large body or a large
 * answer, may fail by itself.
 *
 * Large pieces of jansson's, and all of OpenSSL 3.0's, are refused, but it isn't always said so: a key of an answer is
 * left out, a signature doesn't hold. Nobody must take that for an answer, so it is remembered for the thread that asked.
 */
#include "daemon/memory.h"

#include <malloc.h>
#include <stdlib.h>

#include <event2/event.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "daemon/log.h"
#include "proto/limits.h"

/* Bytes: a lack of so few is the end. No string in a request is longer. */
#define SMALL_SIZE_MAX (2 * HTTP_PUBLIC_BODY_MAX)

/* Bytes: pieces from here on are the system's own, and go back to it when they are freed; spare.h keeps some for pushes. */
#define LARGE_SIZE_MIN (1 << 20)

static _Thread_local bool was_short;

static void *check(void *memory, size_t size)
{
	if (memory == NULL && size > 0)
		was_short = true;
	return memory;
}

static void *check_small(void *memory, size_t size)
{
	if (memory == NULL && size > 0 && size <= SMALL_SIZE_MAX)
		log_fatal("stopping: not enough memory for %zu bytes", size);
	return check(memory, size);
}

static void *small_malloc(size_t size)
{
	return check_small(malloc(size), size);
}

static void *small_realloc(void *old, size_t size)
{
	return check_small(realloc(old, size), size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return check(malloc(size), size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return check(realloc(old, size), size);
}

static void openssl_free(void *memory, const char *file, int line)
{
	(void)file, (void)line;
	free(memory);
}

void memory_init(void)
{
	/*
	 * Stays as it is: left to itself malloc raises it when large pieces are freed, and then those of a storm of pushes
	 * lie among small ones that outlive them, and are never given back.
	 */
	mallopt(M_MMAP_THRESHOLD, LARGE_SIZE_MIN);
	event_set_mem_functions(small_malloc, small_realloc, free);
	json_set_alloc_funcs(small_malloc, free);
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		log_fatal("OpenSSL has begun to allocate before it was told how");
}

void memory_watch(void)
{
	was_short = false;
}

bool memory_was_short(void)
{
	return was_short;
}
