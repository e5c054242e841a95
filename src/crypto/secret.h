/*
 * Memory for secrets: wiping, constant-time comparison, and the arena in which
 * every long-lived secret of the core lies. The arena's pages come from io/,
 * locked, guarded and kept out of dumps; this module only divides them. Blocks
 * are wiped when freed. Not thread-safe.
 */
#ifndef ADIT_CRYPTO_SECRET_H
#define ADIT_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_CLASSES 64 /* block sizes 64, 128, 192, ... 4096 */

struct secret_arena {
	uint8_t *base;
	size_t len, used; /* bytes; used grows only, blocks are recycled by class */
	void *free_list[SECRET_CLASSES];
	size_t blocks_out;
};

/*
 * Lets libsodium choose its fastest code for this processor; without it all works,
 * but slowly. io/ (and a test program's main) calls it once at the start, before
 * other threads and before the system-call filter: it may read the system's
 * randomness, which nothing here uses. false: the machine cannot give any.
 */
bool crypto_init(void);

/* Overwrites in a way that no compiler removes. */
void secret_wipe(void *p, size_t len);

/* In constant time. */
bool secret_is_equal(const void *a, const void *b, size_t len);
bool secret_is_zero(const void *p, size_t len);

/*
 * The same value, of which the compiler knows nothing any more: where a bit becomes a
 * mask, so that it makes no jump of it.
 */
static inline uint32_t secret_barrier(uint32_t x)
{
	__asm__("" : "+r"(x));
	return x;
}

/* `base` is 64-byte aligned, zeroed, and outlives the arena. */
void secret_arena_init(struct secret_arena *arena, uint8_t *base, size_t len);

/* Zeroed, 64-byte aligned, 1 <= len <= 4096; NULL when the arena is full. */
void *secret_alloc(struct secret_arena *arena, size_t len);

/* Wipes and recycles the block; `len` as it was asked for; NULL is allowed. */
void secret_free(struct secret_arena *arena, void *p, size_t len);

#endif
