#include "manage/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/sandbox.h"

/* The service manager's end, at a path or an abstract name ('@'). */
static int manager(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	len += offsetof(struct sockaddr_un, sun_path);
	if (bind(fd, (struct sockaddr *)&a, (socklen_t)len))
		return -1;
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static bool hears(int fd, const char *text)
{
	char got[256];
	ssize_t len = recv(fd, got, sizeof(got) - 1, 0);
	got[len < 0 ? 0 : len] = 0;
	return len >= 0 && !strcmp(got, text);
}

static bool speaks_to(const char *name)
{
	struct notify n;
	int fd = manager(name);
	REQUIRE(fd >= 0);
	REQUIRE(notify_open(&n) == 0 && fd_is_cloexec(n.fd));
	REQUIRE(!getenv("NOTIFY_SOCKET"));
	REQUIRE(notify_send(&n, NOTIFY_READY "\nSTATUS=wg0 is up") == 0);
	REQUIRE(hears(fd, "READY=1\nSTATUS=wg0 is up"));
	REQUIRE(notify_send(&n, NOTIFY_WATCHDOG) == 0 && hears(fd, "WATCHDOG=1"));
	REQUIRE(notify_send(&n, NOTIFY_STOPPING) == 0 && hears(fd, "STOPPING=1"));
	close(fd);
	REQUIRE(notify_send(&n, NOTIFY_READY) == -ECONNREFUSED);
	notify_close(&n);
	REQUIRE(notify_send(&n, NOTIFY_READY) == 0);
	return true;
}

static bool both_kinds(void)
{
	char path[128], abstract[128];
	snprintf(path, sizeof(path), "%s/notify", folder_path);
	snprintf(abstract, sizeof(abstract), "@adit-unit-%d", getpid());
	return speaks_to(path) && speaks_to(abstract);
}

TEST(notify_speaks_to_paths_and_abstract_names)
{
	folder_run(both_kinds);
}

static bool nobody(void)
{
	struct notify n;
	unsigned before = open_fd_count();
	unsetenv("NOTIFY_SOCKET");
	REQUIRE(notify_open(&n) == 0 && n.fd == -1 && n.watchdog_ns == NANOS_NEVER);
	REQUIRE(notify_send(&n, NOTIFY_READY) == 0);
	notify_close(&n);
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(notify_is_silent_without_a_manager)
{
	folder_run(nobody);
}

static bool bad_names(void)
{
	struct notify n;
	char too_long[sizeof(n.address.sun_path) + 1];
	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = 0;
	const char *const names[] = {"", "/", "@", "relative/path", "vsock:2:1234", too_long};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		REQUIRE(notify_open(&n) == -EINVAL && n.fd == -1);
		REQUIRE(!getenv("NOTIFY_SOCKET"));
	}
	/* The longest name there can be. */
	too_long[sizeof(n.address.sun_path) - 1] = 0;
	setenv("NOTIFY_SOCKET", too_long, 1);
	REQUIRE(notify_open(&n) == 0 && n.fd >= 0);
	return true;
}

TEST(notify_refuses_names_it_does_not_understand)
{
	folder_run(bad_names);
}

static bool watchdog(void)
{
	char own[32], other[32];
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	const struct {
		const char *usec, *pid;
		nanos expected;
	} rows[] = {
		{NULL, NULL, NANOS_NEVER},
		{NULL, own, NANOS_NEVER},
		{"30000000", NULL, 30 * NANOS_PER_SECOND},
		{"1", own, 1000},
		{"30000000", other, NANOS_NEVER},
		{"30000000", "", NANOS_NEVER},
		{"0", own, NANOS_NEVER},
		{"-1", own, NANOS_NEVER},
		{" 1", own, NANOS_NEVER},
		{"1s", own, NANOS_NEVER},
		{"", own, NANOS_NEVER},
		{"18446744073709551", own, UINT64_C(18446744073709551000)},
		{"18446744073709552", own, NANOS_NEVER},
		{"99999999999999999999", own, NANOS_NEVER},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct notify n;
		if (rows[i].usec)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		REQUIRE(notify_open(&n) == 0);
		REQUIRE(n.watchdog_ns == rows[i].expected);
		REQUIRE(!getenv("WATCHDOG_USEC") && !getenv("WATCHDOG_PID"));
	}
	return true;
}

TEST(notify_reads_the_watchdogs_time)
{
	folder_run(watchdog);
}
