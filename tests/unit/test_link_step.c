#include "manage/link_step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

#define STATE_MAX 16384

static struct link_worker worker;
static struct link_state wanted;
static size_t calls, fails_at;

static int run(void *context, const struct link_step *step)
{
	return ++calls == fails_at ? -EIO : link_step_run(context, step);
}

/* What the kernel works out in its own time after a link or an address has changed. */
#define LATER                                                                                      \
	"/^local fd07::1 /d; s/ tentative//; s/NO-CARRIER,//; s/,LOWER_UP//; s/ state [A-Z]+//; "  \
	"s/ linkdown//"

/* All that a step can change, as ip(8) and nft(8) say it. */
static void look(char out[static STATE_MAX])
{
	FILE *pipe = popen("{ ip addr show dev t0; ip rule; ip -6 rule; ip route show table all; "
			   "ip -6 route show table all; } | sed -E '" LATER "'; nft list ruleset; "
			   "cat /proc/sys/net/ipv4/conf/all/src_valid_mark",
		"r");
	size_t len = pipe ? fread(out, 1, STATE_MAX - 1, pipe) : 0;
	out[len] = 0;
	if (pipe)
		pclose(pipe);
}

static bool want(void)
{
	static struct ip_prefix allowed[4], addresses[2];
	static const char *const prefixes[] = {"0.0.0.0/0", "::/0", "10.9.0.0/16", "fd09::/32"};
	for (size_t i = 0; i < 4; i++)
		allowed[i] = netbox_prefix(prefixes[i]);
	addresses[0] = netbox_prefix("10.7.0.1/24");
	addresses[1] = netbox_prefix("fd07::1/64");
	struct link_settings s = {.allowed_ips = allowed,
		.allowed_ip_count = 4,
		.addresses = addresses,
		.address_count = 2,
		.fwmark = 51820,
		.kill_switch = true};
	struct link_facts facts = {.mtu = 1420, .sets_source_mark = true};
	return link_state_want(&wanted, &s, &facts);
}

/* Up, failing at each step; then down, failing at each step. */
static bool failures(void)
{
	static char before[STATE_MAX], after[STATE_MAX];
	struct link_state nothing = {.mtu = 1500};
	struct link_plan up, down;
	if (system("nft list tables >/dev/null 2>&1 && ip rule >/dev/null"))
		return sandbox_skip("no nft(8) or ip(8), or none in the kernel");
	worker = (struct link_worker){&box.n, "t0", box.ifindex};
	REQUIRE(want() && link_plan_make(&up, &nothing, &wanted));
	REQUIRE(up.count == 16 && link_plan_make(&down, &wanted, &nothing));
	/* A device that was up once has a queue. */
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, false) == 0);
	look(before);
	for (fails_at = 1; fails_at <= up.count; fails_at++) {
		calls = 0;
		REQUIRE(link_plan_run(&up, run, &worker) == -EIO);
		look(after);
		REQUIRE(!strcmp(before, after));
	}
	fails_at = calls = 0;
	REQUIRE(link_plan_run(&up, run, &worker) == 0);
	look(after);
	REQUIRE(strcmp(before, after));
	for (fails_at = 1; fails_at <= down.count; fails_at++) {
		static char back[STATE_MAX];
		calls = 0;
		REQUIRE(link_plan_run(&down, run, &worker) == -EIO);
		look(back);
		REQUIRE(!strcmp(after, back));
	}
	fails_at = calls = 0;
	REQUIRE(link_plan_run(&down, run, &worker) == 0);
	look(after);
	REQUIRE(!strcmp(before, after));
	link_plan_wipe(&up);
	link_plan_wipe(&down);
	link_state_wipe(&wanted);
	return true;
}

TEST(link_step_is_undone_wherever_a_plan_fails)
{
	netbox_run(failures);
}

TEST(link_step_gives_each_name_a_metric_of_its_own)
{
	CHECK(link_guard_metric("wg0") != link_guard_metric("wg1"));
	CHECK(link_guard_metric("wg0") == link_guard_metric("wg0"));
	CHECK(link_guard_metric("") >= 0xf0000000u && link_guard_metric("a") >= 0xf0000000u);
}
