#include "proto/array.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

void array_init(struct array *array, size_t item_size)
{
	assert(item_size > 0);
	*array = (struct array){.item_size = item_size};
}

void array_done(struct array *array)
{
	free(array->items);
	array->items = NULL;
	array->count = array->capacity = 0;
}

void *array_at(const struct array *array, size_t position)
{
	assert(position < array->count);
	return (uint8_t *)array->items + position * array->item_size;
}

void *array_insert(struct array *array, size_t position)
{
	uint8_t *item;

	assert(position <= array->count);
	if (array->count == array->capacity) {
		size_t capacity = array->capacity == 0 ? FIRST_CAPACITY : 2 * array->capacity;
		void *items = reallocarray(array->items, capacity, array->item_size);

		if (items == NULL)
			return NULL;
		array->items = items;
		array->capacity = capacity;
	}
	item = (uint8_t *)array->items + position * array->item_size;
	memmove(item + array->item_size, item, (array->count - position) * array->item_size);
	memset(item, 0, array->item_size);
	array->count++;
	return item;
}

void *array_add(struct array *array)
{
	return array_insert(array, array->count);
}

void array_sort(struct array *array, int (*compare)(const void *a, const void *b))
{
	if (array->count > 1)
		qsort(array->items, array->count, array->item_size, compare);
}

void *array_find(const struct array *array, const void *key, int (*compare)(const void *a, const void *b))
{
	return array->count == 0 ? NULL : bsearch(key, array->items, array->count, array->item_size, compare);
}
