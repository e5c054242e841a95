#include "main/reload_servers.h"

#include <stdio.h>
#include <sys/stat.h>

#include "unit/capture.h"
#include "unit/dnsbox.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static struct loop loop;
static struct name_servers servers;
static bool has_servers;

static void on_done(void *context, int error)
{
	(void)context;
	(void)error;
}

static bool comes_and_goes(void)
{
	struct reload_servers rs = {&servers, &has_servers, &loop, &dns_usual_system, false};
	REQUIRE(loop_init(&loop) == 0);
	servers.on_done = on_done;
	servers.context = &servers;
	reload_servers_stop(&rs);
	REQUIRE(reload_servers_start(&rs) == 0 && servers.process.pid > 0 && !has_servers);
	reload_servers_stop(&rs);
	REQUIRE(servers.process.pid <= 0 && servers.on_done == on_done);
	REQUIRE(servers.context == &servers && servers.due == NANOS_NEVER);
	REQUIRE(reload_servers_start(&rs) == 0);
	reload_servers_keep(&rs);
	pid_t pid = servers.process.pid;
	REQUIRE(has_servers && pid > 0);
	REQUIRE(reload_servers_start(&rs) == 0 && servers.process.pid == pid);
	reload_servers_stop(&rs);
	reload_servers_keep(&rs);
	REQUIRE(servers.process.pid == pid && has_servers);
	name_servers_stop(&servers);
	loop_wipe(&loop);
	return true;
}

TEST(reload_servers_come_and_go)
{
	sandbox_run_child(comes_and_goes);
}

static bool is_dead(void)
{
	return servers.process.pid <= 0;
}

static bool is_idle(void)
{
	return servers.state == NAME_SERVERS_IDLE;
}

/* The interface ends, or the reload fails, while a program hangs. */
static bool is_busy(void)
{
	struct dns_system system_here = dnsbox_system();
	struct reload_servers rs = {&servers, &has_servers, &loop, &system_here, false};
	const struct names no_names = {0};
	REQUIRE(loop_init(&loop) == 0 && capture_begin(NULL, "") && mkfifo("f", 0600) == 0);
	REQUIRE(dnsbox_program("resolvconf", "[ $op = -d ] || read x <f || :"));
	servers.on_done = on_done;
	REQUIRE(reload_servers_start(&rs) == 0);
	servers.wanted = dnsbox_wanted("10.0.0.1", "");
	REQUIRE(name_servers_set(&servers, &no_names, 0) == 1);
	reload_servers_stop(&rs); /* at once */
	REQUIRE(has_servers && servers.process.pid > 0 && !rs.is_new);
	REQUIRE(name_servers_unset(&servers) == 1);
	FILE *f = fopen("f", "we");
	REQUIRE(f && fclose(f) == 0 && loop_wait(&loop, is_idle));
	name_servers_stop(&servers);
	loop_wipe(&loop);
	return true;
}

TEST(reload_servers_that_are_busy_are_not_waited_for)
{
	folder_run(is_busy);
}

/* What the dead one set can be undone by the next. */
static bool comes_again(void)
{
	struct dns_system system_here = dnsbox_system();
	struct reload_servers rs = {&servers, &has_servers, &loop, &system_here, false};
	const struct names no_names = {0};
	REQUIRE(loop_init(&loop) == 0 && capture_begin(NULL, ""));
	REQUIRE(dnsbox_program("resolvconf", ""));
	servers.on_done = on_done;
	REQUIRE(reload_servers_start(&rs) == 0);
	reload_servers_keep(&rs);
	servers.wanted = dnsbox_wanted("10.0.0.1", "");
	REQUIRE(name_servers_set(&servers, &no_names, 0) == 1 && loop_wait(&loop, is_idle));
	process_kill(&servers.process);
	REQUIRE(loop_wait(&loop, is_dead) && has_servers);
	dnsbox_calls();
	REQUIRE(reload_servers_start(&rs) == 0 && servers.process.pid > 0);
	servers.wanted = dnsbox_wanted("", "");
	REQUIRE(name_servers_set(&servers, &no_names, 0) == 1 && loop_wait(&loop, is_idle));
	REQUIRE(!strcmp("resolvconf -d|lo|-f\n", dnsbox_calls()));
	name_servers_stop(&servers);
	loop_wipe(&loop);
	return true;
}

TEST(reload_servers_come_again_after_a_death)
{
	folder_run(comes_again);
}

#define PEER "[Peer]\nPublicKey = AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAllowedIPs = "

TEST(reload_servers_are_the_same_or_not)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} rows[] = {
		{"[Interface]\n", "[Interface]\n", true},
		{"[Interface]\nDNS = 10.0.0.1, lan\n", "[Interface]\nDNS = lan, 10.0.0.1\n", true},
		{"[Interface]\nDNS = 10.0.0.1\n", "[Interface]\n", false},
		{"[Interface]\nDNS = 10.0.0.1\n", "[Interface]\nDNS = 10.0.0.2\n", false},
		{"[Interface]\nDNS = 10.0.0.1, ::1\n", "[Interface]\nDNS = ::1, 10.0.0.1\n", false},
		{"[Interface]\nDNS = 10.0.0.1\n", "[Interface]\nDNS = 10.0.0.1, lan\n", false},
		/* who takes all names depends on the routes; without servers it does not matter */
		{"[Interface]\nDNS = 10.0.0.1\n" PEER "10.0.0.0/8\n",
			"[Interface]\nDNS = 10.0.0.1\n" PEER "0.0.0.0/0\n", false},
		{"[Interface]\n" PEER "10.0.0.0/8\n", "[Interface]\n" PEER "0.0.0.0/0\n", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct conf a, b;
		CHECK(conf_parse(&a, rows[i].a, strlen(rows[i].a)) && !a.error_count);
		CHECK(conf_parse(&b, rows[i].b, strlen(rows[i].b)) && !b.error_count);
		CHECK(reload_servers_are_same(&a, &b) == rows[i].is_same);
		CHECK(reload_servers_are_same(&b, &a) == rows[i].is_same);
		conf_wipe(&a);
		conf_wipe(&b);
	}
}
