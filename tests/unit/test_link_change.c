#include "manage/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "manage/link_leftovers.h"
#include "unit/linkbox.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

/* From any state to any other, by what differs. */
static bool changes(void)
{
	static const struct wanted first = {.addresses = {"10.0.0.1/24", "10.0.0.2/24"},
		.allowed_ips = {"10.0.0.0/24", "10.2.0.0/16"},
		.mtu = 1400};
	static const struct wanted second = {.addresses = {"10.0.0.2/24", "fd00::1/64"},
		.allowed_ips = {"10.2.0.0/16", "10.3.0.0/16"},
		.mtu = 1300};
	static const struct wanted third = {.addresses = {"fd00::1/64", "10.9.0.1/24"},
		.allowed_ips = {"10.0.0.0/24"},
		.mtu = 1400};
	static const struct wanted fourth = {
		.addresses = {"fd00::1/64"}, .allowed_ips = {"10.0.0.0/24"}, .mtu = 1400};
	static const char *const routes[] = {"10.2.0.0/16", "10.3.0.0/16", NULL};
	static const char *const last[] = {"10.0.0.0/24", NULL};
	REQUIRE(change(&first, "~ mtu 1500 -> 1400; + address 10.0.0.1/24; + address 10.0.0.2/24; "
			       "+ up; + route 10.2.0.0/16; ") == 0);
	REQUIRE(change(&first, "") == 0);
	/* 10.0.0.2 takes the place of the first address instead of going with it. */
	REQUIRE(change(&second, "+ address fd00::1/64; + route 10.3.0.0/16; "
				"- address 10.0.0.1/24; ~ mtu 1400 -> 1300; ") == 0);
	REQUIRE(state_is(RT_TABLE_MAIN, 2, routes) && link_is(true, 1300));
	/* The new route stands beside the kernel's own for the address until that goes. */
	REQUIRE(change(&third, "~ mtu 1300 -> 1400; + address 10.9.0.1/24; "
			       "+ route 10.0.0.0/24; - route 10.3.0.0/16; - route 10.2.0.0/16; "
			       "- address 10.0.0.2/24; ") == 0);
	REQUIRE(state_is(RT_TABLE_MAIN, 2, last) && link_is(true, 1400));
	/* With the last IPv4 address the kernel takes all IPv4 routes. */
	REQUIRE(change(&fourth, "- route 10.0.0.0/24; - address 10.9.0.1/24; "
				"+ route 10.0.0.0/24; ") == 0);
	REQUIRE(state_is(RT_TABLE_MAIN, 1, last));
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_changes_what_differs_and_says_so)
{
	netbox_run(changes);
}

/* A change that fails leaves what was, and so does asking what it would be. */
static bool failing_change(void)
{
	static const struct wanted first = {
		.addresses = {"10.0.0.1/24"}, .allowed_ips = {"10.2.0.0/16"}, .mtu = 1400};
	static const struct wanted second = {.addresses = {"10.0.0.2/24"},
		.allowed_ips = {"10.3.0.0/16", "10.66.0.0/16"},
		.mtu = 1450};
	static const char *const routes[] = {"10.2.0.0/16", NULL};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "10.66.0.0/16", 0) == 0);
	REQUIRE(set_up(&first) == 0);
	for (int i = 0; i < 2; i++) {
		REQUIRE(change(&second, "") == -EEXIST);
		REQUIRE(!strcmp(why, "route 10.66.0.0/16: File exists") && !lines[0]);
		REQUIRE(state_is(RT_TABLE_MAIN, 1, routes) && link_is(true, 1400));
		REQUIRE(ask_change(&second, "~ mtu 1400 -> 1450; + address 10.0.0.2/24; "
					    "+ route 10.3.0.0/16; + route 10.66.0.0/16; "
					    "- route 10.2.0.0/16; - address 10.0.0.1/24; ") == 0);
	}
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_stays_as_it_is_when_a_change_fails)
{
	netbox_run(failing_change);
}

