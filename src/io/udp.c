#include "io/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"
#include "noise/wire.h"

union control { /* pktinfo and TOS, aligned as cmsg(3) demands */
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* ---- life */

struct option {
	int level, name, value;
};

/*
 * PMTUDISC_DONT: an outer packet over the path's MTU is cut into fragments, as
 * the kernel's WireGuard does, and not refused.
 */
static const struct option options_v4[] = {
	{IPPROTO_IP, IP_PKTINFO, 1},
	{IPPROTO_IP, IP_RECVTOS, 1},
	{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
};
static const struct option options_v6[] = {
	{IPPROTO_IPV6, IPV6_V6ONLY, 1},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
};

static int set_options(int fd, const struct option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			    sizeof options[i].value))
			return -errno;
	return 0;
}

/* Past the system's limit where we may, else up to it; a small queue is no reason to fail. */
static void set_buffers(int fd)
{
	const int size = UDP_BUFFER_SIZE;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/*
 * A socket bound to *port of any address; *port becomes the one bound. A second
 * one shares the port with one that is bound already. fd or -errno.
 */
static int open_one(enum ip_family family, uint16_t *port, bool is_second)
{
	const int yes = 1;
	struct endpoint any = {.address.family = family, .port = *port};
	union address address;
	socklen_t len = address_from_endpoint(&address, &any);
	int fd = socket(
		address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	int error =
		family == IP_V4 ? set_options(fd, options_v4, 3) : set_options(fd, options_v6, 4);
	set_buffers(fd);
	if (!error && is_second && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes))
		error = -errno;
	if (!error && (bind(fd, &address.any, len) || getsockname(fd, &address.any, &len)))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	address_to_endpoint(&any, &address.any);
	*port = any.port;
	return fd;
}

/*
 * Which of the sockets on one port a datagram goes to, in the order in which they
 * were bound: a program that reads from the UDP payload on.
 */
static int steer(int fd)
{
	enum { DATA, HANDSHAKES };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), /* empty: there is no first byte */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_DATA, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, HANDSHAKES),
		BPF_STMT(BPF_RET | BPF_K, DATA),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program)
		       ? -errno
		       : 0;
}

/*
 * A socket for the handshakes at the port of `data`. That one was bound alone, so
 * that a port in use is still found; it shares the port from here on and as long
 * as it lives, for that is what the steering hangs on. fd or -errno.
 */
static int open_handshakes(int data, enum ip_family family, uint16_t port)
{
	const int yes = 1, no = 0;
	if (setsockopt(data, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes))
		return -errno;
	int fd = open_one(family, &port, true);
	int error = fd < 0 ? fd : steer(fd);
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	setsockopt(data, SOL_SOCKET, SO_REUSEPORT, &no, sizeof no);
	return error;
}

static bool is_family_absent(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/* Both sockets of a family. 0 or -errno. */
static int open_family(struct udp_sockets *s, enum ip_family family)
{
	int data = open_one(family, &s->port, false);
	if (data < 0)
		return data;
	int handshakes = open_handshakes(data, family, s->port);
	if (handshakes < 0)
		s->steer_error = handshakes;
	*(family == IP_V4 ? &s->v4 : &s->v6) = data;
	*(family == IP_V4 ? &s->handshake_v4 : &s->handshake_v6) = handshakes < 0 ? -1 : handshakes;
	return 0;
}

static int open_all(struct udp_sockets *sockets, uint16_t port, enum udp_families families)
{
	struct udp_sockets opened = UDP_NO_SOCKETS;
	int error = -EAFNOSUPPORT;
	opened.port = port;
	if (families & UDP_V4)
		error = open_family(&opened, IP_V4);
	if (families & UDP_V6 && (!error || is_family_absent(error))) {
		error = open_family(&opened, IP_V6);
		if (opened.v4 >= 0 && is_family_absent(error))
			error = 0;
	}
	if (error)
		udp_close(&opened);
	else
		*sockets = opened;
	return error;
}

int udp_open(struct udp_sockets *sockets, uint16_t port, enum udp_families families)
{
	/* a random port that is free for IPv4 may be taken for IPv6: then another one */
	int tries = port ? 1 : UDP_PORT_TRIES;
	int error;
	do
		error = open_all(sockets, port, families);
	while (error == -EADDRINUSE && --tries > 0);
	return error;
}

void udp_close(struct udp_sockets *sockets)
{
	for (int i = 0; i < UDP_SOCKETS_MAX; i++) {
		if (sockets->all[i] >= 0)
			close(sockets->all[i]);
		sockets->all[i] = -1;
	}
}

static int set_mark(int fd, uint32_t mark)
{
	uint32_t current;
	socklen_t len = sizeof current;
	if (getsockopt(fd, SOL_SOCKET, SO_MARK, &current, &len))
		return -errno;
	if (current == mark)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) ? -errno : 0;
}

int udp_set_mark(const struct udp_sockets *sockets, uint32_t mark)
{
	int error = 0;
	for (int i = 0; i < UDP_SOCKETS_MAX && !error; i++)
		if (sockets->all[i] >= 0)
			error = set_mark(sockets->all[i], mark);
	return error;
}

/* ---- receiving */

/* The kernel cuts the last one short where there is no room; then it is not read. */
static bool is_control(const struct cmsghdr *c, int level, int type, size_t len)
{
	return c->cmsg_level == level && c->cmsg_type == type && c->cmsg_len >= CMSG_LEN(len);
}

