#include "manage/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "unit/linkbox.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static const char *const none[] = {NULL};

static bool up_and_down(void)
{
	static const struct wanted wanted = {
		.addresses = {"10.0.0.1/24", "10.0.9.1/32", "10.0.0.1/24", "fd00::1/64"},
		/* Some of it is covered by the addresses' own prefixes, some comes twice. */
		.allowed_ips = {"10.0.0.2/32", "10.2.0.0/16", "10.0.0.0/24", "10.0.0.0/8",
			"10.2.0.0/16", "fd00::2/128", "fd01::/48", "fd00::/64", "fd00::/32"},
		.mtu = 1400};
	static const char *const routes[] = {
		"10.2.0.0/16", "10.0.0.0/8", "fd01::/48", "fd00::/32", NULL};
	for (int round = 0; round < 2; round++) {
		REQUIRE(set_up(&wanted) == 0);
		REQUIRE(link_is(true, 1400) && tunnel.state.mtu == 1400);
		REQUIRE(state_is(RT_TABLE_MAIN, 3, routes));
		link_down(&tunnel, &box.n);
		REQUIRE(is_untouched());
		link_down(&tunnel, &box.n);
	}
	return true;
}

TEST(link_goes_up_as_with_wg_quick_and_down_without_a_trace)
{
	netbox_run(up_and_down);
}

static bool table_number(void)
{
	static const struct wanted wanted = {.addresses = {"10.0.0.1/24", "fd00::1/64"},
		.allowed_ips = {"0.0.0.0/0", "::/0", "10.0.0.2/32", "10.0.0.2/32"},
		.mtu = 1420,
		.table = LINK_TABLE_NUMBER};
	static const char *const routes[] = {"0.0.0.0/0", "::/0", "10.0.0.2/32", NULL};
	REQUIRE(set_up(&wanted) == 0);
	REQUIRE(state_is(LINKBOX_TABLE, 2, routes));
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_puts_all_routes_into_a_table_of_its_own)
{
	netbox_run(table_number);
}

static bool table_off(void)
{
	static const struct wanted wanted = {.addresses = {"10.0.0.1/24"},
		.allowed_ips = {"0.0.0.0/0", "::/0", "10.7.0.0/16"},
		.mtu = 1000, /* no IPv6 is set on the device, so this is large enough */
		.table = LINK_TABLE_OFF};
	REQUIRE(set_up(&wanted) == 0);
	REQUIRE(state_is(RT_TABLE_MAIN, 1, none) && link_is(true, 1000));
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_sets_no_routes_with_table_off)
{
	netbox_run(table_off);
}

static bool refusals(void)
{
	static const struct {
		struct wanted wanted;
		const char *words;
	} rows[] = {
		{{.addresses = {"fd00::1/64"}, .mtu = 1279}, "MTU = 1280"},
		{{.allowed_ips = {"fd00::1/64"}, .mtu = 1279}, "MTU 1279 is too small"},
		{{.table = LINK_TABLE_OFF, .kill_switch = true}, "Table = off means"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		REQUIRE(set_up(&rows[i].wanted) == -EINVAL);
		REQUIRE(strstr(why, rows[i].words));
		REQUIRE(is_untouched());
	}
	return true;
}

TEST(link_refuses_before_it_touches_anything)
{
	netbox_run(refusals);
}

/* Each of these fails in the middle of the work. */
static bool failures(void)
{
	static const struct {
		struct wanted wanted;
		const char *words;
		int error;
	} rows[] = {
		{{.addresses = {"10.0.0.1/24", "fd00::1/64"},
			 .allowed_ips = {"10.1.0.0/16", "10.66.0.0/16", "10.2.0.0/24"},
			 .mtu = 1400},
			"route 10.66.0.0/16: File exists", -EEXIST},
		{{.addresses = {"10.0.0.1/24", "ff02::5/64"}, .mtu = 1400},
			"address ff02::5/64: ", -EADDRNOTAVAIL},
		{{.addresses = {"10.0.0.1/24"}, .mtu = 67}, "mtu 67: mtu less than device minimum",
			-EINVAL},
	};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "10.66.0.0/16", 0) == 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		REQUIRE(set_up(&rows[i].wanted) == rows[i].error);
		REQUIRE(strstr(why, rows[i].words));
		REQUIRE(is_untouched());
	}
	return true;
}

