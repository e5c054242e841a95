/*
 * For tests of manage/ inside a sandbox: devices, namespaces, and what others
 * than adit do to the same kernel tables.
 */
#ifndef ADIT_TESTS_NETBOX_H
#define ADIT_TESTS_NETBOX_H

#include "base/ip.h"
#include "manage/netlink.h"

/* What every body has: a socket, and a TUN device t0, which is down. */
struct netbox {
	struct netlink n;
	uint32_t ifindex;
	int tun;
};
extern struct netbox box;

/* As sandbox_run; skipped where no TUN device can be made. */
void netbox_run(bool (*body)(void));

/* "10.0.0.1/24", host bits kept; aborts on nonsense. */
struct ip_prefix netbox_prefix(const char *text);

/* Another TUN device; its descriptor or -1. */
int netbox_tun(const char *name, uint32_t *ifindex);

/* One with this index. */
int netbox_tun_at(const char *name, uint32_t ifindex);

/* A route of protocol `static` in the main table, with an MTU unless that is 0. */
int netbox_foreign_route(struct netlink *n, uint32_t ifindex, const char *prefix, uint32_t mtu);

/* Packets with the mark use `table`. */
int netbox_rule(struct netlink *n, uint32_t fwmark, uint32_t table);

/* A new namespace: its descriptor, and a socket inside. This process stays where it is. */
int netbox_namespace(struct netlink *inside);

/* Moves the device from the namespace of n into another one. */
int netbox_move(struct netlink *n, uint32_t ifindex, int namespace_fd);

int netbox_delete(struct netlink *n, uint32_t ifindex);

/* From now on the kernel has no nftables, for this process. */
bool netbox_forbid_netfilter(void);

#endif
