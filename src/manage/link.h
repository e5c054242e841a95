/*
 * The tunnel's link as wg-quick(8) sets it up: MTU, addresses, up, routes for
 * the AllowedIPs. What was set is written down and undone in reverse, on
 * failure and at the end. Not here: creating the device (io/), rules and marks
 * for a default route in the main table, DNS.
 */
#ifndef ADIT_MANAGE_LINK_H
#define ADIT_MANAGE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "manage/netlink.h"

#define LINK_WHY_MAX	  512  /* bytes of an explanation, its end included */
#define LINK_OVERHEAD	  80   /* outer IPv6 and UDP headers and WireGuard's own */
#define LINK_MTU_FALLBACK 1500 /* of the path, when nothing is known about it */
#define LINK_MTU_IPV6_MIN 1280 /* [RFC 8200 5] */

enum link_table { LINK_TABLE_AUTO, LINK_TABLE_OFF, LINK_TABLE_NUMBER };

/* What is wanted; the arrays belong to the caller. */
struct link_settings {
	uint32_t ifindex;
	const struct ip_prefix *addresses; /* with their host bits */
	size_t address_count;
	const struct ip_prefix *allowed_ips; /* of all peers, in any order, repetitions allowed */
	size_t allowed_ip_count;
	const struct ip_address *endpoints; /* of the peers, for an automatic MTU */
	size_t endpoint_count;
	uint32_t fwmark; /* of our own packets, for an automatic MTU */
	uint32_t mtu;	 /* 0: automatic */
	enum link_table table;
	uint32_t table_number; /* with LINK_TABLE_NUMBER */
};

/* What was done; owned by the caller, all zero before the first link_up. */
struct link {
	uint32_t ifindex, table;
	uint32_t mtu; /* in force */
	uint32_t mtu_before;
	bool was_up, is_raised;
	struct ip_prefix *addresses, *routes;
	size_t address_count, route_count;
};

/*
 * Whether the settings can be done at all, asked before anything is touched; if
 * not, `why` says what is wrong and what would be right.
 */
bool link_is_possible(const struct link_settings *settings, char why[static LINK_WHY_MAX]);

/*
 * The MTU that wg-quick(8) would choose, smallest wins: for each endpoint the
 * route's MTU, else its device's; without any the default route's; else 1500;
 * minus LINK_OVERHEAD.
 */
uint32_t link_choose_mtu(struct netlink *n, const struct ip_address *endpoints,
	size_t endpoint_count, uint32_t fwmark);

/*
 * Sets the link up. On failure everything is as before, `why` tells what went
 * wrong, and -errno is returned.
 */
int link_up(struct link *link, struct netlink *n, const struct link_settings *settings,
	char why[static LINK_WHY_MAX]);

/* Undoes link_up, whatever of it is still there, and forgets. */
void link_down(struct link *link, struct netlink *n);

/* Forgets without touching: the device is gone, or has left the namespace. */
void link_forget(struct link *link);

#endif
