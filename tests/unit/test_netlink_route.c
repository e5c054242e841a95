#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "manage/netlink.h"
#include "manage/netlink_request.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

#define TABLE 51820

static bool (*current)(void);

static bool raised(void)
{
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	return current();
}

static void run_raised(bool (*body)(void))
{
	current = body;
	netbox_run(raised);
}

static bool prefix_is(const struct ip_prefix *p, const char *text)
{
	struct ip_prefix expected = netbox_prefix(text);
	return p->len == expected.len && ip_address_is_equal(&p->address, &expected.address);
}

static int add_address(const char *text)
{
	struct ip_prefix p = netbox_prefix(text);
	return netlink_address_add(&box.n, box.ifindex, &p);
}

static int delete_address(const char *text)
{
	struct ip_prefix p = netbox_prefix(text);
	return netlink_address_delete(&box.n, box.ifindex, &p);
}

static int add_route(uint32_t table, const char *text)
{
	struct ip_prefix p = netbox_prefix(text);
	return netlink_route_add(&box.n, box.ifindex, table, &p);
}

static int delete_route(uint32_t table, const char *text)
{
	struct ip_prefix p = netbox_prefix(text);
	return netlink_route_delete(&box.n, box.ifindex, table, &p);
}

/* How many rows a listing has for the prefix in the table; -1: it failed. */
static int routes_like(uint8_t protocol, uint32_t table, const char *prefix)
{
	struct netlink_routes routes;
	int count = netlink_route_list(&box.n, box.ifindex, protocol, &routes) ? -1 : 0;
	for (size_t i = 0; count >= 0 && i < routes.count; i++)
		count += routes.items[i].table == table && routes.items[i].ifindex == box.ifindex &&
			 prefix_is(&routes.items[i].prefix, prefix);
	netlink_routes_free(&routes);
	return count;
}

static bool addresses(void)
{
	struct ip_prefix found[4];
	size_t count;
	REQUIRE(add_address("10.1.2.3/24") == 0);
	REQUIRE(add_address("10.9.9.9/32") == 0);
	REQUIRE(add_address("fd00:1::7/64") == 0);
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, 4, &count) == 0 && count == 3);
	REQUIRE(prefix_is(&found[0], "10.1.2.3/24"));
	REQUIRE(prefix_is(&found[1], "10.9.9.9/32"));
	REQUIRE(prefix_is(&found[2], "fd00:1::7/64"));
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, 2, &count) == -EOVERFLOW &&
		count == 2);
	/* With a route for the prefix. */
	REQUIRE(routes_like(0, RT_TABLE_MAIN, "10.1.2.0/24") == 1);
	REQUIRE(routes_like(0, RT_TABLE_MAIN, "fd00:1::/64") == 1);

	REQUIRE(add_address("10.1.2.3/24") == -EEXIST);
	REQUIRE(add_address("fd00:1::7/64") == -EEXIST);
	REQUIRE(delete_address("10.1.2.3/24") == 0);
	REQUIRE(delete_address("10.1.2.3/24") == -EADDRNOTAVAIL);
	REQUIRE(delete_address("fd00:1::7/64") == 0);
	REQUIRE(netlink_address_list(&box.n, box.ifindex, found, 4, &count) == 0 && count == 1);
	REQUIRE(routes_like(0, RT_TABLE_MAIN, "10.1.2.0/24") == 0);
	return true;
}

TEST(netlink_route_changes_addresses)
{
	run_raised(addresses);
}

static bool routes(void)
{
	static const char *const prefixes[] = {"10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0",
		"128.0.0.0/1", "fd00:1::/48", "fd00::1/128", "::/0", "8000::/1"};
	static const uint32_t tables[] = {RT_TABLE_MAIN, 200, TABLE};
	for (size_t t = 0; t < 3; t++) {
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
			REQUIRE(routes_like(RTPROT_ADIT, tables[t], prefixes[i]) == 0);
			REQUIRE(delete_route(tables[t], prefixes[i]) < 0);
			REQUIRE(add_route(tables[t], prefixes[i]) == 0);
			REQUIRE(add_route(tables[t], prefixes[i]) == -EEXIST);
			REQUIRE(routes_like(RTPROT_ADIT, tables[t], prefixes[i]) == 1);
			REQUIRE(delete_route(tables[t], prefixes[i]) == 0);
			REQUIRE(routes_like(RTPROT_ADIT, tables[t], prefixes[i]) == 0);
		}
	}
	return true;
}

