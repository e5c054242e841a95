#include "io/segment.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "io/checksum.h"
#include "session/job.h"

#define IPV6_HEADER_LEN	  40
#define PROTOCOL_FRAGMENT 44 /* of IPv6 */
#define TCP_FIN		  0x01
#define TCP_PSH		  0x08
#define TCP_CWR		  0x80

/* ---- what there is to cut */

static bool begin_checksum(struct segment *s, const struct virtio_net_hdr *header)
{
	s->kind = SEGMENT_CHECKSUM;
	s->l4_at = header->csum_start;
	s->checksum_at = s->l4_at + header->csum_offset;
	return s->checksum_at + 2 <= s->len;
}

/* The checksum begins where the header of `protocol` does, as far as one look can tell. */
static bool is_l4_at(const struct segment *s, uint8_t protocol)
{
	const uint8_t *ip = s->packet;
	if (s->ip.len != s->len)
		return false;
	if (s->ip.source.family == IP_V4)
		return ip[9] == protocol && s->l4_at == (ip[0] & 15u) * 4;
	return ip[6] == protocol ? s->l4_at == IPV6_HEADER_LEN : s->l4_at > IPV6_HEADER_LEN;
}

static bool begin_tcp(struct segment *s, enum ip_family family)
{
	if (s->ip.source.family != family || !is_l4_at(s, PROTOCOL_TCP) ||
		s->checksum_at != s->l4_at + TCP_CHECKSUM_OFFSET ||
		s->l4_at + TCP_HEADER_MIN_LEN > s->len)
		return false;
	uint32_t header_len = s->packet[s->l4_at + 12] / 16 * 4u;
	s->kind = SEGMENT_TCP;
	s->headers_len = s->l4_at + header_len;
	return header_len >= TCP_HEADER_MIN_LEN;
}

static bool begin_udp(struct segment *s)
{
	s->kind = SEGMENT_UDP;
	s->headers_len = s->l4_at + UDP_HEADER_LEN;
	return is_l4_at(s, PROTOCOL_UDP) && s->checksum_at == s->l4_at + UDP_CHECKSUM_OFFSET;
}

/* hdr_len is not looked at: the kernel has something else in mind with it. */
static bool begin_super(struct segment *s, const struct virtio_net_hdr *header)
{
	bool fits = false;
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || header->gso_size == 0 ||
		s->ip.source.family == IP_NONE)
		return false;
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4: fits = begin_tcp(s, IP_V4); break;
	case VIRTIO_NET_HDR_GSO_TCPV6: fits = begin_tcp(s, IP_V6); break;
	case VIRTIO_NET_HDR_GSO_UDP_L4: fits = begin_udp(s); break;
	default: break;
	}
	if (!fits || s->headers_len > s->len)
		return false;
	uint32_t payload_len = s->len - s->headers_len;
	s->payload_max = header->gso_size;
	s->count = payload_len ? (payload_len + s->payload_max - 1) / s->payload_max : 1;
	return true;
}

