/*
 * The life of the tunnel's device, wherever it is: up, down, MTU, moved to
 * another network namespace, deleted. One multicast socket hears all namespaces
 * that have an id here; which one the device is in is asked of its own TUN
 * descriptor, so neither a lost message nor several moves lead astray, and the
 * other namespace is never entered. Without CAP_NET_BROADCAST other namespaces are
 * not heard. Linux 5.2.
 */
#ifndef ADIT_MANAGE_MONITOR_H
#define ADIT_MANAGE_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "manage/netlink.h"

/* What monitor_read found changed: any of these together. */
#define MONITOR_UP	1u
#define MONITOR_DOWN	2u
#define MONITOR_MTU	4u
#define MONITOR_MOVED	8u  /* to another namespace; the kernel has flushed addresses and routes */
#define MONITOR_DELETED 16u /* the last event there is */

struct monitor {
	int fd; /* for the loop: readable means monitor_read */
	struct netlink asking;
	struct mnl_socket *socket;
	int tun; /* borrowed */
	bool is_deleted;
	int nsid;		  /* where the device is; NETLINK_NSID_OWN: here */
	struct netlink_link link; /* as last known */
};

/*
 * Watches the device of the descriptor `tun`, which must stay open as long as
 * the monitor. m->link is filled. 0 or -errno.
 */
int monitor_open(struct monitor *m, int tun);
void monitor_close(struct monitor *m);

/*
 * One message of the kernel: 1 and what it changes (may be nothing: 0 in
 * *changes), 0 when there is none at present, or -errno. m->link is the new state.
 */
int monitor_read(struct monitor *m, uint32_t *changes);

#endif
