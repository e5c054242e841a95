#include "crypto/secret.h"

#include <assert.h>
#include <sodium.h>

#define BLOCK_MIN 64
#define BLOCK_MAX (BLOCK_MIN * SECRET_CLASSES)

_Static_assert(BLOCK_MAX == 4096, "the greatest block is a page");

bool crypto_init(void)
{
	return sodium_init() >= 0;
}

void secret_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

bool secret_is_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

bool secret_is_zero(const void *p, size_t len)
{
	return sodium_is_zero(p, len) == 1;
}

void secret_arena_init(struct secret_arena *arena, uint8_t *base, size_t len)
{
	assert((uintptr_t)base % BLOCK_MIN == 0);
	*arena = (struct secret_arena){.base = base, .len = len};
}

static size_t class_of(size_t len)
{
	assert(len >= 1 && len <= BLOCK_MAX);
	return (len - 1) / BLOCK_MIN;
}

/*
 * A free block is zero but for its first bytes, the pointer to the next free one
 * of its class; so a fresh block and a recycled one are both zero when handed out.
 */
void *secret_alloc(struct secret_arena *arena, size_t len)
{
	size_t size_class = class_of(len);
	size_t size = (size_class + 1) * BLOCK_MIN;
	void **block = arena->free_list[size_class];
	if (block) {
		arena->free_list[size_class] = *block;
		*block = NULL;
	} else if (size <= arena->len - arena->used) {
		block = (void **)(void *)(arena->base + arena->used);
		arena->used += size;
	} else {
		return NULL;
	}
	arena->blocks_out++;
	return block;
}

void secret_free(struct secret_arena *arena, void *p, size_t len)
{
	if (!p)
		return;
	assert(arena->blocks_out > 0);
	size_t size_class = class_of(len);
	secret_wipe(p, (size_class + 1) * BLOCK_MIN);
	*(void **)p = arena->free_list[size_class];
	arena->free_list[size_class] = p;
	arena->blocks_out--;
}