bool segment_begin(struct segment *segment, const struct virtio_net_hdr *header,
	const uint8_t *packet, uint32_t len)
{
	struct segment s = {.packet = packet, .len = len, .payload_max = len, .count = 1};
	bool fits = true;
	ip_packet_read(&s.ip, packet, len);
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		fits = begin_checksum(&s, header);
	if (fits && header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		fits = begin_super(&s, header);
	*segment = fits ? s : (struct segment){0};
	return fits;
}

/* ---- one segment */

static uint32_t payload_at(const struct segment *s, uint32_t i)
{
	return s->headers_len + i * s->payload_max;
}

static uint32_t length_of(const struct segment *s, uint32_t i)
{
	uint32_t left = s->len - payload_at(s, i);
	return s->headers_len + (left < s->payload_max ? left : s->payload_max);
}

static void store_checksum(const struct segment *s, uint8_t *to, uint64_t sum)
{
	uint16_t checksum = (uint16_t)~checksum_fold(sum);
	bool is_udp = s->checksum_at - s->l4_at == UDP_CHECKSUM_OFFSET;
	if (is_udp && checksum == 0)
		checksum = UINT16_MAX; /* 0 would say that there is none [RFC 768] */
	checksum_store(to + s->checksum_at, checksum);
}

/* Its field has the sum of the pseudo-header, which counts so. */
static void put_whole(const struct segment *s, uint8_t *to)
{
	if (s->kind == SEGMENT_WHOLE) {
		memcpy(to, s->packet, s->len);
		return;
	}
	memcpy(to, s->packet, s->l4_at);
	store_checksum(
		s, to, checksum_copy(0, to + s->l4_at, s->packet + s->l4_at, s->len - s->l4_at));
}

static void patch_ip(const struct segment *s, uint8_t *to, uint32_t i, uint32_t len)
{
	if (s->ip.source.family == IP_V6) {
		store_be16(to + 4, (uint16_t)(len - IPV6_HEADER_LEN));
		return;
	}
	store_be16(to + 2, (uint16_t)len);
	store_be16(to + 4, (uint16_t)(load_be16(to + 4) + i));
	store_be16(to + 10, 0);
	checksum_store(to + 10, (uint16_t)~checksum_fold(checksum_add(0, to, s->l4_at)));
}

static void patch_l4(const struct segment *s, uint8_t *l4, uint32_t i, uint32_t len)
{
	if (s->kind == SEGMENT_UDP) {
		store_be16(l4 + 4, (uint16_t)(len - s->l4_at));
		return;
	}
	store_be32(l4 + 4, load_be32(l4 + 4) + i * s->payload_max);
	if (i > 0)
		l4[13] &= (uint8_t)~TCP_CWR;
	if (i + 1 < s->count)
		l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

/* The field has the sum of a pseudo-header with the length of the whole. */
static void put_segment(const struct segment *s, uint8_t *to, uint32_t i, uint32_t len)
{
	memcpy(to, s->packet, s->headers_len);
	patch_ip(s, to, i, len);
	patch_l4(s, to + s->l4_at, i, len);
	uint64_t sum = checksum_copy(
		0, to + s->headers_len, s->packet + payload_at(s, i), len - s->headers_len);
	sum = checksum_add(sum, to + s->l4_at, s->headers_len - s->l4_at);
	sum = checksum_subtract_number(sum, (uint16_t)(s->len - s->l4_at));
	sum = checksum_add_number(sum, (uint16_t)(len - s->l4_at));
	store_checksum(s, to, sum);
}

/* ---- into a burst */

static uint32_t slot_len(uint32_t len, uint32_t mtu)
{
	return BURST_HEADROOM + job_padded_len(len, mtu) + AEAD_TAG_LEN;
}

bool segment_is_full(const struct burst *burst, uint32_t mtu)
{
	return burst->count == BURST_PACKETS_MAX ||
	       (burst->count + 1) * burst->stride > burst->capacity ||
	       slot_len(burst->len[burst->count - 1], mtu) < burst->stride;
}

/* The last of a run may be shorter, so there may be room for it where a whole slot has none. */
static bool has_room(const struct burst *burst, uint32_t slot, uint32_t mtu)
{
	if (burst->count == 0)
		return slot <= burst->capacity;
	return burst->count < BURST_PACKETS_MAX && slot <= burst->stride &&
	       burst->count * burst->stride + slot <= burst->capacity &&
	       slot_len(burst->len[burst->count - 1], mtu) == burst->stride;
}

/*
 * The device looks at the first packet of a burst only. Our own datagrams that come back
 * into a tunnel must not hide behind somebody else's, so of UDP a burst has one flow, and
 * a fragment of IPv6, in which there may be one, is alone.
 */
static bool is_of_burst(const struct segment *s, const struct burst *burst)
{
	struct ip_packet first;
	const uint8_t *a = burst_inner(burst, 0), *b = s->packet;
	if (!ip_packet_read(&first, a, burst->len[0]) || s->ip.tos != first.tos ||
		!ip_address_is_equal(&s->ip.destination, &first.destination))
		return false;
	bool is_v4 = first.source.family == IP_V4;
	uint8_t protocol = a[is_v4 ? 9 : 6];
	if (protocol != b[is_v4 ? 9 : 6])
		return false;
	if (protocol != PROTOCOL_UDP)
		return is_v4 || protocol != PROTOCOL_FRAGMENT;
	uint32_t at = is_v4 ? (a[0] & 15u) * 4 : IPV6_HEADER_LEN;
	return (!is_v4 || a[0] == b[0]) && at + 4 <= first.len && at + 4 <= s->ip.len &&
	       ip_address_is_equal(&s->ip.source, &first.source) && !memcmp(a + at, b + at, 4);
}

uint32_t segment_append(struct segment *s, struct burst *burst, uint32_t mtu)
{
	uint32_t before = burst->count;
	if (segment_is_done(s) || (before > 0 && !is_of_burst(s, burst)))
		return 0;
	for (; !segment_is_done(s); s->next++) {
		uint32_t len = length_of(s, s->next), slot = slot_len(len, mtu);
		if (!has_room(burst, slot, mtu))
			break;
		if (burst->count == 0)
			burst->stride = slot;
		uint8_t *to = burst_inner(burst, burst->count);
		if (s->kind == SEGMENT_TCP || s->kind == SEGMENT_UDP)
			put_segment(s, to, s->next, len);
		else
			put_whole(s, to);
		burst->len[burst->count++] = len;
	}
	return burst->count - before;
}
