#include "daemon/spare.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "proto/limits.h"

/* Smaller pieces are cheap, and malloc keeps them by itself. */
#define PIECE_SIZE_MIN ((size_t)128 << 10)

/* Before what is given out, which stays aligned as malloc aligns. */
struct piece {
	size_t size; /* behind this; what is asked for may be less */
	struct piece *next;
};
static_assert(sizeof(struct piece) % 16 == 0, "what lies behind is aligned");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct piece *kept;
static size_t kept_size;

/* Large enough, and not much larger: else a few small pushes would hold what large ones need. */
static bool fits(const struct piece *piece, size_t size)
{
	return piece->size >= size && piece->size / 2 <= size;
}

static struct piece *find(size_t size)
{
	struct piece **place = &kept, *piece;

	while (*place != NULL && !fits(*place, size))
		place = &(*place)->next;
	piece = *place;
	if (piece != NULL) {
		*place = piece->next;
		kept_size -= piece->size;
	}
	return piece;
}

void *spare_take(size_t size)
{
	struct piece *piece = NULL;

	if (size > SIZE_MAX - sizeof(*piece))
		return NULL;
	if (size >= PIECE_SIZE_MIN) {
		pthread_mutex_lock(&lock);
		piece = find(size);
		pthread_mutex_unlock(&lock);
	}
	if (piece == NULL) {
		piece = malloc(sizeof(*piece) + size);
		if (piece == NULL)
			return NULL;
		piece->size = size;
	}
	return piece + 1;
}

void spare_give(void *memory, size_t size)
{
	struct piece *piece = memory != NULL ? (struct piece *)memory - 1 : NULL;
	bool is_kept;

	if (piece == NULL)
		return;
	assert(size <= piece->size);
	pthread_mutex_lock(&lock);
	is_kept = piece->size >= PIECE_SIZE_MIN && piece->size <= SPARE_SIZE_MAX - kept_size;
	if (is_kept) {
		piece->next = kept;
		kept = piece;
		kept_size += piece->size;
	}
	pthread_mutex_unlock(&lock);
	if (!is_kept)
		free(piece);
}

size_t spare_size(void)
{
	size_t size;

	pthread_mutex_lock(&lock);
	size = kept_size;
	pthread_mutex_unlock(&lock);
	return size;
}

void spare_clear(void)
{
	struct piece *piece, *next;

	pthread_mutex_lock(&lock);
	piece = kept;
	kept = NULL;
	kept_size = 0;
	pthread_mutex_unlock(&lock);
	for (; piece != NULL; piece = next) {
		next = piece->next;
		free(piece);
	}
}

const struct arena_source spare_source = {.take = spare_take, .give = spare_give};
