#include "manage/dns_way.h"

#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/dnsbox.h"
#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"

static struct dns_system system_here;
static struct dns_way way;
static char why[MESSAGES_TEXT_MAX];

static enum dns_manager find(void)
{
	why[0] = 0;
	dns_way_find(&way, &system_here, "wg0", why);
	return way.manager;
}

static bool choices(void)
{
	system_here = dnsbox_system();
	REQUIRE(find() == DNS_NOBODY);
	REQUIRE(strstr(why, "nothing here takes name servers") && strstr(why, "openresolv") &&
		strstr(why, "systemd-resolved") && strstr(why, "leave DNS out"));
	int resolved = dnsbox_resolved();
	REQUIRE(dns_way_has_resolved(&system_here));
	REQUIRE(find() == DNS_NOBODY && strstr(why, "there is no resolvectl to tell it (in bin)"));
	REQUIRE(dnsbox_program("resolvconf", ""));
	REQUIRE(find() == DNS_RESOLVCONF && !strcmp(way.program, "bin/resolvconf"));
	REQUIRE(dnsbox_program("resolvectl", ""));
	REQUIRE(find() == DNS_RESOLVED && !strcmp(way.program, "bin/resolvectl") && !why[0]);
	/* the socket's file outlives it */
	REQUIRE(close(resolved) == 0 && !dns_way_has_resolved(&system_here));
	REQUIRE(find() == DNS_RESOLVCONF);
	REQUIRE(unlink("bin/resolvconf") == 0);
	REQUIRE(find() == DNS_NOBODY && strstr(why, "or not in this network namespace"));
	REQUIRE(symlink("resolvectl", "bin/resolvconf") == 0);
	REQUIRE(find() == DNS_NOBODY &&
		strstr(why, "bin/resolvconf is resolvectl by another name") &&
		strstr(why, "systemctl start systemd-resolved"));
	return true;
}

TEST(dns_way_prefers_resolved_where_it_runs)
{
	folder_run(choices);
}

static bool other_namespace(void)
{
	system_here = dnsbox_system();
	REQUIRE(dnsbox_program("resolvectl", ""));
	REQUIRE(dnsbox_resolved() >= 0 && find() == DNS_RESOLVED);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) && unshare(CLONE_NEWNET))
		return sandbox_skip("no network namespaces here");
	REQUIRE(find() == DNS_NOBODY && strstr(why, "not in this network namespace"));
	return true;
}

/* There its link of the same index is another one. */
TEST(dns_way_passes_over_resolved_in_another_namespace)
{
	folder_run(other_namespace);
}

static bool not_listening(void)
{
	system_here = dnsbox_system();
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", "") && find() == DNS_RESOLVED);
	system_here.resolved_socket = "/resolved"; /* the end of its path is not enough */
	REQUIRE(find() == DNS_NOBODY);
	return close(fd) == 0;
}

TEST(dns_way_knows_the_socket_by_its_whole_path)
{
	folder_run(not_listening);
}

static bool records(void)
{
	static const struct {
		const char *order, *record;
	} rows[] = {
		{"", "wg0"},
		{"lo.inet6\nlo.inet\nlo.@(dnsmasq|pdnsd)\nlo\ntun*\ntap*\n", "tun.wg0"},
		{"*\n@(br|eth)*([^.]).inet\nhso-1*", "hso-1.wg0"},
		{"tun* \n tun*\ntun*x\nt_n*\n", "wg0"},
	};
	system_here = dnsbox_system();
	REQUIRE(find() == DNS_NOBODY && !strcmp(way.record, "wg0")); /* there is no such file */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		FILE *file = fopen("interface-order", "we");
		REQUIRE(file && fputs(rows[i].order, file) >= 0 && fclose(file) == 0);
		find();
		if (strcmp(way.record, rows[i].record))
			test_fail(__FILE__, __LINE__, "row %zu: %s", i, way.record);
	}
	return true;
}

TEST(dns_way_names_records_as_wg_quick_does)
{
	folder_run(records);
}
