/*
 * A netlink socket for requests: it never waits longer than
 * NETLINK_TIMEOUT_SECONDS for the kernel, and keeps the words that the kernel
 * gives with an error. One thread; the caller owns the struct.
 */
#ifndef ADIT_MANAGE_NETLINK_SOCKET_H
#define ADIT_MANAGE_NETLINK_SOCKET_H

#include <stdint.h>

#include "base/nanos.h"

#define NETLINK_TIMEOUT_SECONDS 5
#define NETLINK_WORDS_MAX	256

#define NETLINK_NSID_OWN (-1) /* the socket's own namespace; others have ids from 0 on */

struct mnl_socket;

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
	nanos timeout_ns;	       /* that an answer may take */
	char words[NETLINK_WORDS_MAX]; /* the kernel's, about the last failure; "" if it had none */
};

/* For links, addresses, routes and rules; for packet filters. 0 or -errno. */
int netlink_open(struct netlink *n);
int netlink_open_netfilter(struct netlink *n);
void netlink_close(struct netlink *n);

/* Words for `error` (-errno as returned by the last call on n); valid until the next call. */
const char *netlink_explain(struct netlink *n, int error);

#endif
