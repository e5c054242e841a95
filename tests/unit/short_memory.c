#include "unit/short_memory.h"

#include <stdint.h>
#include <stdlib.h>

static size_t left = SIZE_MAX; /* allocations that still succeed */
static bool has_failed;

void short_memory_begin(size_t n)
{
	left = n - 1;
	has_failed = false;
}

bool short_memory_end(void)
{
	left = SIZE_MAX;
	return has_failed;
}

static bool is_granted(void)
{
	has_failed |= left == 0;
	if (left == 0)
		return false;
	left -= left != SIZE_MAX;
	return true;
}

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *p, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *p, size_t len);

void *__wrap_malloc(size_t len)
{
	return is_granted() ? __real_malloc(len) : NULL;
}

void *__wrap_calloc(size_t count, size_t len)
{
	return is_granted() ? __real_calloc(count, len) : NULL;
}

void *__wrap_realloc(void *p, size_t len)
{
	return is_granted() ? __real_realloc(p, len) : NULL;
}
