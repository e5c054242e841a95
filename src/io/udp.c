#include "io/udp.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "io/address.h"

union control { /* the segments' length, pktinfo and TOS, aligned as cmsg(3) demands */
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
};

/* A length of 0 asks whether the kernel knows the option; it stays as it is. */
static bool knows_segments(int fd)
{
	const int none = 0;
	return !setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none);
}

/*
 * All sockets of a port receive in the same way: the kernel merges what comes in
 * before it looks which of them it is for.
 */
void udp_set_offload(struct udp_sockets *sockets, bool is_on)
{
	const int value = is_on;
	sockets->can_segment = is_on && sockets->count > 0;
	for (uint32_t i = 0; i < 2 * sockets->count; i++) {
		if (sockets->all[i] < 0)
			continue;
		setsockopt(sockets->all[i], IPPROTO_UDP, UDP_GRO, &value, sizeof value);
		sockets->can_segment &= knows_segments(sockets->all[i]);
	}
}

/* The kernel cuts the last one short where there is no room; then it is not read. */
static bool is_control(const struct cmsghdr *c, int level, int type, size_t len)
{
	return c->cmsg_level == level && c->cmsg_type == type && c->cmsg_len >= CMSG_LEN(len);
}

/* What is not told stays: *segment, for one, when it is a single datagram. */
static void read_control(struct msghdr *header, struct endpoint *from, uint8_t *tos, int *segment)
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
		} else if (is_control(c, IPPROTO_UDP, UDP_GRO, sizeof *segment)) {
			memcpy(segment, CMSG_DATA(c), sizeof *segment);
		}
	}
}

/* Datagrams of one length, the last one may be shorter. Returns how many there are. */
static int divide(struct burst *burst, uint32_t total, int segment)
{
	uint32_t len = segment > 0 && (uint32_t)segment < total ? (uint32_t)segment : total;
	uint32_t count = len ? (total + len - 1) / len : 1; /* an empty one is one too */
	burst->count = count < BURST_PACKETS_MAX ? count : BURST_PACKETS_MAX;
	if (count > 1)
		burst->stride = len;
	for (uint32_t i = 0; i < burst->count; i++)
		burst->len[i] = i + 1 < count ? len : total - i * len;
	return (int)count;
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
	int segment = 0;
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
	read_control(&header, from, &burst->tos, &segment);
	return divide(burst, (uint32_t)got, segment);
}
