/*
 * What is asked of the kernel about links, addresses and routes: one request,
 * its answer, within NETLINK_TIMEOUT_SECONDS. No policy: manage/link.h has that.
 * Requests concern the namespace in which the socket was opened, links also
 * another one by its id.
 *
 * Functions return 0 or -errno. After a failure netlink_explain gives words fit
 * for a person, the kernel's own where it gave some. One thread; the caller owns
 * the struct.
 */
#ifndef ADIT_MANAGE_NETLINK_H
#define ADIT_MANAGE_NETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "manage/netlink_socket.h"
#include "peer/endpoint.h"

#define NETLINK_ROUTES_MAX (1u << 20) /* rows that a listing takes in, then -EOVERFLOW */

/* The protocol number in every route that adit sets ("ip route show proto 173"). */
#define RTPROT_ADIT 173

struct nlmsghdr;

struct netlink_link {
	uint32_t ifindex;
	uint32_t mtu;
	bool is_up; /* administratively, as `ip link set up` does */
	char name[IFNAMSIZ];
};

struct netlink_route {
	struct ip_prefix prefix;
	uint32_t table;
	uint32_t ifindex; /* 0 in a route without a device */
	uint32_t mtu;	  /* the route's own, 0: none */
	uint32_t metric;
	uint8_t protocol;
	uint8_t type; /* RTN_UNICAST, RTN_LOCAL and so on */
};

/* Routes of a listing; wipe with netlink_routes_free. */
struct netlink_routes {
	struct netlink_route *items;
	size_t count, capacity;
};

/* The state that an RTM_NEWLINK or RTM_DELLINK tells; with a whole struct ifinfomsg in it. */
void netlink_link_parse(const struct nlmsghdr *message, struct netlink_link *out);

/* By index, in our own namespace; -ENODEV when there is none. */
int netlink_link_get(struct netlink *n, uint32_t ifindex, struct netlink_link *out);

/* By name in the namespace that has the id `nsid` here. */
int netlink_link_find(struct netlink *n, const char *name, int nsid, struct netlink_link *out);

int netlink_link_set_up(struct netlink *n, uint32_t ifindex, bool up);
int netlink_link_set_mtu(struct netlink *n, uint32_t ifindex, uint32_t mtu);
int netlink_link_set_queue_len(struct netlink *n, uint32_t ifindex, uint32_t packets);

/*
 * No link-local address by itself, so that the kernel does not send router
 * solicitations into a tunnel. 0 also where there is no IPv6.
 */
int netlink_link_set_no_autoconf(struct netlink *n, uint32_t ifindex);

/*
 * When the first IPv4 address of a prefix goes the next one takes its place, instead
 * of going with it. 0 also where there is no IPv4.
 */
int netlink_link_set_promotion(struct netlink *n, uint32_t ifindex);

/*
 * The id that a namespace, given by an open descriptor, has here; it gets one if it
 * has none. NETLINK_NSID_OWN for the socket's own.
 */
int netlink_nsid_get(struct netlink *n, int namespace_fd, int *nsid);

/* The address keeps its host bits. With a prefix route, as `ip address add` does. */
int netlink_address_add(struct netlink *n, uint32_t ifindex, const struct ip_prefix *address);
int netlink_address_delete(struct netlink *n, uint32_t ifindex, const struct ip_prefix *address);

/* Up to `max` addresses of the interface, with host bits; *count of them, or -EOVERFLOW. */
int netlink_address_list(
	struct netlink *n, uint32_t ifindex, struct ip_prefix *out, size_t max, size_t *count);

/* Straight through the device, marked RTPROT_ADIT. -EEXIST when the table has that prefix. */
int netlink_route_add(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix);
/* The same beside one that is there, of another protocol; -EEXIST where IPv6 takes no second. */
int netlink_route_append(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix);
/* Only one that is ours, else -ESRCH. */
int netlink_route_delete(
	struct netlink *n, uint32_t ifindex, uint32_t table, const struct ip_prefix *prefix);

/*
 * The unicast routes through the interface (0: any) with that protocol number
 * (0: any), in all tables. The caller frees *out, also after a failure.
 */
int netlink_route_list(
	struct netlink *n, uint32_t ifindex, uint8_t protocol, struct netlink_routes *out);
void netlink_routes_free(struct netlink_routes *routes);

/*
 * A route that leads nowhere (EHOSTUNREACH), without a device, marked RTPROT_ADIT. Two
 * that differ only in their metric are two routes. Deleting: only one that is ours.
 */
int netlink_unreachable_add(
	struct netlink *n, uint32_t table, const struct ip_prefix *prefix, uint32_t metric);
int netlink_unreachable_delete(
	struct netlink *n, uint32_t table, const struct ip_prefix *prefix, uint32_t metric);

/* Ours of this kind, in all tables. The caller frees *out, also after a failure. */
int netlink_unreachable_list(struct netlink *n, struct netlink_routes *out);

/* Whether a table has no route of any kind, of neither family. */
int netlink_table_is_empty(struct netlink *n, uint32_t table, bool *is_empty);

/* The route that a packet with that mark would take. -ENETUNREACH and the like: none. */
int netlink_route_lookup(struct netlink *n, const struct ip_address *destination, uint32_t fwmark,
	struct netlink_route *out);

/*
 * The interface by which a datagram with that mark would leave from to->source for
 * `to`, in *ifindex, which says before the only one that may be used (0: any).
 * -ENETUNREACH and the like: there is no route, or, where IPv4 is concerned, the
 * source is none of our addresses.
 */
int netlink_route_way_out(
	struct netlink *n, const struct endpoint *to, uint32_t fwmark, uint32_t *ifindex);

#endif
