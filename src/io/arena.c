#include "io/arena.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int arena_map(struct arena *arena, size_t len)
{
	size_t page = page_size();
	if (len == 0 || len > SIZE_MAX / 2)
		return -EINVAL;
	len = (len + page - 1) / page * page;

	uint8_t *all = mmap(NULL, len + 2 * page, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return -errno;
	uint8_t *base = all + page;
	if (mprotect(base, len, PROT_READ | PROT_WRITE) || madvise(base, len, MADV_DONTDUMP) ||
		madvise(base, len, MADV_WIPEONFORK)) {
		int error = -errno;
		munmap(all, len + 2 * page);
		return error;
	}
	/* a huge page would lock 2 MiB for the first secret in it; refused only where there are
	 * none */
	madvise(base, len, MADV_NOHUGEPAGE);
	*arena = (struct arena){.base = base, .len = len};
	if (mlock2(base, len, MLOCK_ONFAULT))
		arena->lock_error = -errno;
	return 0;
}

void arena_unmap(struct arena *arena)
{
	size_t page = page_size();
	if (arena->base)
		munmap(arena->base - page, arena->len + 2 * page);
	*arena = (struct arena){0};
}
