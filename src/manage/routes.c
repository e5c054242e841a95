#include "manage/routes.h"

#include "manage/netlink_request.h"

#include <errno.h>
#include <linux/rtnetlink.h>

/* libmnl's mask reaches to 32; only the older groups have names for it */
#define GROUP(number) (1u << ((number)-1))
#define GROUPS                                                                                     \
	(GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_IPV6_ROUTE) | GROUP(RTNLGRP_IPV4_IFADDR) |      \
		GROUP(RTNLGRP_IPV6_IFADDR) | GROUP(RTNLGRP_IPV4_RULE) | GROUP(RTNLGRP_IPV6_RULE))

#define READ_MAX 1000 /* messages at once; more come with the next call */

int routes_open(struct routes *r)
{
	*r = (struct routes){.fd = -1, .due = NANOS_NEVER};
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!r->socket)
		return -errno;
	if (mnl_socket_bind(r->socket, GROUPS, MNL_SOCKET_AUTOPID) < 0) {
		int error = -errno;
		routes_close(r);
		return error;
	}
	r->fd = mnl_socket_get_fd(r->socket);
	return 0;
}

void routes_close(struct routes *r)
{
	if (r->socket)
		mnl_socket_close(r->socket);
	*r = (struct routes){.fd = -1, .due = NANOS_NEVER};
}

/* A new address makes no old one worse; routers renew the lifetimes of theirs all the time. */
static bool is_change(const void *bytes, int len)
{
	const struct nlmsghdr *message = bytes;
	for (; netlink_message_ok(message, len); message = mnl_nlmsg_next(message, &len))
		if (message->nlmsg_type != RTM_NEWADDR)
			return true;
	return false;
}

int routes_read(struct routes *r, nanos boottime)
{
	uint8_t bytes[NETLINK_RECEIVE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	for (int i = 0; i < READ_MAX; i++) {
		ssize_t got = netlink_receive(r->socket, bytes, sizeof(bytes), NULL);
		if (got == -EAGAIN)
			break;
		bool is_lost = got == -ENOBUFS || got == -EMSGSIZE;
		if (got < 0 && got != -EINTR && !is_lost)
			return (int)got;
		if (is_lost || is_change(bytes, (int)got))
			r->due = nanos_min(r->due, nanos_add(boottime, ROUTES_SETTLE_NS));
	}
	return 0;
}

bool routes_take_news(struct routes *r, nanos boottime)
{
	if (!nanos_is_due(r->due, boottime))
		return false;
	r->due = NANOS_NEVER;
	return true;
}
