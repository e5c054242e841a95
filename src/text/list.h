/*
 * Arrays that grow by one item at a time. Not for secrets: old copies are left
 * to the allocator (change_add_peer wipes its own).
 */
#ifndef ADIT_TEXT_LIST_H
#define ADIT_TEXT_LIST_H

#include <stddef.h>

/*
 * Makes room for one more than `count` items: returns the array, perhaps moved,
 * or NULL when memory is short; then the old one is as before.
 */
void *list_grow(void *items, size_t count, size_t *capacity, size_t item_size);

#endif
