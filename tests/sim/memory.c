#include "sim/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct memory memory;

/* What the linker's --wrap calls the real ones, and ours. */
void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *old, size_t len);
void __real_free(void *block);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *old, size_t len);
void __wrap_free(void *block);

void memory_set(uint64_t fail_at, uint32_t fail_permille, uint64_t seed)
{
	memory.calls = 0;
	memory.fail_at = fail_at;
	memory.fail_permille = fail_permille;
	dice_init(&memory.dice, seed, 0);
}

static bool fails(void)
{
	bool does =
		++memory.calls == memory.fail_at || dice_chance(&memory.dice, memory.fail_permille);
	memory.failures += does;
	memory.blocks += !does;
	return does;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
	return fails() ? NULL : __real_calloc(count, len);
}

void *__wrap_realloc(void *old, size_t len)
{
	void *block = __real_realloc(old, len);
	assert(block);
	memory.blocks += !old;
	return block;
}

void __wrap_free(void *block)
{
	memory.blocks -= block != NULL;
	__real_free(block);
}

void *memory_grow(void *old, size_t old_len, size_t len)
{
	uint8_t *block = realloc(old, len);
	memset(block + old_len, 0, len - old_len);
	return block;
}
