#include "io/udp.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "io/address.h"
#include "io/demotion.h"

#define MESSAGES_MAX 32 /* handed over in one call */
#define SEGMENTS_MAX 64 /* in one message: what every kernel with UDP_SEGMENT takes */
/*
 * Their bytes: with headers of UDP, IPv6, Ethernet and a VLAN the packet is within
 * 64 KiB, else devices do not take it in one piece.
 */
#define SEGMENTS_LEN_MAX (65535 - 8 - 40 - 14 - 4)

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

/* ---- messages */

struct control { /* TOS, pktinfo and the segments' length, aligned as cmsg(3) demands */
	_Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int)) +
					    CMSG_SPACE(sizeof(struct in6_pktinfo)) +
					    CMSG_SPACE(sizeof(uint16_t))];
};

/*
 * A burst on its way, as many messages as go in one call. A message is a run: some
 * datagrams that follow each other, taken by the kernel together or not at all.
 */
struct outgoing {
	const struct burst *burst;
	struct ways ways;
	const struct way *way; /* `common` is for it; NULL: none yet */
	bool can_segment;
	union address address;
	socklen_t address_len;
	struct control common; /* of all messages */
	size_t common_len;
	uint32_t message_count, iov_count;
	uint32_t runs[MESSAGES_MAX]; /* datagrams of each message */
	struct mmsghdr messages[MESSAGES_MAX];
	struct control controls[MESSAGES_MAX]; /* of those with segments */
	struct iovec iovs[BURST_PACKETS_MAX];
};

/* Behind what `control` has, the rest of which is zeros; returns what it has then. */
static size_t add_control(
	struct control *control, size_t at, int level, int type, const void *data, size_t len)
{
	struct cmsghdr c = {.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(len)};
	memcpy(control->bytes + at, &c, sizeof c);
	memcpy(control->bytes + at + CMSG_LEN(0), data, len);
	return at + CMSG_SPACE(len);
}

/*
 * The TOS, and the address to leave from where one is wanted. The interface stays
 * open: naming it would keep packets on a link that the route has left.
 */
