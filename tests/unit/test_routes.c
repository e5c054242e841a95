#include "manage/routes.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <unistd.h>

#include "manage/netlink_request.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

static struct routes r;
static bool (*current)(void);

/* The box's own IPv6 address would come and go whenever the kernel gets round to it. */
static bool watched(void)
{
	REQUIRE(netlink_link_set_no_autoconf(&box.n, box.ifindex) == 0);
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(routes_open(&r) == 0 && r.due == NANOS_NEVER);
	return current();
}

static void run_watched(bool (*body)(void))
{
	current = body;
	netbox_run(watched);
}

static bool is_readable(int timeout_ms)
{
	struct pollfd p = {.fd = r.fd, .events = POLLIN};
	return poll(&p, 1, timeout_ms) == 1;
}

/* Whether what has happened since the last call is news. */
static bool is_news(void)
{
	REQUIRE(routes_read(&r, 1000) == 0);
	return routes_take_news(&r, NANOS_NEVER - 1);
}

/* Routes of an IPv6 address come a little after the call that added the address. */
static bool becomes_news(void)
{
	while (!is_news())
		REQUIRE(is_readable(5000));
	return true;
}

static bool change_all(const char *address_text, const char *route_text)
{
	struct ip_prefix address = netbox_prefix(address_text), route = netbox_prefix(route_text);
	REQUIRE(netlink_address_add(&box.n, box.ifindex, &address) == 0);
	REQUIRE(becomes_news()); /* its route, that is */
	REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &route) == 0);
	REQUIRE(becomes_news());
	REQUIRE(netlink_route_delete(&box.n, box.ifindex, 254, &route) == 0);
	REQUIRE(becomes_news());
	REQUIRE(netlink_address_delete(&box.n, box.ifindex, &address) == 0);
	return becomes_news();
}

static bool hears_changes(void)
{
	REQUIRE(change_all("10.1.0.1/24", "10.2.0.0/16"));
	REQUIRE(!is_readable(0) && !is_news());
	/* links are somebody else's business, as long as no route is lost */
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1400) == 0 && !is_readable(0));
	REQUIRE(change_all("fd01::1/64", "fd02::/64"));
	routes_close(&r);
	routes_close(&r);
	return r.fd == -1;
}

TEST(routes_hears_of_routes_and_addresses_row_39)
{
	run_watched(hears_changes);
}

static int rule6(void)
{
	union netlink_request request;
	struct fib_rule_hdr *m =
		netlink_request_init(&request, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof *m);
	m->family = AF_INET6;
	m->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(&request.header, FRA_FWMARK, 0x77);
	mnl_attr_put_u32(&request.header, FRA_TABLE, 77);
	return netlink_request_run(&box.n, &request, NULL, NULL);
}

static bool hears_rules(void)
{
	REQUIRE(netbox_rule(&box.n, 0x77, 77) == 0 && is_news());
	REQUIRE(rule6() == 0 && is_news());
	return !is_readable(0);
}

TEST(routes_hears_of_rules)
{
	run_watched(hears_rules);
}

static bool one_piece_of_news(void)
{
	struct ip_prefix route = netbox_prefix("10.2.0.0/16");
	for (nanos t = 1000; t < 1010; t++) {
		REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &route) == 0);
		REQUIRE(netlink_route_delete(&box.n, box.ifindex, 254, &route) == 0);
		REQUIRE(routes_read(&r, t) == 0);
	}
	REQUIRE(r.due == 1000 + ROUTES_SETTLE_NS); /* counted from the first */
	REQUIRE(!routes_take_news(&r, r.due - 1));
	nanos due = r.due;
	REQUIRE(routes_take_news(&r, due) && r.due == NANOS_NEVER);
	REQUIRE(!routes_take_news(&r, NANOS_NEVER - 1));
	return true;
}

TEST(routes_makes_one_piece_of_news_of_a_flurry)
{
	run_watched(one_piece_of_news);
}

/* As when a router renews the lifetime of an address. */
static bool renew(const struct ip_prefix *address)
{
	union netlink_request request;
	struct ifaddrmsg *m = netlink_request_init(
		&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof *m);
	m->ifa_family = AF_INET;
	m->ifa_prefixlen = address->len;
	m->ifa_index = box.ifindex;
	mnl_attr_put(&request.header, IFA_LOCAL, 4, address->address.bytes);
	return netlink_request_run(&box.n, &request, NULL, NULL) == 0;
}

/* Renewals are no news; but where more came than the queue holds, who knows. */
static bool lost_messages(void)
{
	struct ip_prefix address = netbox_prefix("10.1.0.1/24");
	REQUIRE(netlink_address_add(&box.n, box.ifindex, &address) == 0 && is_news());
	REQUIRE(renew(&address) && is_readable(0) && !is_news());
	for (int i = 0; i < 10000; i++)
		REQUIRE(renew(&address));
	REQUIRE(is_news());
	while (is_readable(0))
		is_news();
	REQUIRE(renew(&address) && is_readable(0) && !is_news());
	REQUIRE(netlink_address_delete(&box.n, box.ifindex, &address) == 0 && is_news());
	return true;
}

TEST(routes_knows_what_it_does_not_know)
{
	run_watched(lost_messages);
}
