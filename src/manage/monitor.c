#include "manage/monitor.h"

#include "io/tun.h"
#include "manage/netlink_request.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOCATE_TRIES 8	    /* of finding a device that is moved or renamed meanwhile */
#define DISCARD_MAX  100000 /* messages thrown away at once; far more than a queue holds */

/* The namespace of the TUN device itself, by its id here. */
static int find_namespace(struct monitor *m, int *nsid)
{
	int fd = ioctl(m->tun, TUNGETDEVNETNS);
	*nsid = NETLINK_NSID_OWN;
	if (fd < 0) /* nobody without privilege is told; then it can only be looked for here */
		return errno == EPERM ? 0 : -errno;
	int error = netlink_nsid_get(&m->asking, fd, nsid);
	close(fd);
	return error;
}

/* -EBADFD: the device is deleted, its descriptor leads nowhere. */
static int locate(struct monitor *m, int *nsid, struct netlink_link *link)
{
	char name[IFNAMSIZ];
	int error = -ENODEV;
	for (int try = 0; error == -ENODEV && try < LOCATE_TRIES; try++) {
		error = tun_name(m->tun, name);
		if (!error)
			error = find_namespace(m, nsid);
		if (!error)
			error = netlink_link_find(&m->asking, name, *nsid, link);
	}
	return error;
}

/* Takes over the new state; returns what is different. */
static uint32_t adopt(struct monitor *m, int nsid, const struct netlink_link *link)
{
	uint32_t changes = 0;
	if (nsid != m->nsid)
		changes |= MONITOR_MOVED;
	if (link->is_up != m->link.is_up)
		changes |= link->is_up ? MONITOR_UP : MONITOR_DOWN;
	if (link->mtu != m->link.mtu)
		changes |= MONITOR_MTU;
	m->nsid = nsid;
	m->link = *link;
	return changes;
}

static int resynchronise(struct monitor *m, uint32_t *changes)
{
	struct netlink_link link;
	int nsid;
	int error = locate(m, &nsid, &link);
	if (error == -EBADFD) {
		*changes |= MONITOR_DELETED;
		m->is_deleted = true;
		return 0;
	}
	if (!error)
		*changes |= adopt(m, nsid, &link);
	return error;
}

/*
 * After a loss the queue holds what came before it and nothing of what came
 * later: read after asking, it would set the clock back.
 */
static int start_again(struct monitor *m, uint32_t *changes)
{
	char bytes[1];
	ssize_t got = 0;
	for (int i = 0; got != -EAGAIN && i < DISCARD_MAX; i++)
		got = netlink_receive(m->socket, bytes, sizeof(bytes), NULL);
	return m->is_deleted ? 0 : resynchronise(m, changes);
}

static int subscribe(struct monitor *m)
{
	m->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!m->socket)
		return -errno;
	/* Who was handed a TUN may have no privilege; then only our own namespace is heard. */
	if (mnl_socket_setsockopt(m->socket, NETLINK_LISTEN_ALL_NSID, &(int){1}, sizeof(int)) < 0 &&
		errno != EPERM)
		return -errno;
	if (mnl_socket_bind(m->socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_setsockopt(
			m->socket, NETLINK_ADD_MEMBERSHIP, &(int){RTNLGRP_NSID}, sizeof(int)) < 0)
		return -errno;
	m->fd = mnl_socket_get_fd(m->socket);
	return 0;
}

int monitor_open(struct monitor *m, int tun)
{
	*m = (struct monitor){.fd = -1, .tun = tun, .nsid = NETLINK_NSID_OWN};
	int error = netlink_open(&m->asking);
	if (!error)
		error = subscribe(m);
	/* Listening first: what changes from here on is either seen or heard. */
	if (!error)
		error = locate(m, &m->nsid, &m->link);
	if (error)
		monitor_close(m);
	return error;
}

void monitor_close(struct monitor *m)
{
	if (m->socket)
		mnl_socket_close(m->socket);
	netlink_close(&m->asking);
	m->socket = NULL;
	m->fd = -1;
}

/* Other families tell of the same device as a bridge's port. */
static bool is_ours(const struct monitor *m, const struct nlmsghdr *message, int nsid)
{
	if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
		return false;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	return mnl_nlmsg_get_payload_len(message) >= sizeof(*info) &&
	       info->ifi_family == AF_UNSPEC && nsid == m->nsid &&
	       (uint32_t)info->ifi_index == m->link.ifindex;
}

/* A namespace loses its id before its devices die, and so takes ours along unheard. */
static bool is_our_namespaces_end(const struct monitor *m, const struct nlmsghdr *message, int nsid)
{
	if (!netlink_message_is(message, RTM_DELNSID, sizeof(struct rtgenmsg)) ||
		nsid != NETLINK_NSID_OWN)
		return false;
	struct netlink_attrs attrs;
	netlink_attrs_read(&attrs, message, sizeof(struct rtgenmsg));
	const struct nlattr *id = attrs.by_type[NETNSA_NSID];
	return id && (int)netlink_attr_u32(id) == m->nsid;
}

static int take_message(
	struct monitor *m, const struct nlmsghdr *message, int nsid, uint32_t *changes)
{
	if (m->is_deleted)
		return 0;
	if (is_our_namespaces_end(m, message, nsid)) {
		m->is_deleted = true;
		*changes |= MONITOR_DELETED;
		return 0;
	}
	if (!is_ours(m, message, nsid))
		return 0;
	if (message->nlmsg_type == RTM_DELLINK) /* deleted here, or gone to another namespace */
		return resynchronise(m, changes);
	struct netlink_link link;
	netlink_link_parse(message, &link);
	*changes |= adopt(m, nsid, &link);
	return 0;
}

int monitor_read(struct monitor *m, uint32_t *changes)
{
	uint8_t bytes[NETLINK_RECEIVE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	int nsid, error = 0;
	*changes = 0;
	ssize_t got = netlink_receive(m->socket, bytes, sizeof(bytes), &nsid);
	if (got == -EAGAIN)
		return 0;
	if (got == -ENOBUFS || got == -EMSGSIZE) /* messages were lost, or one was cut */
		error = start_again(m, changes);
	else if (got < 0)
		return (int)got;
	int len = got < 0 ? 0 : (int)got;
	const struct nlmsghdr *message = (const void *)bytes;
	for (; !error && netlink_message_ok(message, len); message = mnl_nlmsg_next(message, &len))
		error = take_message(m, message, nsid, changes);
	return error ? error : 1;
}
