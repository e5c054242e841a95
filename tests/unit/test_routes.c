#include "manage/routes.h"

#include <poll.h>
#include <unistd.h>

#include "unit/netbox.h"
#include "unit/sandbox.h"

static struct routes r;
static bool (*current)(void);

static bool watched(void)
{
	REQUIRE(netlink_link_set_up(&box.n, box.ifindex, true) == 0);
	REQUIRE(routes_open(&r) == 0 && r.due == NANOS_NEVER);
	return current();
}

static void run_watched(bool (*body)(void))
{
	current = body;
	netbox_run(watched);
}

static bool is_readable(void)
{
	struct pollfd p = {.fd = r.fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

/* The route of a new IPv6 address comes a little after the call that added the address. */
static bool becomes_readable(void)
{
	struct pollfd p = {.fd = r.fd, .events = POLLIN};
	return poll(&p, 1, 5000) == 1;
}

/* Whether what has happened since the last call is news. */
static bool is_news(void)
{
	REQUIRE(routes_read(&r, 1000) == 0 && !is_readable());
	return routes_take_news(&r, NANOS_NEVER - 1);
}

static bool hears_changes(void)
{
	static const char *const pairs[][2] = {
		{"10.1.0.1/24", "10.2.0.0/16"}, {"fd01::1/64", "fd02::/64"}};
	for (int i = 0; i < 2; i++) {
		struct ip_prefix address = netbox_prefix(pairs[i][0]),
				 route = netbox_prefix(pairs[i][1]);
		REQUIRE(!is_news());
		REQUIRE(netlink_address_add(&box.n, box.ifindex, &address) == 0);
		REQUIRE(becomes_readable() && is_news()); /* its route, that is */
		REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &route) == 0);
		REQUIRE(becomes_readable() && is_news());
		REQUIRE(netlink_route_delete(&box.n, box.ifindex, 254, &route) == 0);
		REQUIRE(becomes_readable() && is_news());
		REQUIRE(netlink_address_delete(&box.n, box.ifindex, &address) == 0);
		REQUIRE(becomes_readable() && is_news());
	}
	REQUIRE(!is_news());
	/* links are somebody else's business, as long as no route is lost */
	REQUIRE(netlink_link_set_mtu(&box.n, box.ifindex, 1400) == 0 && !is_readable());
	routes_close(&r);
	routes_close(&r);
	return r.fd == -1;
}

TEST(routes_hears_of_routes_and_addresses_row_39)
{
	run_watched(hears_changes);
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

/* More than the queue holds: what is lost is a change too. */
static bool lost_messages(void)
{
	struct ip_prefix route = netbox_prefix("10.2.0.0/16");
	for (int i = 0; i < 3000; i++) {
		REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &route) == 0);
		REQUIRE(netlink_route_delete(&box.n, box.ifindex, 254, &route) == 0);
	}
	for (int i = 0; i < 10 && is_readable(); i++)
		REQUIRE(routes_read(&r, 1) == 0);
	REQUIRE(!is_readable() && routes_take_news(&r, NANOS_NEVER - 1));
	REQUIRE(netlink_route_add(&box.n, box.ifindex, 254, &route) == 0 && is_news());
	return true;
}

TEST(routes_survives_a_full_queue)
{
	run_watched(lost_messages);
}