static void read_control(struct msghdr *header, struct endpoint *from, uint8_t *tos)
{
	struct in_pktinfo info;
	struct in6_pktinfo info6;
	int class;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (is_control(c, IPPROTO_IP, IP_TOS, 1)) {
			memcpy(tos, CMSG_DATA(c), 1);
		} else if (is_control(c, IPPROTO_IPV6, IPV6_TCLASS, sizeof class)) {
			memcpy(&class, CMSG_DATA(c), sizeof class);
			*tos = (uint8_t) class;
		} else if (is_control(c, IPPROTO_IP, IP_PKTINFO, sizeof info)) {
			memcpy(&info, CMSG_DATA(c), sizeof info);
			from->source.family = IP_V4;
			memcpy(from->source.bytes, &info.ipi_spec_dst, 4);
			from->source_ifindex = (uint32_t)info.ipi_ifindex;
		} else if (is_control(c, IPPROTO_IPV6, IPV6_PKTINFO, sizeof info6)) {
			memcpy(&info6, CMSG_DATA(c), sizeof info6);
			from->source.family = IP_V6;
			memcpy(from->source.bytes, &info6.ipi6_addr, 16);
			from->source_ifindex = (uint32_t)info6.ipi6_ifindex;
		}
	}
}

int udp_receive_burst(int fd, struct burst *burst, struct endpoint *from)
{
	union address address;
	union control control;
	struct iovec iov = {.iov_base = burst->bytes, .iov_len = burst->capacity};
	struct msghdr header = {.msg_name = &address,
		.msg_namelen = sizeof address,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes};
	burst->stride = burst->capacity;
	burst->count = 0;
	burst->tos = 0;
	ssize_t got;
	do
		got = recvmsg(fd, &header, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (header.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	if (!address_to_endpoint(from, &address.any))
		return -EAFNOSUPPORT;
	read_control(&header, from, &burst->tos);
	burst->len[0] = (uint32_t)got;
	burst->count = 1;
	return 1;
}

/* ---- sending */

int udp_socket_to(const struct udp_sockets *sockets, const struct endpoint *to, bool is_handshake)
{
	bool is_v4 = to->address.family == IP_V4;
	int handshakes = is_v4 ? sockets->handshake_v4 : sockets->handshake_v6;
	if (to->address.family == IP_NONE)
		return -1;
	if (is_handshake && handshakes >= 0)
		return handshakes;
	return is_v4 ? sockets->v4 : sockets->v6;
}

struct outgoing { /* what all datagrams of a burst share */
	int fd;
	uint8_t tos;
	bool use_source;
	const struct endpoint *to;
	union address address;
	struct iovec iov;
	struct msghdr header;
	union control control;
};

static void add_control(struct msghdr *header, int level, int type, const void *data, size_t len)
{
	struct cmsghdr c = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
	char *at = (char *)header->msg_control + header->msg_controllen;
	memcpy(at, &c, sizeof c);
	memcpy(at + CMSG_LEN(0), data, len);
	header->msg_controllen += CMSG_SPACE(len);
}

/*
 * The TOS, and the address to leave from where one is wanted. The interface stays
 * open: naming it would keep packets on a link that the route has left.
 */
static void write_control(struct outgoing *out)
{
	struct msghdr *header = &out->header;
	const struct ip_address *source = &out->to->source;
	const int tos = out->tos;
	header->msg_control = out->control.bytes;
	header->msg_controllen = 0;
	if (out->to->address.family == IP_V4) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, source->bytes, sizeof info.ipi_spec_dst);
		add_control(header, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
		if (out->use_source)
			add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	} else {
		struct in6_pktinfo info = {0};
		memcpy(&info.ipi6_addr, source->bytes, sizeof info.ipi6_addr);
		add_control(header, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
		if (out->use_source)
			add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
	}
}

static int send_message(const struct outgoing *out)
{
	if (out->fd < 0)
		return -EAFNOSUPPORT;
	ssize_t sent;
	do
		sent = sendmsg(out->fd, &out->header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* One datagram. Clears use_source when it only goes without. */
static int send_datagram(struct outgoing *out)
{
	int error = send_message(out);
	bool may_be_source = error == -EINVAL || error == -ENETUNREACH || error == -EADDRNOTAVAIL;
	if (!out->use_source || !may_be_source)
		return error;
	out->use_source = false;
	write_control(out);
	int retry_error = send_message(out);
	if (retry_error == 0 || retry_error == -EAGAIN)
		return retry_error;
	out->use_source = true; /* not the source's fault */
	write_control(out);
	return error;
}

int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress)
{
	bool has_source = to->source.family == to->address.family && !progress->source_failed;
	struct outgoing out = {.fd = udp_socket_to(sockets, to, is_handshake),
		.tos = burst->tos,
		.use_source = has_source,
		.to = to};
	out.header = (struct msghdr){.msg_name = &out.address,
		.msg_namelen = address_from_endpoint(&out.address, to),
		.msg_iov = &out.iov,
		.msg_iovlen = 1};
	bool may_wait = out.fd == udp_socket_to(sockets, to, false);
	write_control(&out);
	int error = 0;
	for (; progress->next < burst->count; progress->next++) {
		out.iov.iov_base = burst_datagram(burst, progress->next);
		out.iov.iov_len = burst->len[progress->next];
		error = send_datagram(&out);
		if (error == -EAGAIN && may_wait)
			break;
		if (error) {
			progress->refused++;
			progress->error = error;
		}
	}
	progress->source_failed |= has_source && !out.use_source;
	return error == -EAGAIN && may_wait ? error : 0;
}
