#include "manage/link_mtu.h"

#include <linux/rtnetlink.h>

#define MTU_MIN	     68	   /* [RFC 791]; the least a TUN takes */
#define PATH_MAX_MTU 65536 /* loopback's; an IP packet ends there */

/* The MTU of what a route leads to; 0: unknown. */
static uint32_t mtu_of_route(struct netlink *n, const struct netlink_route *route)
{
	struct netlink_link device;
	if (route->mtu)
		return route->mtu;
	return netlink_link_get(n, route->ifindex, &device) ? 0 : device.mtu;
}

static uint32_t smaller_known(uint32_t a, uint32_t b)
{
	return !b || (a && a < b) ? a : b;
}

static uint32_t mtu_of_default_route(struct netlink *n, uint32_t ifindex)
{
	struct netlink_routes routes;
	uint32_t mtu = 0;
	if (!netlink_route_list(n, 0, 0, &routes)) {
		for (size_t i = 0; i < routes.count; i++)
			if (!routes.items[i].prefix.len && routes.items[i].table == RT_TABLE_MAIN &&
				routes.items[i].ifindex != ifindex)
				mtu = smaller_known(mtu, mtu_of_route(n, &routes.items[i]));
	}
	netlink_routes_free(&routes);
	return mtu;
}

uint32_t link_choose_mtu(struct netlink *n, uint32_t ifindex, const struct ip_address *endpoints,
	size_t endpoint_count, uint32_t fwmark)
{
	uint32_t mtu = 0;
	struct netlink_route route;
	for (size_t i = 0; i < endpoint_count; i++)
		if (!netlink_route_lookup(n, &endpoints[i], fwmark, &route) &&
			route.ifindex != ifindex)
			mtu = smaller_known(mtu, mtu_of_route(n, &route));
	if (!mtu)
		mtu = mtu_of_default_route(n, ifindex);
	if (!mtu)
		mtu = LINK_MTU_FALLBACK;
	if (mtu > PATH_MAX_MTU)
		mtu = PATH_MAX_MTU;
	return mtu < MTU_MIN + LINK_OVERHEAD ? MTU_MIN : mtu - LINK_OVERHEAD;
}
