#include "unit/freed.h"

#include <malloc.h>
#include <string.h>

static const void *watched;
static size_t watched_len, found;

void freed_watch(const void *secret, size_t len)
{
	watched = secret;
	watched_len = len;
	found = 0;
}

size_t freed_end(void)
{
	watched = NULL;
	return found;
}

void __real_free(void *p);
void __wrap_free(void *p);

void __wrap_free(void *p)
{
	if (watched && p)
		found += memmem(p, malloc_usable_size(p), watched, watched_len) != NULL;
	__real_free(p);
}
