/*
 * The pages of the secret arena: between two guard pages, kept out of core
 * dumps, empty in a forked child, locked in memory as they are touched. Only
 * maps; crypto/secret.h divides them.
 */
#ifndef ADIT_IO_ARENA_H
#define ADIT_IO_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
	uint8_t *base;	/* page-aligned, zeroed */
	size_t len;	/* bytes, whole pages */
	int lock_error; /* 0, or why the pages are not locked (-errno): log it once */
};

/*
 * Maps at least `len` (> 0) bytes of address space; memory is used on touch.
 * RLIMIT_MEMLOCK below `len` is not an error, see lock_error. 0 or -errno.
 */
int arena_map(struct arena *arena, size_t len);

/* Gives the pages back to the kernel; whoever used them has wiped them. */
void arena_unmap(struct arena *arena);

#endif
