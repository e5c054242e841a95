#include "text/list.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAPACITY 8

void *list_grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
	if (count < *capacity)
		return items;
	size_t larger = *capacity ? 2 * *capacity : FIRST_CAPACITY;
	if (larger > SIZE_MAX / item_size)
		return NULL;
	void *moved = realloc(items, larger * item_size);
	if (moved)
		*capacity = larger;
	return moved;
}
