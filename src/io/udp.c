#include "io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "io/address.h"

union control { /* pktinfo and TOS, aligned as cmsg(3) demands */
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

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

/* ---- ways out */

struct way {
	int fd;
	bool may_wait;			 /* when its queue is full */
	const struct ip_address *source; /* NULL: the kernel chooses */
};

struct ways { /* to one endpoint, in the order in which to try them */
	struct way items[UDP_PLACES_MAX + 1];
	uint32_t count;
};

static bool is_any(const struct ip_address *address)
{
	static const uint8_t zeros[sizeof address->bytes];
	return !memcmp(address->bytes, zeros, sizeof zeros);
}

static bool is_link_local(const struct ip_address *address)
{
	return address->family == IP_V6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

/* What leaves from an address of one link gets nowhere else, though the kernel sends it. */
static bool can_reach(const struct udp_place *place, const struct endpoint *to)
{
	if (place->address.family != to->address.family)
		return false;
	return !is_link_local(&place->address) ||
	       (is_link_local(&to->address) && to->scope_id == place->ifindex);
}

/* So does ::1, but for this machine's own addresses; who came by it is answered by it. */
static bool is_dead_end(const struct udp_place *place, const struct endpoint *to)
{
	static const struct ip_address loopback = {IP_V6, {[15] = 1}};
	return ip_address_is_equal(&place->address, &loopback) &&
	       !ip_address_is_equal(&to->address, &loopback);
}

static void add_way(struct ways *ways, const struct udp_pair *pair, const struct ip_address *source,
	bool is_handshake)
{
	bool has_own = is_handshake && pair->handshakes >= 0;
	ways->items[ways->count++] =
		(struct way){has_own ? pair->handshakes : pair->data, !has_own, source};
}

/*
 * Through sockets that are bound to an address its name goes along all the same: so
 * the kernel looks whether the machine has it still.
 */
static void find_ways(struct ways *ways, const struct udp_sockets *sockets,
	const struct endpoint *to, bool is_handshake)
{
	const struct udp_pair *pairs = sockets->pairs;
	bool has_source = to->source.family == to->address.family;
	uint32_t hit = UDP_PLACES_MAX;
	ways->count = 0;
	for (uint32_t i = 0; has_source && i < sockets->count; i++)
		if (can_reach(&sockets->places[i], to) &&
			ip_address_is_equal(&sockets->places[i].address, &to->source))
			hit = i;
	if (hit < sockets->count)
		add_way(ways, &pairs[hit], &to->source, is_handshake);
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct udp_place *place = &sockets->places[i];
		if (i == hit || !can_reach(place, to) || is_dead_end(place, to))
			continue;
		bool is_bound = !is_any(&place->address);
		if (!is_bound && has_source)
			add_way(ways, &pairs[i], &to->source, is_handshake);
		add_way(ways, &pairs[i], is_bound ? &place->address : NULL, is_handshake);
	}
}

int udp_socket_to(const struct udp_sockets *sockets, const struct endpoint *to, bool is_handshake)
{
	struct ways ways;
	find_ways(&ways, sockets, to, is_handshake);
	return ways.count ? ways.items[0].fd : -1;
}

/* ---- sending */

struct outgoing { /* what all datagrams of a burst share */
	struct ways ways;
	const struct way *way; /* the control message is for it; NULL: none yet */
	uint8_t tos;
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
	const struct ip_address *source = out->way->source;
	const int tos = out->tos;
	out->control = (union control){0};
	header->msg_control = out->control.bytes;
	header->msg_controllen = 0;
	if (out->address.any.sa_family == AF_INET) {
		struct in_pktinfo info = {0};
		add_control(header, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
		if (!source)
			return;
		memcpy(&info.ipi_spec_dst, source->bytes, sizeof info.ipi_spec_dst);
		add_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	} else {
		struct in6_pktinfo info = {0};
		add_control(header, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
		if (!source)
			return;
		memcpy(&info.ipi6_addr, source->bytes, sizeof info.ipi6_addr);
		add_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
	}
}

static int send_by(struct outgoing *out, const struct way *way)
{
	if (out->way != way) {
		out->way = way;
		write_control(out);
	}
	ssize_t sent;
	do
		sent = sendmsg(way->fd, &out->header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* One datagram. *number becomes that of the way it went, when it went by a later one only. */
static int send_datagram(struct outgoing *out, uint32_t *number)
{
	const struct ways *ways = &out->ways;
	if (*number >= ways->count)
		return -EAFNOSUPPORT;
	int error = send_by(out, &ways->items[*number]);
	if (error != -EINVAL && error != -ENETUNREACH && error != -EADDRNOTAVAIL)
		return error; /* not a matter of where it leaves from */
	for (uint32_t i = *number + 1; i < ways->count; i++) {
		int retry_error = send_by(out, &ways->items[i]);
		if (retry_error && retry_error != -EAGAIN)
			continue;
		*number = i;
		return retry_error;
	}
	return error;
}

int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress)
{
	struct outgoing out;
	int error = 0;
	find_ways(&out.ways, sockets, to, is_handshake);
	out.way = NULL;
	out.tos = burst->tos;
	out.header = (struct msghdr){.msg_name = &out.address,
		.msg_namelen = address_from_endpoint(&out.address, to),
		.msg_iov = &out.iov,
		.msg_iovlen = 1};
	for (; progress->next < burst->count; progress->next++) {
		out.iov.iov_base = burst_datagram(burst, progress->next);
		out.iov.iov_len = burst->len[progress->next];
		error = send_datagram(&out, &progress->way);
		if (error == -EAGAIN && out.way->may_wait)
			break;
		if (error) {
			progress->refused++;
			progress->error = error;
		}
	}
	bool began_at_source = out.ways.count && out.ways.items[0].source == &to->source;
	progress->source_failed = began_at_source && progress->way > 0;
	if (progress->next == burst->count)
		return 0;
	progress->full = out.way->fd;
	return -EAGAIN;
}
