#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/arena.h"
#include "unit/sandbox.h"

#define ARENA_LEN ((size_t)64 << 20)

TEST(arena_is_zeroed_whole_pages)
{
	struct arena arena;
	CHECK_EQ(0, arena_map(&arena, 5000));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	CHECK_EQ(0, arena.len % page);
	CHECK(arena.len >= 5000 && arena.len < 5000 + page);
	CHECK_EQ(0, (uintptr_t)arena.base % page);
	for (size_t i = 0; i < arena.len; i++)
		CHECK_EQ(0, arena.base[i]);
	memset(arena.base, 0xa5, arena.len);
	arena_unmap(&arena);
	CHECK(!arena.base);
	arena_unmap(&arena);
}

TEST(arena_refuses_impossible_sizes)
{
	struct arena arena, halves[2] = {0};
	CHECK_EQ(-EINVAL, arena_map(&arena, 0));
	CHECK_EQ(-EINVAL, arena_map(&arena, SIZE_MAX));
	CHECK_EQ(-EINVAL, arena_map(&arena, SIZE_MAX / 2 + 1));
	/* one half of the addresses may be free where pointers have 32 bits, never both */
	int error = arena_map(&halves[0], SIZE_MAX / 2);
	if (!error)
		error = arena_map(&halves[1], SIZE_MAX / 2);
	arena_unmap(&halves[0]);
	arena_unmap(&halves[1]);
	CHECK_EQ(-ENOMEM, error);
}

/* Whether the page is ours, and whether it lies in memory. */
static bool is_mapped(uint8_t *page, bool *is_resident)
{
	unsigned char resident = 0;
	bool ok = !mincore(page, 1, &resident);
	*is_resident = resident & 1;
	return ok;
}

TEST(arena_uses_memory_on_touch_and_gives_it_back)
{
	struct arena arena;
	bool is_resident;
	CHECK_EQ(0, arena_map(&arena, ARENA_LEN));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *base = arena.base;
	CHECK(is_mapped(base - page, &is_resident) && !is_resident); /* the guards */
	CHECK(is_mapped(base + ARENA_LEN, &is_resident) && !is_resident);
	base[5 * page] = 1;
	CHECK(is_mapped(base + 5 * page, &is_resident) && is_resident);
	CHECK(is_mapped(base + 6 * page, &is_resident) && !is_resident);
	CHECK(is_mapped(base + ARENA_LEN - page, &is_resident) && !is_resident);
	arena_unmap(&arena);
	CHECK(!is_mapped(base - page, &is_resident));
	CHECK(!is_mapped(base + 5 * page, &is_resident));
	CHECK(!is_mapped(base + ARENA_LEN, &is_resident));
}

/* Whether a child that touches the byte dies of it. */
static bool is_guarded(volatile uint8_t *byte)
{
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* the sanitizer has a handler */
		*byte = 1;
		_exit(0);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

TEST(arena_lies_between_guard_pages)
{
	struct arena arena;
	CHECK_EQ(0, arena_map(&arena, 8192));
	CHECK(is_guarded(arena.base - 1));
	CHECK(!is_guarded(arena.base));
	CHECK(!is_guarded(arena.base + arena.len - 1));
	CHECK(is_guarded(arena.base + arena.len));
	arena_unmap(&arena);
}

/* The VmFlags line of the mapping that starts at `base`. */
static bool read_flags(const void *base, char *flags, int size)
{
	char start[32], line[512];
	bool is_ours = false;
	snprintf(start, sizeof start, "%lx-", (unsigned long)(uintptr_t)base);
	FILE *file = fopen("/proc/self/smaps", "re");
	while (file && fgets(line, sizeof line, file)) {
		if (!strncmp(line, start, strlen(start)))
			is_ours = true;
		if (is_ours && !strncmp(line, "VmFlags:", 8)) {
			snprintf(flags, (size_t)size, "%s", line);
			fclose(file);
			return true;
		}
	}
	if (file)
		fclose(file);
	return false;
}

TEST(arena_is_not_dumped_and_wiped_on_fork)
{
	struct arena arena;
	char flags[512] = "";
	CHECK_EQ(0, arena_map(&arena, ARENA_LEN));
	CHECK(read_flags(arena.base, flags, sizeof flags));
	CHECK(strstr(flags, " dd")); /* do not dump */
	CHECK(strstr(flags, " wf")); /* wipe on fork */
	CHECK_EQ(arena.lock_error == 0, strstr(flags, " lo") != NULL);

	memset(arena.base, 0x5a, 100);
	pid_t pid = fork();
	if (pid == 0)
		_exit(arena.base[0] | arena.base[99]);
	int status;
	waitpid(pid, &status, 0);
	CHECK_EQ(0, status);
	CHECK_EQ(0x5a, arena.base[99]);
	arena_unmap(&arena);
}

static bool map_with_small_memlock(void)
{
	struct rlimit limit = {65536, 65536};
	REQUIRE(!setrlimit(RLIMIT_MEMLOCK, &limit));
	if (geteuid() == 0)
		REQUIRE(!setuid(65534)); /* drops CAP_IPC_LOCK */
	struct arena arena;
	REQUIRE(arena_map(&arena, ARENA_LEN) == 0);
	REQUIRE(arena.lock_error == -ENOMEM || arena.lock_error == -EPERM);
	memset(arena.base, 1, arena.len / 16);
	arena_unmap(&arena);
	REQUIRE(arena_map(&arena, 32768) == 0); /* within the limit */
	REQUIRE(arena.lock_error == 0);
	arena_unmap(&arena);
	return true;
}

TEST(arena_is_usable_when_it_cannot_be_locked)
{
	sandbox_run_child(map_with_small_memlock);
}
