#include "manage/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <unistd.h>

#include "manage/link_leftovers.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

#define TABLE	     1000
#define MARK	     51820
#define PREFIXES_MAX 16

static struct link tunnel;
static char why[LINK_WHY_MAX];

struct wanted { /* in text, each list ends with NULL */
	const char *addresses[PREFIXES_MAX], *allowed_ips[PREFIXES_MAX];
	uint32_t mtu;
	enum link_table table;
	bool kill_switch;
	uint32_t fwmark; /* 0: MARK */
};

static size_t read_prefixes(struct ip_prefix out[PREFIXES_MAX], const char *const *text)
{
	size_t count = 0;
	for (; text[count]; count++)
		out[count] = netbox_prefix(text[count]);
	return count;
}

static bool is_dry; /* only asks what would change */

static int apply(const struct wanted *wanted, const struct link_report *report)
{
	struct ip_prefix addresses[PREFIXES_MAX], allowed_ips[PREFIXES_MAX];
	struct link_settings s = {.ifindex = box.ifindex,
		.addresses = addresses,
		.allowed_ips = allowed_ips,
		.mtu = wanted->mtu,
		.table = wanted->table,
		.table_number = TABLE,
		.kill_switch = wanted->kill_switch,
		.fwmark = wanted->fwmark ? wanted->fwmark : MARK};
	s.address_count = read_prefixes(addresses, wanted->addresses);
	s.allowed_ip_count = read_prefixes(allowed_ips, wanted->allowed_ips);
	why[0] = 0;
	return is_dry ? link_diff(&tunnel, &box.n, &s, report, why)
		      : link_apply(&tunnel, &box.n, &s, report, why);
}

static int set_up(const struct wanted *wanted)
{
	return apply(wanted, NULL);
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
	       !tunnel.state.items && !tunnel.found.items;
}

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

static char lines[1024]; /* reported, "; " behind each */

static void note_line(void *context, const char *line)
{
	(void)context;
	size_t len = strlen(lines);
	snprintf(lines + len, sizeof(lines) - len, "%s; ", line);
}

static int change(const struct wanted *wanted, const char *expected)
{
	struct link_report report = {.say = note_line};
	lines[0] = 0;
	int error = apply(wanted, &report);
	return error ? error : strcmp(lines, expected);
}

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
		is_dry = true;
		REQUIRE(change(&second, "~ mtu 1400 -> 1450; + address 10.0.0.2/24; "
					"+ route 10.3.0.0/16; + route 10.66.0.0/16; "
					"- route 10.2.0.0/16; - address 10.0.0.1/24; ") == 0);
		is_dry = false;
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
	REQUIRE(link_mark(&tunnel) == MARK && link_is_guarded(&tunnel));
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
