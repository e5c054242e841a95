#include "manage/netlink.h"

#include "manage/netlink_request.h"

#include <errno.h>
#include <linux/ip.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

void netlink_link_parse(const struct nlmsghdr *message, struct netlink_link *out)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct netlink_attrs attrs;
	netlink_attrs_read(&attrs, message, sizeof(*info));
	*out = (struct netlink_link){.ifindex = (uint32_t)info->ifi_index,
		.mtu = netlink_attr_u32(attrs.by_type[IFLA_MTU]),
		.is_up = info->ifi_flags & IFF_UP};
	netlink_attr_copy_text(attrs.by_type[IFLA_IFNAME], out->name, sizeof(out->name));
}

static int take_link(const struct nlmsghdr *message, void *context)
{
	if (netlink_message_is(message, RTM_NEWLINK, sizeof(struct ifinfomsg)))
		netlink_link_parse(message, context);
	return 0;
}

static int get_link(struct netlink *n, union netlink_request *r, struct netlink_link *out)
{
	struct netlink_link found = {0};
	int error = netlink_request_run(n, r, take_link, &found);
	if (!error && !found.ifindex)
		error = -ENODEV;
	if (!error)
		*out = found;
	return error;
}

int netlink_link_get(struct netlink *n, uint32_t ifindex, struct netlink_link *out)
{
	union netlink_request r;
	struct ifinfomsg *info = netlink_request_init(&r, RTM_GETLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	return get_link(n, &r, out);
}

int netlink_link_find(struct netlink *n, const char *name, int nsid, struct netlink_link *out)
{
	union netlink_request r;
	netlink_request_init(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	mnl_attr_put_strz(&r.header, IFLA_IFNAME, name);
	if (nsid != NETLINK_NSID_OWN)
		mnl_attr_put_u32(&r.header, IFLA_TARGET_NETNSID, (uint32_t)nsid);
	return get_link(n, &r, out);
}

static struct ifinfomsg *init_change(union netlink_request *r, uint32_t ifindex)
{
	struct ifinfomsg *info = netlink_request_init(r, RTM_SETLINK, 0, sizeof(*info));
	info->ifi_index = (int)ifindex;
	return info;
}

int netlink_link_set_up(struct netlink *n, uint32_t ifindex, bool up)
{
	union netlink_request r;
	struct ifinfomsg *info = init_change(&r, ifindex);
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_link_set_mtu(struct netlink *n, uint32_t ifindex, uint32_t mtu)
{
	union netlink_request r;
	init_change(&r, ifindex);
	mnl_attr_put_u32(&r.header, IFLA_MTU, mtu);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_link_set_queue_len(struct netlink *n, uint32_t ifindex, uint32_t packets)
{
	union netlink_request r;
	init_change(&r, ifindex);
	mnl_attr_put_u32(&r.header, IFLA_TXQLEN, packets);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_link_set_no_autoconf(struct netlink *n, uint32_t ifindex)
{
	union netlink_request r;
	init_change(&r, ifindex);
	struct nlattr *families = mnl_attr_nest_start(&r.header, IFLA_AF_SPEC);
	struct nlattr *v6 = mnl_attr_nest_start(&r.header, AF_INET6);
	mnl_attr_put_u8(&r.header, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(&r.header, v6);
	mnl_attr_nest_end(&r.header, families);
	int error = netlink_request_run(n, &r, NULL, NULL);
	return error == -EAFNOSUPPORT ? 0 : error;
}

int netlink_link_set_promotion(struct netlink *n, uint32_t ifindex)
{
	union netlink_request r;
	init_change(&r, ifindex);
	struct nlattr *families = mnl_attr_nest_start(&r.header, IFLA_AF_SPEC);
	struct nlattr *v4 = mnl_attr_nest_start(&r.header, AF_INET);
	struct nlattr *settings = mnl_attr_nest_start(&r.header, IFLA_INET_CONF);
	mnl_attr_put_u32(&r.header, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1);
	mnl_attr_nest_end(&r.header, settings);
	mnl_attr_nest_end(&r.header, v4);
	mnl_attr_nest_end(&r.header, families);
	int error = netlink_request_run(n, &r, NULL, NULL);
	return error == -EAFNOSUPPORT ? 0 : error;
}

/* ------------------------------------------------------------------ namespaces */

static int take_nsid(const struct nlmsghdr *message, void *context)
{
	struct netlink_attrs attrs;
	if (!netlink_message_is(message, RTM_NEWNSID, sizeof(struct rtgenmsg)))
		return 0;
	netlink_attrs_read(&attrs, message, sizeof(struct rtgenmsg));
	if (attrs.by_type[NETNSA_NSID])
		*(int *)context = (int)netlink_attr_u32(attrs.by_type[NETNSA_NSID]);
	return 0;
}

static int ask_nsid(struct netlink *n, int namespace_fd, int *nsid)
{
	union netlink_request r;
	netlink_request_init(&r, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(&r.header, NETNSA_FD, (uint32_t)namespace_fd);
	*nsid = NETNSA_NSID_NOT_ASSIGNED;
	return netlink_request_run(n, &r, take_nsid, nsid);
}

static int assign_nsid(struct netlink *n, int namespace_fd)
{
	union netlink_request r;
	netlink_request_init(&r, RTM_NEWNSID, 0, sizeof(struct rtgenmsg));
	mnl_attr_put_u32(&r.header, NETNSA_FD, (uint32_t)namespace_fd);
	mnl_attr_put_u32(&r.header, NETNSA_NSID, (uint32_t)NETNSA_NSID_NOT_ASSIGNED);
	int error = netlink_request_run(n, &r, NULL, NULL);
	return error == -EEXIST ? 0 : error; /* somebody was faster */
}

/* 1: the namespace is the socket's own, 0: it is not, or -errno. */
static int is_own_namespace(struct netlink *n, int namespace_fd)
{
	int own = ioctl(mnl_socket_get_fd(n->socket), SIOCGSKNS);
	if (own < 0)
		return -errno;
	struct stat a, b;
	int result;
	if (fstat(own, &a) || fstat(namespace_fd, &b))
		result = -errno;
	else
		result = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	close(own);
	return result;
}

int netlink_nsid_get(struct netlink *n, int namespace_fd, int *nsid)
{
	n->words[0] = 0;
	*nsid = NETLINK_NSID_OWN;
	int own = is_own_namespace(n, namespace_fd);
	if (own != 0)
		return own < 0 ? own : 0;
	int error = ask_nsid(n, namespace_fd, nsid);
	if (error || *nsid != NETNSA_NSID_NOT_ASSIGNED)
		return error;
	error = assign_nsid(n, namespace_fd);
	if (!error)
		error = ask_nsid(n, namespace_fd, nsid);
	if (!error && *nsid == NETNSA_NSID_NOT_ASSIGNED)
		error = -ENOENT;
	return error;
}