static void use_way(struct outgoing *out, const struct way *way)
{
	const struct ip_address *source = way->source;
	const int tos = out->burst->tos;
	bool is_v4 = out->address.any.sa_family == AF_INET;
	struct in_pktinfo info = {0};
	struct in6_pktinfo info6 = {0};
	if (out->way == way)
		return;
	out->way = way;
	out->common = (struct control){0};
	out->common_len = add_control(&out->common, 0, is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
		is_v4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos);
	if (!source)
		return;
	memcpy(&info.ipi_spec_dst, source->bytes, sizeof info.ipi_spec_dst);
	memcpy(&info6.ipi6_addr, source->bytes, sizeof info6.ipi6_addr);
	if (is_v4)
		out->common_len = add_control(
			&out->common, out->common_len, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	else
		out->common_len = add_control(&out->common, out->common_len, IPPROTO_IPV6,
			IPV6_PKTINFO, &info6, sizeof info6);
}

/* How many datagrams from the first on go together: of its length, the last may be shorter. */
static uint32_t find_run(const struct burst *burst, uint32_t first)
{
	uint32_t len = burst->len[first], total = len, end = first + 1;
	while (end < burst->count && end - first < SEGMENTS_MAX && burst->len[end - 1] == len) {
		total += burst->len[end];
		if (!burst->len[end] || burst->len[end] > len || total > SEGMENTS_LEN_MAX)
			break;
		end++;
	}
	return end - first;
}

/* One iovec where datagrams touch, else one for each. */
static void add_bytes(struct outgoing *out, struct msghdr *header, uint32_t first, uint32_t run)
{
	const struct burst *burst = out->burst;
	header->msg_iov = &out->iovs[out->iov_count];
	for (uint32_t i = first; i < first + run; i++) {
		struct iovec *iov = &out->iovs[out->iov_count];
		if (i > first && burst->stride == burst->len[first]) {
			iov[-1].iov_len += burst->len[i];
			continue;
		}
		*iov = (struct iovec){burst_datagram(burst, i), burst->len[i]};
		out->iov_count++;
		header->msg_iovlen++;
	}
}

static void add_message(struct outgoing *out, uint32_t first, uint32_t run)
{
	uint32_t number = out->message_count++;
	struct msghdr *header = &out->messages[number].msg_hdr;
	*header = (struct msghdr){.msg_name = &out->address,
		.msg_namelen = out->address_len,
		.msg_control = out->common.bytes,
		.msg_controllen = out->common_len};
	out->runs[number] = run;
	add_bytes(out, header, first, run);
	if (run == 1)
		return;
	const uint16_t len = (uint16_t)out->burst->len[first];
	out->controls[number] = out->common;
	header->msg_control = out->controls[number].bytes;
	header->msg_controllen = add_control(&out->controls[number], out->common_len, IPPROTO_UDP,
		UDP_SEGMENT, &len, sizeof len);
}

/* Returns how many messages were taken, or -errno for the first. */
static int hand_over(struct outgoing *out)
{
	int taken;
	do
		taken = out->message_count == 1 ? (int)sendmsg(out->way->fd,
							  &out->messages[0].msg_hdr, MSG_NOSIGNAL)
						: sendmmsg(out->way->fd, out->messages,
							  out->message_count, MSG_NOSIGNAL);
	while (taken < 0 && errno == EINTR);
	if (taken < 0)
		return -errno;
	return out->message_count == 1 ? 1 : taken;
}

/* ---- sending */

/* From progress->next on, as much as the kernel takes. 0, or -errno for the first message. */
static int send_runs(struct outgoing *out, struct udp_progress *progress)
{
	const struct burst *burst = out->burst;
	bool is_plain = !out->can_segment || progress->is_plain;
	out->message_count = out->iov_count = 0;
	use_way(out, &out->ways.items[progress->way]);
	for (uint32_t i = progress->next; i < burst->count && out->message_count < MESSAGES_MAX;) {
		uint32_t run = is_plain ? 1 : find_run(burst, i);
		add_message(out, i, run);
		i += run;
	}
	int taken = hand_over(out);
	for (int i = 0; i < taken; i++) {
		uint32_t len = burst->len[progress->next];
		if (out->runs[i] > 1 && len > progress->segment_len && !progress->segment_error)
			progress->segment_len = len;
		progress->next += out->runs[i];
	}
	return taken < 0 ? taken : 0;
}

/* The next datagram alone. */
static int send_one(struct outgoing *out, struct udp_progress *progress, uint32_t way)
{
	out->message_count = out->iov_count = 0;
	use_way(out, &out->ways.items[way]);
	add_message(out, progress->next, 1);
	int taken = hand_over(out);
	progress->next += taken == 1;
	return taken < 0 ? taken : 0;
}

/*
 * A run was refused. What may be the segments' fault is it when a datagram goes alone
 * the same way: the rest does too then.
 */
static int send_plain(struct outgoing *out, struct udp_progress *progress, int error)
{
	uint32_t len = out->burst->len[progress->next];
	if (!demotion_is_reason(error))
		return error;
	int plain_error = send_one(out, progress, progress->way);
	if (plain_error)
		return plain_error;
	progress->is_plain = true;
	progress->segment_error = error;
	progress->segment_len = len;
	return 0;
}

/* The later ways, for the next datagram. progress->way becomes that of the one it went. */
static int send_other_way(struct outgoing *out, struct udp_progress *progress, int error)
{
	if (error != -EINVAL && error != -ENETUNREACH && error != -EADDRNOTAVAIL)
		return error; /* not a matter of where it leaves from */
	for (uint32_t i = progress->way + 1; i < out->ways.count; i++) {
		int retry_error = send_one(out, progress, i);
		if (retry_error && retry_error != -EAGAIN)
			continue;
		progress->way = i;
		return retry_error;
	}
	return error;
}

/* Something of the burst. false: the socket is full, and may be waited for. */
static bool send_some(struct outgoing *out, struct udp_progress *progress)
{
	uint32_t run = out->burst->count - progress->next;
	int error = -EAFNOSUPPORT;
	if (progress->way < out->ways.count) {
		error = send_runs(out, progress);
		run = out->runs[0];
	}
	if (error && run > 1 && out->message_count)
		error = send_plain(out, progress, error);
	if (error)
		error = send_other_way(out, progress, error);
	if (error == -EAGAIN && out->way->may_wait)
		return false;
	if (error) {
		progress->next += run;
		progress->refused += run;
		progress->error = error;
	}
	return true;
}

int udp_send_burst(const struct udp_sockets *sockets, const struct burst *burst,
	const struct endpoint *to, bool is_handshake, struct udp_progress *progress)
{
	struct outgoing out; /* large, and mostly never read: not set to zeros */
	bool is_full = false;
	find_ways(&out.ways, sockets, to, is_handshake);
	out.burst = burst;
	out.way = NULL;
	out.can_segment = sockets->can_segment;
	out.address_len = address_from_endpoint(&out.address, to);
	out.message_count = 0;
	while (progress->next < burst->count && !is_full)
		is_full = !send_some(&out, progress);
	bool began_at_source = out.ways.count && out.ways.items[0].source == &to->source;
	progress->source_failed = began_at_source && progress->way > 0;
	if (!is_full)
		return 0;
	progress->full = out.way->fd;
	return -EAGAIN;
}