TEST(netlink_route_adds_and_deletes_in_any_table)
{
	run_raised(routes);
}

static bool foreign_routes(void)
{
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "10.7.0.0/16", 0) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "fd07::/64", 0) == 0);
	REQUIRE(delete_route(RT_TABLE_MAIN, "10.7.0.0/16") == -ESRCH);
	REQUIRE(delete_route(RT_TABLE_MAIN, "fd07::/64") == -ESRCH);
	REQUIRE(routes_like(0, RT_TABLE_MAIN, "10.7.0.0/16") == 1);
	REQUIRE(routes_like(0, RT_TABLE_MAIN, "fd07::/64") == 1);
	REQUIRE(routes_like(RTPROT_ADIT, RT_TABLE_MAIN, "10.7.0.0/16") == 0);
	return true;
}

TEST(netlink_route_leaves_foreign_routes_alone)
{
	run_raised(foreign_routes);
}

/* A host bit that is set, and the kernel's words for it. */
static bool bad_prefix(void)
{
	int error = add_route(RT_TABLE_MAIN, "10.1.2.3/16");
	REQUIRE(error == -EINVAL);
	REQUIRE(!strcmp(netlink_explain(&box.n, error), "Invalid prefix for given prefix length"));
	return true;
}

TEST(netlink_route_passes_on_the_kernels_words)
{
	run_raised(bad_prefix);
}

/* More than one datagram of the kernel's holds; only those of the one device. */
static bool many(void)
{
	enum { COUNT = 3000 };
	struct netlink_routes found;
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	struct ip_prefix p = netbox_prefix("10.0.0.0/32");
	for (int i = 0; i < COUNT; i++) {
		p.address.bytes[2] = (uint8_t)(i >> 8);
		p.address.bytes[3] = (uint8_t)i;
		REQUIRE(netlink_route_add(&box.n, i % 3 ? box.ifindex : other, TABLE, &p) == 0);
	}
	REQUIRE(netlink_route_list(&box.n, box.ifindex, RTPROT_ADIT, &found) == 0);
	REQUIRE(found.count == COUNT / 3 * 2);
	for (size_t i = 0; i < found.count; i++)
		REQUIRE(found.items[i].ifindex == box.ifindex && found.items[i].table == TABLE);
	netlink_routes_free(&found);
	REQUIRE(netlink_route_list(&box.n, 0, RTPROT_ADIT, &found) == 0 && found.count == COUNT);
	netlink_routes_free(&found);
	return true;
}

TEST(netlink_route_lists_thousands)
{
	run_raised(many);
}

static bool look_up(const char *destination, uint32_t fwmark, uint32_t device, uint32_t mtu)
{
	struct netlink_route route;
	struct ip_prefix p = netbox_prefix(destination);
	REQUIRE(netlink_route_lookup(&box.n, &p.address, fwmark, &route) == 0);
	REQUIRE(route.ifindex == device);
	REQUIRE(route.mtu == mtu);
	return true;
}

