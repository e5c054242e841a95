/*
 * The kernel's answers and news: what is read of links, addresses and routes, and of a
 * device's life. The kernel does not lie, but messages grow with its versions, and they
 * are walked by hand. What lies behind a datagram must not count: each input is read
 * twice, with different bytes there, and gives the same.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "manage/monitor.h"
#include "manage/netlink.h"
#include "manage/netlink_request.h"
#include "manage/routes.h"

#define ADDRESSES_MAX 8
#define NEWS_MAX      64 /* datagrams that a monitor reads */
#define LEN_LOST      0xffff
#define LEN_FOREIGN   0x8000 /* from another namespace */

/* All that may come of an input; compared as bytes, so zero where nothing was written. */
struct outcome {
	int error;
	char words[NETLINK_WORDS_MAX];
	struct netlink_link link;
	size_t count;
	struct ip_prefix addresses[ADDRESSES_MAX];
	struct netlink_route route;
	uint32_t changes, sums[3];
	bool is_deleted, has_news;
};

/* ---- in place of the kernel */

static struct input *datagrams;
static int filling;

ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len);

static void put_nsid(struct msghdr *header, int nsid)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	cmsg->cmsg_level = SOL_NETLINK;
	cmsg->cmsg_type = NETLINK_LISTEN_ALL_NSID;
	cmsg->cmsg_len = CMSG_LEN(sizeof nsid);
	memcpy(CMSG_DATA(cmsg), &nsid, sizeof nsid);
	header->msg_controllen = CMSG_SPACE(sizeof nsid);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	(void)fd;
	(void)flags;
	if (!datagrams->len) {
		errno = EAGAIN;
		return -1;
	}
	size_t len = input_u16(datagrams);
	if (len == LEN_LOST) {
		errno = ENOBUFS;
		return -1;
	}
	memcpy(header->msg_name, &kernel, sizeof kernel);
	header->msg_namelen = sizeof kernel;
	if (len & LEN_FOREIGN)
		put_nsid(header, input_u8(datagrams));
	else
		header->msg_controllen = 0;
	len &= ~(size_t)LEN_FOREIGN;
	const uint8_t *bytes = input_take(datagrams, &len);
	size_t room = header->msg_iov->iov_len;
	header->msg_flags = len > room ? MSG_TRUNC : 0;
	memset(header->msg_iov->iov_base, filling, room);
	memcpy(header->msg_iov->iov_base, bytes, len < room ? len : room);
	return (ssize_t)(len < room ? len : room);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *socket, const void *bytes, size_t len)
{
	const struct nlmsghdr *request = bytes;
	(void)socket;
	REQUIRE(request->nlmsg_len == len && len <= NETLINK_REQUEST_MAX);
	return (ssize_t)len;
}

/* ---- what is read */

static void check_prefix(const struct ip_prefix *prefix)
{
	REQUIRE(prefix->len <= ip_family_bits(prefix->address.family));
}

static void list_addresses(struct netlink *n, struct outcome *out)
{
	out->error = netlink_address_list(n, 1, out->addresses, ADDRESSES_MAX, &out->count);
	REQUIRE(out->count <= ADDRESSES_MAX);
	for (size_t i = 0; i < out->count; i++)
		check_prefix(&out->addresses[i]);
}

static void list_routes(struct netlink *n, struct outcome *out)
{
	struct netlink_routes routes;
	out->error = netlink_route_list(n, 0, 0, &routes);
	out->count = routes.count;
	for (size_t i = 0; i < routes.count; i++) {
		const struct netlink_route *route = &routes.items[i];
		check_prefix(&route->prefix);
		out->sums[0] = 31 * out->sums[0] + route->table + route->protocol;
		out->sums[1] = 31 * out->sums[1] + route->ifindex + route->mtu;
		for (size_t b = 0; b < sizeof route->prefix.address.bytes; b++)
			out->sums[2] = 31 * out->sums[2] + route->prefix.address.bytes[b];
	}
	netlink_routes_free(&routes);
}

static void watch_device(struct netlink *n, struct outcome *out)
{
	struct monitor m = {.fd = -1, .asking = *n, .socket = n->socket, .tun = -1};
	m.nsid = NETLINK_NSID_OWN;
	m.link = (struct netlink_link){.ifindex = 7, .mtu = 1420, .name = "wg0"};
	for (int i = 0; i < NEWS_MAX && out->error >= 0; i++) {
		uint32_t changes;
		out->error = monitor_read(&m, &changes);
		out->changes |= changes;
		if (out->error == 0)
			break;
	}
	out->link = m.link;
	out->is_deleted = m.is_deleted;
	REQUIRE(!m.is_deleted || out->changes & MONITOR_DELETED);
}

static void hear_of_routes(struct netlink *n, struct outcome *out)
{
	struct routes routes = {.fd = -1, .socket = n->socket, .due = NANOS_NEVER};
	out->error = routes_read(&routes, NANOS_PER_SECOND);
	out->has_news = routes_take_news(&routes, 2 * NANOS_PER_SECOND);
}

static void run(struct netlink *n, uint8_t what, struct outcome *out)
{
	const struct ip_address destination = {.family = what & 8 ? IP_V6 : IP_V4};
	switch (what % 8) {
	case 0: out->error = netlink_link_get(n, 7, &out->link); break;
	case 1: out->error = netlink_link_find(n, "wg0", what, &out->link); break;
	case 2: list_addresses(n, out); break;
	case 3: list_routes(n, out); break;
	case 4: out->error = netlink_route_lookup(n, &destination, what, &out->route); break;
	case 5: out->error = netlink_link_set_up(n, 7, what & 8); break;
	case 6: watch_device(n, out); break;
	case 7: hear_of_routes(n, out); break;
	}
	if (what % 8 == 4 && !out->error)
		check_prefix(&out->route.prefix);
	snprintf(out->words, sizeof out->words, "%s",
		what % 8 < 6 && out->error < 0 ? netlink_explain(n, out->error) : "");
}

static void read_with(int fill, struct input in, uint8_t what, int fd, struct outcome *out)
{
	struct netlink n = {.socket = mnl_socket_fdopen(fd)}; /* no time to wait for more */
	REQUIRE(n.socket);
	datagrams = &in;
	filling = fill;
	run(&n, what, out);
	free(n.socket); /* libmnl's own, and the descriptor is ours */
}

FUZZ(netlink)
{
	static struct outcome first, second;
	int ends[2];
	uint8_t what = input_u8(in);
	REQUIRE(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends));
	memset(&first, 0, sizeof first);
	memset(&second, 0, sizeof second);
	read_with(0, *in, what, ends[0], &first);
	read_with(0xff, *in, what, ends[0], &second);
	REQUIRE(!memcmp(&first, &second, sizeof first));
	close(ends[0]);
	close(ends[1]);
}
