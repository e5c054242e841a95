#include "manage/link.h"

#include <linux/rtnetlink.h>
#include <unistd.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

#define TABLE	     1000
#define PREFIXES_MAX 16

static struct link tunnel;
static char why[LINK_WHY_MAX];

struct wanted { /* in text, each list ends with NULL */
	const char *addresses[PREFIXES_MAX], *allowed_ips[PREFIXES_MAX];
	uint32_t mtu;
	enum link_table table;
};

static size_t read_prefixes(struct ip_prefix out[PREFIXES_MAX], const char *const *text)
{
	size_t count = 0;
	for (; text[count]; count++)
		out[count] = netbox_prefix(text[count]);
	return count;
}

static int set_up(const struct wanted *wanted)
{
	struct ip_prefix addresses[PREFIXES_MAX], allowed_ips[PREFIXES_MAX];
	struct link_settings s = {.ifindex = box.ifindex,
		.addresses = addresses,
		.allowed_ips = allowed_ips,
		.mtu = wanted->mtu,
		.table = wanted->table,
		.table_number = TABLE};
	s.address_count = read_prefixes(addresses, wanted->addresses);
	s.allowed_ip_count = read_prefixes(allowed_ips, wanted->allowed_ips);
	why[0] = 0;
	return link_up(&tunnel, &box.n, &s, why);
}

/* What is set on the device: our routes, in the given table, and addresses. */
static bool state_is(uint32_t table, size_t address_count, const char *const *routes)
{
	struct ip_prefix found[PREFIXES_MAX];
	struct netlink_routes listed;
	size_t count, expected = 0;
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, PREFIXES_MAX, &count) == 0);
	REQUIRE(count == address_count);
	REQUIRE(netlink_route_list(&box.n, box.ifindex, RTPROT_ADIT, &listed) == 0);
	for (; routes[expected]; expected++) {
		struct ip_prefix p = netbox_prefix(routes[expected]);
		bool is_there = false;
		for (size_t i = 0; i < listed.count; i++)
			is_there |=
				listed.items[i].table == table &&
				listed.items[i].prefix.len == p.len &&
				ip_address_is_equal(&listed.items[i].prefix.address, &p.address);
		REQUIRE(is_there);
	}
	count = listed.count;
	netlink_routes_free(&listed);
	REQUIRE(count == expected);
	return true;
}

static bool link_is(bool is_up, uint32_t mtu)
{
	struct netlink_link device;
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &device) == 0);
	REQUIRE(device.is_up == is_up && device.mtu == mtu);
	return true;
}

static const char *const none[] = {NULL};

/* Nothing of ours is left, and nothing else is different. */
static bool is_untouched(void)
{
	return state_is(RT_TABLE_MAIN, 0, none) && link_is(false, 1500) && !tunnel.ifindex &&
	       !tunnel.routes && !tunnel.addresses;
}

static bool up_and_down(void)
{
	static const struct wanted wanted = {
		.addresses = {"10.0.0.1/24", "10.0.9.1/32", "fd00::1/64"},
		/* Some of it is covered by the addresses' own prefixes, some comes twice. */
		.allowed_ips = {"10.0.0.2/32", "10.2.0.0/16", "10.0.0.0/24", "10.0.0.0/8",
			"10.2.0.0/16", "fd00::2/128", "fd01::/48", "fd00::/64", "fd00::/32"},
		.mtu = 1400};
	static const char *const routes[] = {
		"10.2.0.0/16", "10.0.0.0/8", "fd01::/48", "fd00::/32", NULL};
	for (int round = 0; round < 2; round++) {
		REQUIRE(set_up(&wanted) == 0);
		REQUIRE(link_is(true, 1400) && tunnel.mtu == 1400);
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
	REQUIRE(state_is(TABLE, 2, routes));
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
		{{.addresses = {"10.0.0.1/24"}, .allowed_ips = {"10.0.0.0/8", "0.0.0.0/0"}},
			"0.0.0.0/1, 128.0.0.0/1"},
		{{.addresses = {"10.0.0.1/24"}, .allowed_ips = {"::/0"}}, "::/1, 8000::/1"},
		{{.addresses = {"10.0.0.1/24"}, .allowed_ips = {"::/0"}}, "Table = off"},
		{{.addresses = {"fd00::1/64"}, .mtu = 1279}, "MTU = 1280"},
		{{.allowed_ips = {"fd00::1/64"}, .mtu = 1279}, "MTU 1279 is too small"},
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
			"route 10.66.0.0/16 in table 254: File exists", -EEXIST},
		{{.addresses = {"10.0.0.1/24", "10.0.0.1/24"}, .mtu = 1400},
			"address 10.0.0.1/24: ", -EEXIST},
		{{.addresses = {"10.0.0.1/24"}, .mtu = 67}, "MTU 67: mtu less than device minimum",
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
	REQUIRE(!tunnel.ifindex && !tunnel.routes && !tunnel.addresses);
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
	REQUIRE(netlink_route_add(&box.n, box.ifindex, TABLE, &wide) == 0);
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

static uint32_t choose(const char *const *endpoints)
{
	struct ip_address addresses[PREFIXES_MAX];
	size_t count = 0;
	for (; endpoints[count]; count++)
		addresses[count] = netbox_prefix(endpoints[count]).address;
	return link_choose_mtu(&box.n, addresses, count, 0);
}

/* [wg-quick(8)], but the smallest; rows in the order of the world they need. */
static bool automatic_mtu(void)
{
	static const char *const unknown[] = {"203.0.113.1/32", NULL};
	static const char *const local[] = {"127.0.0.1/32", NULL};
	static const char *const device[] = {"192.0.2.1/32", NULL};
	static const char *const route[] = {"198.51.100.1/32", "192.0.2.1/32", NULL};
	static const char *const v6[] = {"2001:db8::1/128", "192.0.2.1/32", NULL};
	static const char *const large[] = {"127.0.0.1/32", "192.0.2.1/32", "203.0.113.1/32", NULL};
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_mtu(&box.n, other, 1400) == 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(choose(none) == 1420);
	REQUIRE(choose(unknown) == 1420);
	REQUIRE(choose(local) == 65456);
	REQUIRE(netbox_foreign_route(&box.n, other, "192.0.2.0/24", 0) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "198.51.100.0/24", 1300) == 0);
	REQUIRE(netbox_foreign_route(&box.n, other, "2001:db8::/32", 1290) == 0);
	REQUIRE(choose(device) == 1320);
	REQUIRE(choose(route) == 1220);
	REQUIRE(choose(v6) == 1210);
	REQUIRE(choose(large) == 1320);
	struct ip_prefix all = netbox_prefix("0.0.0.0/0");
	REQUIRE(netlink_route_add(&box.n, other, TABLE, &all) == 0);
	REQUIRE(choose(none) == 1420);
	REQUIRE(netbox_foreign_route(&box.n, other, "0.0.0.0/0", 1380) == 0);
	REQUIRE(choose(none) == 1300);
	REQUIRE(netbox_foreign_route(&box.n, other, "::/0", 1370) == 0);
	REQUIRE(choose(none) == 1290);
	return true;
}

TEST(link_chooses_the_mtu_of_the_narrowest_path)
{
	netbox_run(automatic_mtu);
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
	REQUIRE(netlink_link_set_mtu(&box.n, other, 100) == 0);
	REQUIRE(choose(none) == 68);
	return true;
}

TEST(link_with_an_automatic_mtu_leaves_room_for_ipv6_or_says_so)
{
	netbox_run(narrow_path);
}
