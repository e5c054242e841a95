#include "unit/linkbox.h"

#include <linux/rtnetlink.h>
#include <stdio.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

struct link tunnel;
char why[LINK_WHY_MAX], lines[1024];

static size_t read_prefixes(struct ip_prefix out[LINKBOX_PREFIXES_MAX], const char *const *text)
{
	size_t count = 0;
	for (; text[count]; count++)
		out[count] = netbox_prefix(text[count]);
	return count;
}

static int apply(const struct wanted *wanted, const struct link_report *report, bool is_dry)
{
	struct ip_prefix addresses[LINKBOX_PREFIXES_MAX], allowed_ips[LINKBOX_PREFIXES_MAX];
	struct link_settings s = {.ifindex = box.ifindex,
		.addresses = addresses,
		.allowed_ips = allowed_ips,
		.mtu = wanted->mtu,
		.table = wanted->table,
		.table_number = LINKBOX_TABLE,
		.kill_switch = wanted->kill_switch,
		.fwmark = LINKBOX_MARK};
	s.address_count = read_prefixes(addresses, wanted->addresses);
	s.allowed_ip_count = read_prefixes(allowed_ips, wanted->allowed_ips);
	why[0] = 0;
	return is_dry ? link_diff(&tunnel, &box.n, &s, report, why)
		      : link_apply(&tunnel, &box.n, &s, report, why);
}

int set_up(const struct wanted *wanted)
{
	return apply(wanted, NULL, false);
}

bool state_is(uint32_t table, size_t address_count, const char *const *routes)
{
	struct ip_prefix found[LINKBOX_PREFIXES_MAX];
	struct netlink_routes listed;
	size_t count, expected = 0;
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, LINKBOX_PREFIXES_MAX, &count) ==
		0);
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

bool link_is(bool is_up, uint32_t mtu)
{
	struct netlink_link device;
	REQUIRE(netlink_link_get(&box.n, box.ifindex, &device) == 0);
	REQUIRE(device.is_up == is_up && device.mtu == mtu);
	return true;
}

static const char *const none[] = {NULL};

bool is_untouched(void)
{
	return state_is(RT_TABLE_MAIN, 0, none) && link_is(false, 1500) && !tunnel.ifindex &&
	       !tunnel.state.items && !tunnel.found.items;
}

static void note_line(void *context, const char *line)
{
	(void)context;
	size_t len = strlen(lines);
	snprintf(lines + len, sizeof(lines) - len, "%s; ", line);
}

static int compare(const struct wanted *wanted, const char *expected, bool is_dry)
{
	struct link_report report = {.say = note_line};
	lines[0] = 0;
	int error = apply(wanted, &report, is_dry);
	return error ? error : strcmp(lines, expected);
}

int change(const struct wanted *wanted, const char *expected)
{
	return compare(wanted, expected, false);
}

int ask_change(const struct wanted *wanted, const char *expected)
{
	return compare(wanted, expected, true);
}
