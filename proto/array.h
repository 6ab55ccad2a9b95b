/*
 * An array that grows: items of one size, in one block. Pointers to items die with the next addition.
 */
#ifndef PROTO_ARRAY_H
#define PROTO_ARRAY_H

#include <stddef.h>

struct array {
	void *items;
	size_t item_size, count, capacity;
};

void array_init(struct array *array, size_t item_size);
void array_done(struct array *array);
/* A zeroed item at the end, or before the item at `position`. NULL on lack of memory. */
void *array_add(struct array *array);
void *array_insert(struct array *array, size_t position);
void *array_at(const struct array *array, size_t position);
void array_sort(struct array *array, int (*compare)(const void *a, const void *b));
/* The item that compares equal in a sorted array, or NULL. */
void *array_find(const struct array *array, const void *key, int (*compare)(const void *a, const void *b));

#endif
