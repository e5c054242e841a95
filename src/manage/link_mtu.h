/*
 * The MTU of a tunnel that was given none. Asks the system about routes, and
 * touches nothing.
 */
#ifndef ADIT_MANAGE_LINK_MTU_H
#define ADIT_MANAGE_LINK_MTU_H

#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "manage/netlink.h"

#define LINK_OVERHEAD	  80   /* outer IPv6 and UDP headers and WireGuard's own */
#define LINK_MTU_FALLBACK 1500 /* of the path, when nothing is known about it */

/*
 * The MTU that wg-quick(8) would choose, smallest wins: for each endpoint the
 * route's MTU, else its device's; without any the default route's; else 1500;
 * minus LINK_OVERHEAD. Routes through the tunnel itself, `ifindex`, do not count.
 * `fwmark` is the mark that keeps our own packets from it now.
 */
uint32_t link_choose_mtu(struct netlink *n, uint32_t ifindex, const struct ip_address *endpoints,
	size_t endpoint_count, uint32_t fwmark);

#endif
