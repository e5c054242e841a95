#include "manage/netlink_socket.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

static int set_options(struct mnl_socket *socket)
{
	/* The last has the kernel do a listing's filtering. */
	static const int on[] = {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK};
	for (size_t i = 0; i < sizeof(on) / sizeof(*on); i++)
		if (mnl_socket_setsockopt(socket, on[i], &(int){1}, sizeof(int)) < 0)
			return -errno;
	return 0;
}

static int open_bus(struct netlink *n, int bus)
{
	*n = (struct netlink){.socket = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK),
		.timeout_ns = NETLINK_TIMEOUT_SECONDS * NANOS_PER_SECOND};
	if (!n->socket)
		return -errno;
	int error = set_options(n->socket);
	if (!error && mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	if (error)
		netlink_close(n);
	return error;
}

int netlink_open(struct netlink *n)
{
	return open_bus(n, NETLINK_ROUTE);
}

int netlink_open_netfilter(struct netlink *n)
{
	return open_bus(n, NETLINK_NETFILTER);
}

void netlink_close(struct netlink *n)
{
	if (n->socket)
		mnl_socket_close(n->socket);
	n->socket = NULL;
}

const char *netlink_explain(struct netlink *n, int error)
{
	if (!n->words[0])
		snprintf(n->words, sizeof(n->words), "%s", strerror(-error));
	return n->words;
}
