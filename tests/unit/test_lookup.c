#include "unit/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manage/lookup.h"
#include "unit/sandbox.h"

/* An /etc of our own with these files. */
static bool with_etc(const char *services, const char *tables)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", "/etc", "tmpfs", 0, NULL))
		return false;
	close(open("/etc/services", O_CREAT | O_CLOEXEC, 0644));
	close(open("/etc/nsswitch.conf", O_CREAT | O_CLOEXEC, 0644));
	if (mkdir("/etc/iproute2", 0755))
		return false;
	close(open("/etc/iproute2/rt_tables", O_CREAT | O_CLOEXEC, 0644));
	return sandbox_write_file("/etc/services", services) &&
	       sandbox_write_file("/etc/nsswitch.conf", "services: files\n") &&
	       sandbox_write_file("/etc/iproute2/rt_tables", tables);
}

static bool look(void)
{
	uint16_t port = 7;
	if (!with_etc("tunnel 51820/udp burrow\nonly-tcp 5/tcp\n",
		    "# comment\n255\tlocal\n0x1f hexed\n  77 vpn # more\nno number\n300 long-name-"
		    "of-thirty-one-bytes\n4294967295 last\n010 ten\n"))
		return sandbox_skip("/etc cannot be replaced; run as root");
	REQUIRE(lookup_port("tunnel", &port) && port == 51820);
	port = 7;
	REQUIRE(lookup_port("burrow", &port) && port == 51820);
	port = 7;
	REQUIRE(!lookup_port("only-tcp", &port) && !lookup_port("nothing", &port) && port == 7);

	static const struct {
		const char *name;
		uint32_t table; /* 0: there is none */
	} rows[] = {
		{"main", 254},
		{"local", 255},
		{"default", 253},
		{"hexed", 0x1f},
		{"vpn", 77},
		{"long-name-of-thirty-one-bytes", 300},
		{"last", UINT32_MAX},
		{"ten", 10},
		{"comment", 0},
		{"number", 0},
		{"vp", 0},
		{"more", 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t table = 0;
		bool is_found = lookup_table(rows[i].name, &table);
		if (is_found == (rows[i].table != 0) && table == rows[i].table)
			continue;
		test_fail(__FILE__, __LINE__, "%s: %u", rows[i].name, table);
		return false;
	}
	return true;
}

TEST(lookup_finds_services_and_tables)
{
	sandbox_run(look);
}