static bool lookups(void)
{
	struct netlink_route route;
	uint32_t other;
	struct ip_prefix nowhere = netbox_prefix("203.0.113.1/32"),
			 nowhere6 = netbox_prefix("2001:db8::1/128");
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(netlink_route_lookup(&box.n, &nowhere.address, 0, &route) == -ENETUNREACH);
	REQUIRE(netlink_route_lookup(&box.n, &nowhere6.address, 0, &route) == -ENETUNREACH);

	REQUIRE(add_address("10.1.0.1/24") == 0 && add_address("fd00:1::1/64") == 0);
	/* other addresses of IPv6 are our own only once it is known that they are nobody else's */
	static const char *const own[] = {"10.1.0.1/32", "::1/128"};
	REQUIRE(netlink_link_set_up(&box.n, 1, true) == 0);
	for (size_t i = 0; i < 2; i++) {
		struct ip_prefix p = netbox_prefix(own[i]);
		REQUIRE(netlink_route_lookup(&box.n, &p.address, 0, &route) == 0);
		REQUIRE(route.type == RTN_LOCAL);
	}
	struct ip_prefix near = netbox_prefix("10.1.0.2/32");
	REQUIRE(netlink_route_lookup(&box.n, &near.address, 0, &route) == 0);
	REQUIRE(route.type == RTN_UNICAST);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "10.2.0.0/16", 1300) == 0);
	REQUIRE(netbox_foreign_route(&box.n, box.ifindex, "fd00:2::/64", 1310) == 0);
	REQUIRE(look_up("10.1.0.9/32", 0, box.ifindex, 0));
	REQUIRE(look_up("fd00:1::9/128", 0, box.ifindex, 0));
	REQUIRE(look_up("10.2.0.9/32", 0, box.ifindex, 1300));
	REQUIRE(look_up("fd00:2::9/128", 0, box.ifindex, 1310));

	/* The mark leads elsewhere. */
	struct ip_prefix all = netbox_prefix("0.0.0.0/0");
	REQUIRE(netlink_route_add(&box.n, other, TABLE, &all) == 0);
	REQUIRE(netbox_rule(&box.n, 0x77, TABLE) == 0);
	REQUIRE(look_up("10.2.0.9/32", 0x77, other, 0));
	REQUIRE(look_up("10.2.0.9/32", 0x78, box.ifindex, 1300));
	return true;
}

TEST(netlink_route_looks_up_with_mtu_and_mark)
{
	run_raised(lookups);
}

/* Leaves from `source`, with that mark, for `to`: by this device, or with this error. */
static bool leaves(const char *source, const char *to, uint32_t fwmark, int64_t expected)
{
	struct endpoint endpoint = {.address = netbox_prefix(to).address,
		.port = 51820,
		.source = netbox_prefix(source).address};
	uint32_t ifindex = 0;
	int error = netlink_route_way_out(&box.n, &endpoint, fwmark, &ifindex);
	return (error ? error : (int64_t)ifindex) == expected;
}

static int rule_from(const char *source, uint32_t table)
{
	union netlink_request r;
	struct ip_prefix p = netbox_prefix(source);
	struct fib_rule_hdr *m =
		netlink_request_init(&r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));
	m->family = p.address.family == IP_V6 ? AF_INET6 : AF_INET;
	m->src_len = p.len;
	m->action = FR_ACT_TO_TBL;
	mnl_attr_put(&r.header, FRA_SRC, p.len / 8, p.address.bytes);
	mnl_attr_put_u32(&r.header, FRA_TABLE, table);
	return netlink_request_run(&box.n, &r, NULL, NULL);
}

static bool ways_out(void)
{
	uint32_t other;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	REQUIRE(add_address("10.1.0.1/24") == 0 && add_address("10.1.0.2/24") == 0);
	REQUIRE(add_address("fd00:1::1/64") == 0 && add_address("fd00:1::2/64") == 0);
	REQUIRE(leaves("10.1.0.2/32", "10.1.0.9/32", 0, box.ifindex));
	REQUIRE(leaves("fd00:1::2/128", "fd00:1::9/128", 0, box.ifindex));
	REQUIRE(leaves("10.1.0.2/32", "203.0.113.1/32", 0, -ENETUNREACH));
	REQUIRE(leaves("fd00:1::2/128", "2001:db8::1/128", 0, -ENETUNREACH));
	/* none of ours: kernels do not agree about the error */
	REQUIRE(leaves("10.1.0.3/32", "10.1.0.9/32", 0, -EINVAL) ||
		leaves("10.1.0.3/32", "10.1.0.9/32", 0, -ENETUNREACH));

	/* rules by mark and by source */
	struct ip_prefix all = netbox_prefix("0.0.0.0/0"), all6 = netbox_prefix("::/0");
	REQUIRE(netlink_route_add(&box.n, other, TABLE, &all) == 0);
	REQUIRE(netlink_route_add(&box.n, other, TABLE, &all6) == 0);
	REQUIRE(netbox_rule(&box.n, 0x77, TABLE) == 0);
	REQUIRE(leaves("10.1.0.2/32", "10.1.0.9/32", 0x77, other));
	REQUIRE(leaves("10.1.0.2/32", "10.1.0.9/32", 0x78, box.ifindex));
	REQUIRE(rule_from("10.1.0.2/32", TABLE) == 0 && rule_from("fd00:1::2/128", TABLE) == 0);
	REQUIRE(leaves("10.1.0.2/32", "10.1.0.9/32", 0, other));
	REQUIRE(leaves("10.1.0.1/32", "10.1.0.9/32", 0, box.ifindex));
	REQUIRE(leaves("fd00:1::2/128", "fd00:1::9/128", 0, other));
	REQUIRE(leaves("fd00:1::1/128", "fd00:1::9/128", 0, box.ifindex));

	/* of a socket that is bound to a device */
	struct endpoint to = {.address = netbox_prefix("203.0.113.1/32").address,
		.source = netbox_prefix("10.1.0.1/32").address};
	struct ip_prefix half = netbox_prefix("128.0.0.0/1");
	uint32_t ifindex = other;
	REQUIRE(netlink_route_add(&box.n, box.ifindex, RT_TABLE_MAIN, &half) == 0);
	REQUIRE(netlink_route_add(&box.n, other, RT_TABLE_MAIN, &all) == 0);
	REQUIRE(leaves("10.1.0.1/32", "203.0.113.1/32", 0, box.ifindex));
	REQUIRE(netlink_route_way_out(&box.n, &to, 0, &ifindex) == 0 && ifindex == other);
	return true;
}

