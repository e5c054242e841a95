/*
 * Memory that runs out at a chosen moment: the linker puts our malloc, calloc and
 * realloc before the system's (--wrap, see the Makefile).
 */
#ifndef ADIT_TESTS_SHORT_MEMORY_H
#define ADIT_TESTS_SHORT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th allocation (from 1) and all after it fail. */
void short_memory_begin(size_t n);

/* Ends that; whether one has failed. */
bool short_memory_end(void);

#endif
