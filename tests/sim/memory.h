/*
 * The devices' memory: malloc and calloc of this program go through here, so that
 * they can be made to fail, and so that a leak is seen. The simulator itself uses
 * memory_grow and realloc, which never fail here.
 */
#ifndef ADIT_SIM_MEMORY_H
#define ADIT_SIM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/dice.h"

struct memory {
	uint64_t calls;		/* of malloc and calloc, since the last memory_set */
	uint64_t fail_at;	/* this call fails; 0: none */
	uint32_t fail_permille; /* and so many of all */
	struct dice dice;	/* which */
	uint64_t failures;	/* in this program's life */
	int64_t blocks;		/* not yet freed */
};

extern struct memory memory;

/* Counts from 1 again, and fails as told. */
void memory_set(uint64_t fail_at, uint32_t fail_permille, uint64_t seed);

/* The simulator's own; zeroed where it grows. */
void *memory_grow(void *old, size_t old_len, size_t len);

#endif
