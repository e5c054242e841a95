#include "manage/link.h"

#include "text/addrtext.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MTU_MIN	     68	   /* [RFC 791]; the least a TUN takes */
#define PATH_MAX_MTU 65536 /* loopback's; an IP packet ends there */

/* ------------------------------------------------------------------ what can be done */

static bool has_ipv6(const struct ip_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (prefixes[i].address.family == IP_V6)
			return true;
	return false;
}

static bool mtu_is_possible(
	const struct link_settings *s, uint32_t mtu, char why[static LINK_WHY_MAX])
{
	bool wants_ipv6 =
		has_ipv6(s->addresses, s->address_count) ||
		(s->table != LINK_TABLE_OFF && has_ipv6(s->allowed_ips, s->allowed_ip_count));
	if (mtu >= LINK_MTU_IPV6_MIN || !wants_ipv6)
		return true;
	snprintf(why, LINK_WHY_MAX,
		"MTU %u is too small for the IPv6 addresses inside the tunnel; they need at least "
		"%u: set MTU = %u, or leave IPv6 out of Address and AllowedIPs",
		mtu, LINK_MTU_IPV6_MIN, LINK_MTU_IPV6_MIN);
	return false;
}

bool link_is_possible(const struct link_settings *s, char why[static LINK_WHY_MAX])
{
	if (s->mtu && !mtu_is_possible(s, s->mtu, why))
		return false;
	for (size_t i = 0; s->table == LINK_TABLE_AUTO && i < s->allowed_ip_count; i++) {
		const struct ip_prefix *p = &s->allowed_ips[i];
		if (p->len)
			continue;
		bool v6 = p->address.family == IP_V6;
		const char *halves = v6 ? "::/1, 8000::/1" : "0.0.0.0/1, 128.0.0.0/1";
		snprintf(why, LINK_WHY_MAX,
			"AllowedIPs %s with Table = auto means this machine's default route, which "
			"adit cannot move yet; write Table = off, or Table = 1000 (any number) and "
			"ip-rules of your own, or AllowedIPs = %s and a route of your own to the "
			"peer's Endpoint",
			v6 ? "::/0" : "0.0.0.0/0", halves);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------ MTU */

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

static uint32_t mtu_of_default_route(struct netlink *n)
{
	struct netlink_routes routes;
	uint32_t mtu = 0;
	if (!netlink_route_list(n, 0, 0, &routes)) {
		for (size_t i = 0; i < routes.count; i++)
			if (!routes.items[i].prefix.len && routes.items[i].table == RT_TABLE_MAIN)
				mtu = smaller_known(mtu, mtu_of_route(n, &routes.items[i]));
	}
	netlink_routes_free(&routes);
	return mtu;
}

uint32_t link_choose_mtu(struct netlink *n, const struct ip_address *endpoints,
	size_t endpoint_count, uint32_t fwmark)
{
	uint32_t mtu = 0;
	struct netlink_route route;
	for (size_t i = 0; i < endpoint_count; i++)
		if (!netlink_route_lookup(n, &endpoints[i], fwmark, &route))
			mtu = smaller_known(mtu, mtu_of_route(n, &route));
	if (!mtu)
		mtu = mtu_of_default_route(n);
	if (!mtu)
		mtu = LINK_MTU_FALLBACK;
	if (mtu > PATH_MAX_MTU)
		mtu = PATH_MAX_MTU;
	return mtu < MTU_MIN + LINK_OVERHEAD ? MTU_MIN : mtu - LINK_OVERHEAD;
}

/* ------------------------------------------------------------------ steps, each noted once done */

static int fail(struct netlink *n, int error, const char *what, char why[static LINK_WHY_MAX])
{
	snprintf(why, LINK_WHY_MAX, "%s: %s", what, netlink_explain(n, error));
	return error;
}

static int prepare(struct link *link, struct netlink *n, const struct link_settings *s,
	char why[static LINK_WHY_MAX])
{
	struct netlink_link device;
	int error = netlink_link_get(n, s->ifindex, &device);
	if (error)
		return fail(n, error, "the tunnel's interface", why);
	*link = (struct link){
		.ifindex = s->ifindex,
		.table = s->table == LINK_TABLE_NUMBER ? s->table_number : RT_TABLE_MAIN,
		.mtu = device.mtu,
		.mtu_before = device.mtu,
		.was_up = device.is_up,
		.addresses = calloc(s->address_count + 1, sizeof(*link->addresses)),
		.routes = calloc(s->allowed_ip_count + 1, sizeof(*link->routes)),
	};
	if (link->addresses && link->routes)
		return 0;
	snprintf(why, LINK_WHY_MAX, "no memory for the list of routes");
	link_forget(link);
	return -ENOMEM;
}

static int set_mtu(
	struct link *link, struct netlink *n, uint32_t mtu, char why[static LINK_WHY_MAX])
{
	char what[32];
	snprintf(what, sizeof(what), "MTU %u", mtu);
	int error = netlink_link_set_mtu(n, link->ifindex, mtu);
	if (error)
		return fail(n, error, what, why);
	link->mtu = mtu;
	return 0;
}

static int add_addresses(struct link *link, struct netlink *n, const struct link_settings *s,
	char why[static LINK_WHY_MAX])
{
	char text[ADDRTEXT_PREFIX_MAX], what[ADDRTEXT_PREFIX_MAX + 16];
	for (size_t i = 0; i < s->address_count; i++) {
		const struct ip_prefix *address = &s->addresses[i];
		int error = netlink_address_add(n, link->ifindex, address);
		if (error) {
			addrtext_write_prefix(text, address);
			snprintf(what, sizeof(what), "address %s", text);
			return fail(n, error, what, why);
		}
		link->addresses[link->address_count++] = *address;
	}
	return 0;
}

static int raise_link(struct link *link, struct netlink *n, char why[static LINK_WHY_MAX])
{
	int error = netlink_link_set_no_autoconf(n, link->ifindex);
	if (!error)
		error = netlink_link_set_up(n, link->ifindex, true);
	if (error)
		return fail(n, error, "setting the interface up", why);
	link->is_raised = true;
	return 0;
}

/* Longest prefix first, equal ones side by side. */
static int compare_prefixes(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	if (a->len != b->len)
		return a->len > b->len ? -1 : 1;
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

static bool is_covered(const struct ip_prefix *p, const struct netlink_routes *by)
{
	for (size_t i = 0; i < by->count; i++) {
		const struct netlink_route *route = &by->items[i];
		if (route->table == RT_TABLE_MAIN && route->prefix.len <= p->len &&
			ip_prefix_contains(&route->prefix, &p->address))
			return true;
	}
	return false;
}

static int add_sorted_routes(struct link *link, struct netlink *n, const struct ip_prefix *sorted,
	size_t count, const struct netlink_routes *present, char why[static LINK_WHY_MAX])
{
	char text[ADDRTEXT_PREFIX_MAX], what[ADDRTEXT_PREFIX_MAX + 32];
	for (size_t i = 0; i < count; i++) {
		const struct ip_prefix *p = &sorted[i];
		if ((i && !compare_prefixes(p, p - 1)) || is_covered(p, present))
			continue;
		int error = netlink_route_add(n, link->ifindex, link->table, p);
		if (error) {
			addrtext_write_prefix(text, p);
			snprintf(what, sizeof(what), "route %s in table %u", text, link->table);
			return fail(n, error, what, why);
		}
		link->routes[link->route_count++] = *p;
	}
	return 0;
}

static int add_routes(struct link *link, struct netlink *n, const struct link_settings *s,
	char why[static LINK_WHY_MAX])
{
	if (s->table == LINK_TABLE_OFF || !s->allowed_ip_count)
		return 0;
	struct netlink_routes present = {0};
	struct ip_prefix *sorted = calloc(s->allowed_ip_count, sizeof(*sorted));
	int error = 0;
	if (!sorted) {
		snprintf(why, LINK_WHY_MAX, "no memory for the list of routes");
		return -ENOMEM;
	}
	memcpy(sorted, s->allowed_ips, s->allowed_ip_count * sizeof(*sorted));
	qsort(sorted, s->allowed_ip_count, sizeof(*sorted), compare_prefixes);
	/* A table of one's own gets everything, as with wg-quick(8). */
	if (s->table == LINK_TABLE_AUTO)
		error = netlink_route_list(n, link->ifindex, 0, &present);
	if (error)
		fail(n, error, "the routes that are there", why);
	else
		error = add_sorted_routes(link, n, sorted, s->allowed_ip_count, &present, why);
	netlink_routes_free(&present);
	free(sorted);
	return error;
}

/* ------------------------------------------------------------------ the whole */

int link_up(struct link *link, struct netlink *n, const struct link_settings *s,
	char why[static LINK_WHY_MAX])
{
	if (!link_is_possible(s, why))
		return -EINVAL;
	uint32_t mtu = s->mtu;
	if (!mtu)
		mtu = link_choose_mtu(n, s->endpoints, s->endpoint_count, s->fwmark);
	if (!mtu_is_possible(s, mtu, why))
		return -EINVAL;
	int error = prepare(link, n, s, why);
	if (error)
		return error;
	error = set_mtu(link, n, mtu, why);
	if (!error)
		error = add_addresses(link, n, s, why);
	if (!error)
		error = raise_link(link, n, why);
	if (!error)
		error = add_routes(link, n, s, why);
	if (error)
		link_down(link, n);
	return error;
}

/* No step's failure stops the next: what is gone already was to go anyway. */
void link_down(struct link *link, struct netlink *n)
{
	if (!link->ifindex)
		return;
	while (link->route_count)
		netlink_route_delete(
			n, link->ifindex, link->table, &link->routes[--link->route_count]);
	if (link->is_raised && !link->was_up)
		netlink_link_set_up(n, link->ifindex, false);
	while (link->address_count)
		netlink_address_delete(n, link->ifindex, &link->addresses[--link->address_count]);
	if (link->mtu != link->mtu_before)
		netlink_link_set_mtu(n, link->ifindex, link->mtu_before);
	link_forget(link);
}

void link_forget(struct link *link)
{
	free(link->addresses);
	free(link->routes);
	*link = (struct link){0};
}