TEST(netlink_route_knows_the_way_out_of_a_source)
{
	run_raised(ways_out);
}

/* A link-local endpoint is that of one link. */
static bool link_local_ways_out(void)
{
	uint32_t other, ifindex;
	struct endpoint endpoint = {.address = netbox_prefix("fe80::9/128").address,
		.source = netbox_prefix("fe80::1/128").address};
	ifindex = 0;
	REQUIRE(netbox_tun("t1", &other) >= 0);
	REQUIRE(netlink_link_set_up(&box.n, other, true) == 0);
	struct ip_prefix p = netbox_prefix("fe80::1/64");
	REQUIRE(netlink_address_add(&box.n, other, &p) == 0 && add_address("fe80::1/64") == 0);
	endpoint.scope_id = other;
	REQUIRE(!netlink_route_way_out(&box.n, &endpoint, 0, &ifindex) && ifindex == other);
	endpoint.scope_id = box.ifindex;
	ifindex = 0;
	REQUIRE(!netlink_route_way_out(&box.n, &endpoint, 0, &ifindex) && ifindex == box.ifindex);
	return true;
}

TEST(netlink_route_knows_the_way_out_within_a_scope)
{
	run_raised(link_local_ways_out);
}

static bool unreachables(void)
{
	static const char *const prefixes[] = {"10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::/0"};
	struct netlink_routes found;
	bool is_empty;
	REQUIRE(netlink_table_is_empty(&box.n, TABLE, &is_empty) == 0 && is_empty);
	for (size_t i = 0; i < 4; i++) {
		struct ip_prefix p = netbox_prefix(prefixes[i]);
		REQUIRE(netlink_unreachable_add(&box.n, TABLE, &p, UINT32_MAX) == 0);
		REQUIRE(netlink_unreachable_add(&box.n, TABLE, &p, UINT32_MAX) == -EEXIST);
		REQUIRE(netlink_unreachable_add(&box.n, TABLE, &p, 0xf1234567) == 0);
	}
	REQUIRE(netlink_table_is_empty(&box.n, TABLE, &is_empty) == 0 && !is_empty);
	REQUIRE(netlink_table_is_empty(&box.n, TABLE + 1, &is_empty) == 0 && is_empty);
	REQUIRE(netlink_unreachable_list(&box.n, &found) == 0 && found.count == 8);
	for (size_t i = 0; i < found.count; i++) {
		const struct netlink_route *r = &found.items[i];
		REQUIRE(r->table == TABLE && (r->metric == UINT32_MAX || r->metric == 0xf1234567));
		REQUIRE(netlink_unreachable_delete(&box.n, TABLE, &r->prefix, r->metric) == 0);
		REQUIRE(netlink_unreachable_delete(&box.n, TABLE, &r->prefix, r->metric) == -ESRCH);
	}
	netlink_routes_free(&found);
	REQUIRE(netlink_table_is_empty(&box.n, TABLE, &is_empty) == 0 && is_empty);
	return true;
}

TEST(netlink_unreachable_routes_differ_by_metric)
{
	run_raised(unreachables);
}