/* What somebody else set through the same device is not ours, and no failure. */
static bool route_of_a_hook(void)
{
	static const struct wanted before = {.mtu = 1400};
	static const struct wanted after = {
		.allowed_ips = {"10.66.0.0/16", "fd66::/64"}, .mtu = 1400};
	REQUIRE(set_up(&before) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "10.66.0.0/16", 0) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "fd66::/64", 0) == 0);
	REQUIRE(set_up(&after) == 0);
	REQUIRE(set_up(&before) == 0);
	struct netlink_routes left;
	size_t foreign = 0;
	REQUIRE(netlink_route_list(&box.n, box.ifindex, RTPROT_STATIC, &left) == 0);
	foreign = left.count;
	netlink_routes_free(&left);
	REQUIRE(foreign == 2);
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_takes_a_route_of_its_device_as_set)
{
	netbox_run(route_of_a_hook);
}

#define DEFAULT                                                                                    \
	"+ packet filter for mark 51820; + net.ipv4.conf.all.src_valid_mark=1; "                   \
	"+ IPv4 rules for table 51820; "

/* What an earlier life left is taken over, and goes at the end, but not at a failure. */
static bool earlier_life(void)
{
	static const struct wanted closed = {
		.allowed_ips = {"0.0.0.0/0", "10.9.0.0/16"}, .mtu = 1500, .kill_switch = true};
	static const struct wanted failing = {.addresses = {"ff02::5/64"},
		.allowed_ips = {"0.0.0.0/0", "10.8.0.0/16"},
		.mtu = 1500,
		.kill_switch = true};
	static const struct wanted open = {.allowed_ips = {"0.0.0.0/0"}, .mtu = 1500};
	struct netlink_routes guards;
	REQUIRE(change(&closed,
			DEFAULT "+ kill switch 10.9.0.0/16; "
				"+ kill switch 0.0.0.0/0 table 51820; + up; "
				"+ route 10.9.0.0/16; + route 0.0.0.0/0 table 51820; ") == 0);
	REQUIRE(link_mark(&tunnel) == LINKBOX_MARK && link_is_guarded(&tunnel));
	/* As if killed: the device goes, and a new one comes. */
	link_forget(&tunnel);
	close(box.tun);
	box.tun = netbox_tun("t0", &box.ifindex);
	REQUIRE(set_up(&failing) == -EADDRNOTAVAIL);
	REQUIRE(netlink_unreachable_list(&box.n, &guards) == 0 && guards.count == 2);
	netlink_routes_free(&guards);
	REQUIRE(change(&closed, "+ up; + route 10.9.0.0/16; + route 0.0.0.0/0 table 51820; ") == 0);
	/* A start that ends before its time: closed as before; in order: open. */
	link_restore(&tunnel, &box.n);
	REQUIRE(netlink_unreachable_list(&box.n, &guards) == 0 && guards.count == 2);
	netlink_routes_free(&guards);
	REQUIRE(change(&open, "+ up; + route 0.0.0.0/0 table 51820; "
			      "- kill switch 0.0.0.0/0 table 51820; "
			      "- kill switch 10.9.0.0/16; ") == 0);
	REQUIRE(!link_is_guarded(&tunnel));
	link_lose_device(&tunnel);
	REQUIRE(set_up(&open) == -ENODEV && strstr(why, "another network namespace"));
	link_down(&tunnel, &box.n);
	REQUIRE(netlink_unreachable_list(&box.n, &guards) == 0 && guards.count == 0);
	netlink_routes_free(&guards);
	struct link_state left = {0};
	REQUIRE(link_leftovers_find(&box.n, "t0", &left) == 0 && left.count == 0);
	return true;
}

TEST(link_takes_over_what_an_earlier_life_left)
{
	netbox_run(earlier_life);
}

/* The device is gone, and another one has such a route by now: another adit's, say. */
static bool lost_device(void)
{
	static const struct wanted wanted = {
		.allowed_ips = {"10.9.0.0/16"}, .mtu = 1400, .kill_switch = true};
	struct ip_prefix prefix = netbox_prefix("10.9.0.0/16");
	struct netlink_routes routes;
	uint32_t other;
	REQUIRE(set_up(&wanted) == 0);
	link_lose_device(&tunnel);
	close(box.tun);
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_route_add(&box.n, other, RT_TABLE_MAIN, &prefix) == 0);
	link_down(&tunnel, &box.n);
	REQUIRE(netlink_route_list(&box.n, other, RTPROT_ADIT, &routes) == 0);
	REQUIRE(routes.count == 1);
	netlink_routes_free(&routes);
	REQUIRE(netlink_unreachable_list(&box.n, &routes) == 0 && routes.count == 0);
	return true;
}

TEST(link_without_its_device_leaves_others_alone)
{
	netbox_run(lost_device);
}