TEST(link_undoes_everything_when_a_step_fails)
{
	netbox_run(failures);
}

/* A kernel without nftables: nobody needs them but a default route. */
static bool without_netfilter(void)
{
	static const struct wanted needs = {
		.allowed_ips = {"0.0.0.0/0"}, .mtu = 1400, .kill_switch = true};
	static const struct wanted needs_not = {
		.allowed_ips = {"10.9.0.0/16"}, .mtu = 1400, .kill_switch = true};
	REQUIRE(netbox_forbid_netfilter());
	REQUIRE(set_up(&needs) == -EPROTONOSUPPORT);
	REQUIRE(!strcmp(why, "packet filter for mark 51820: the kernel lacks nftables "
			     "(CONFIG_NF_TABLES), which a default route needs"));
	REQUIRE(is_untouched());
	REQUIRE(set_up(&needs_not) == 0);
	link_down(&tunnel, &box.n);
	return is_untouched();
}

TEST(link_needs_nftables_for_a_default_route_only)
{
	netbox_run(without_netfilter);
}

static bool partly_gone(void)
{
	static const struct wanted wanted = {.addresses = {"10.0.0.1/24", "fd00::1/64"},
		.allowed_ips = {"10.1.0.0/16", "fd01::/64"},
		.mtu = 1400};
	REQUIRE(set_up(&wanted) == 0);
	struct ip_prefix address = netbox_prefix("10.0.0.1/24"), route = netbox_prefix("fd01::/64");
	REQUIRE(netlink_address_delete(&box.n, box.ifindex, &address) == 0);
	REQUIRE(netlink_route_delete(&box.n, box.ifindex, RT_TABLE_MAIN, &route) == 0);
	link_down(&tunnel, &box.n);
	REQUIRE(is_untouched());

	REQUIRE(set_up(&wanted) == 0);
	close(box.tun);
	link_down(&tunnel, &box.n);
	REQUIRE(!tunnel.ifindex && !tunnel.state.items && !tunnel.found.items);
	REQUIRE(set_up(&wanted) == -ENODEV);
	REQUIRE(strstr(why, "No such device"));
	return true;
}

TEST(link_goes_down_when_part_of_it_is_gone_already)
{
	netbox_run(partly_gone);
}

/* What another table has for the device says nothing about the main one. */
static bool other_table(void)
{
	static const struct wanted wanted = {.allowed_ips = {"10.1.0.0/16"}, .mtu = 1280};
	struct ip_prefix wide = netbox_prefix("10.0.0.0/8");
	struct netlink_routes routes;
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(netlink_route_add(&box.n, box.ifindex, LINKBOX_TABLE, &wide) == 0);
	REQUIRE(set_up(&wanted) == 0);
	REQUIRE(netlink_route_list(&box.n, box.ifindex, RTPROT_ADIT, &routes) == 0);
	REQUIRE(routes.count == 2);
	netlink_routes_free(&routes);
	link_down(&tunnel, &box.n);
	return true;
}

TEST(link_looks_for_covering_routes_in_its_table_only)
{
	netbox_run(other_table);
}

/* A device that was up before stays up. */
static bool was_up(void)
{
	static const struct wanted wanted = {.addresses = {"10.0.0.1/24"}, .mtu = 1400};
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(set_up(&wanted) == 0);
	link_down(&tunnel, &box.n);
	return link_is(true, 1500);
}

TEST(link_restores_the_state_it_found)
{
	netbox_run(was_up);
}

static bool narrow_path(void)
{
	static const struct wanted v6 = {.addresses = {"fd00::1/64"}};
	static const struct wanted v4 = {.addresses = {"10.0.0.1/24"}};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1359) == 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "0.0.0.0/0", 0) == 0);
	REQUIRE(set_up(&v6) == -EINVAL && strstr(why, "MTU 1279 is too small"));
	REQUIRE(is_untouched());
	REQUIRE(set_up(&v4) == 0 && link_is(true, 1279));
	link_down(&tunnel, &box.n);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1360) == 0);
	REQUIRE(set_up(&v6) == 0 && link_is(true, 1280));
	link_down(&tunnel, &box.n);
	return true;
}

TEST(link_with_an_automatic_mtu_leaves_room_for_ipv6_or_says_so)
{
	netbox_run(narrow_path);
}
