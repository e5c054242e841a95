#include "io/coalesce.h"

#include <string.h>

#include "base/bytes.h"
#include "io/checksum.h"

#define IPV4_HEADER_LEN 20
#define IPV6_HEADER_LEN 40
#define IPV4_ONLY_DF	0xbfff /* every other bit of flags and offset */
#define IPV4_DF		0x40   /* in the first byte of the two */
#define TCP_PSH		0x08
#define TCP_ACK		0x10

struct view { /* what was found in a packet */
	const uint8_t *bytes;
	uint32_t len;
	bool has_flow;	/* plain TCP or UDP: it has ports, and a place among the like */
	bool can_merge; /* as far as can be told without the others */
	uint8_t protocol;
	uint32_t l4_at, headers_len;
};

static bool is_v4(const uint8_t *packet)
{
	return packet[0] >> 4 == 4;
}

/* ---- one packet */

/* No options, no fragment, and a checksum in the form that everybody computes. */
static bool look_at_ip(struct view *v)
{
	const uint8_t *ip = v->bytes;
	if (v->len >= IPV4_HEADER_LEN && ip[0] == 0x45) {
		v->l4_at = IPV4_HEADER_LEN;
		v->protocol = ip[9];
		return load_be16(ip + 2) == v->len && !(load_be16(ip + 6) & IPV4_ONLY_DF) &&
		       load_be16(ip + 10) != UINT16_MAX;
	}
	if (v->len >= IPV6_HEADER_LEN && ip[0] >> 4 == 6) {
		v->l4_at = IPV6_HEADER_LEN;
		v->protocol = ip[6];
		return load_be16(ip + 4) + (uint32_t)IPV6_HEADER_LEN == v->len;
	}
	return false;
}

static void look_at_tcp(struct view *v)
{
	const uint8_t *tcp = v->bytes + v->l4_at;
	if (v->l4_at + TCP_HEADER_MIN_LEN > v->len)
		return;
	uint32_t header_len = tcp[12] / 16 * 4u;
	v->has_flow = true;
	v->headers_len = v->l4_at + header_len;
	v->can_merge = header_len >= TCP_HEADER_MIN_LEN && v->headers_len < v->len &&
		       (tcp[13] | TCP_PSH) == (TCP_ACK | TCP_PSH) &&
		       load_be16(tcp + TCP_CHECKSUM_OFFSET) != UINT16_MAX;
}

static void look_at_udp(struct view *v)
{
	const uint8_t *udp = v->bytes + v->l4_at;
	if (v->l4_at + UDP_HEADER_LEN > v->len)
		return;
	v->has_flow = true;
	v->headers_len = v->l4_at + UDP_HEADER_LEN;
	v->can_merge = v->headers_len < v->len && load_be16(udp + 4) == v->len - v->l4_at &&
		       load_be16(udp + UDP_CHECKSUM_OFFSET) != 0;
}

static struct view look_at(const struct coalesce *c, const uint8_t *packet, uint32_t len)
{
	struct view v = {.bytes = packet, .len = len};
	if (!look_at_ip(&v))
		return v;
	if (v.protocol == PROTOCOL_TCP)
		look_at_tcp(&v);
	else if (v.protocol == PROTOCOL_UDP)
		look_at_udp(&v);
	v.can_merge &= v.protocol == PROTOCOL_TCP ? c->takes_tcp : c->takes_udp;
	return v;
}

static bool has_push(const struct view *v)
{
	return v->protocol == PROTOCOL_TCP && v->bytes[v->l4_at + 13] & TCP_PSH;
}

/* Addresses and protocol as the checksum of TCP and UDP counts them. */
static uint64_t sum_pseudo_header(const uint8_t *packet, uint8_t protocol, uint32_t l4_len)
{
	uint64_t sum =
		is_v4(packet) ? checksum_add(0, packet + 12, 8) : checksum_add(0, packet + 8, 32);
	return checksum_add_number(checksum_add_number(sum, protocol), (uint16_t)l4_len);
}

/* The kernel takes our word for the checksums of what we merge. */
static bool verify(const uint8_t *packet, uint32_t len, uint32_t l4_at)
{
	uint8_t protocol = packet[is_v4(packet) ? 9 : 6];
	uint64_t sum = sum_pseudo_header(packet, protocol, len - l4_at);
	if (is_v4(packet) && checksum_fold(checksum_add(0, packet, l4_at)) != UINT16_MAX)
		return false;
	return checksum_fold(checksum_add(sum, packet + l4_at, len - l4_at)) == UINT16_MAX;
}

/* ---- runs */

static const uint8_t *first_of(const struct coalesce_run *run)
{
	return run->packets[0].iov_base;
}

static bool is_of_flow(const struct coalesce_run *run, const struct view *v)
{
	const uint8_t *a = first_of(run), *b = v->bytes;
	if (is_v4(a) != is_v4(b))
		return false;
	/* addresses, and the ports right behind them */
	return is_v4(a) ? a[9] == v->protocol && !memcmp(a + 12, b + 12, 8 + 4)
			: a[6] == v->protocol && !memcmp(a + 8, b + 8, 32 + 4);
}

static struct coalesce_run *find_run(struct coalesce *c, const struct view *v)
{
	for (struct coalesce_run *run = c->runs; run < c->runs + COALESCE_FLOWS; run++)
		if (run->count && is_of_flow(run, v))
			return run;
	return NULL;
}

/* TOS, TTL, DF; the flow label too. An IPv4 packet that may be fragmented needs its number. */
static bool has_same_ip(const struct coalesce_run *run, const uint8_t *b)
{
	const uint8_t *a = first_of(run);
	if (!is_v4(a))
		return !memcmp(a, b, 4) && a[7] == b[7];
	bool is_numbered = load_be16(b + 4) == (uint16_t)(load_be16(a + 4) + run->count);
	return a[1] == b[1] && a[6] == b[6] && a[8] == b[8] && (is_numbered || a[6] & IPV4_DF);
}

/* Acknowledgement, reserved bits, window, urgent pointer, options; and the next in sequence. */
static bool has_same_tcp(const struct coalesce_run *run, const uint8_t *b)
{
	const uint8_t *a = first_of(run) + run->l4_at;
	uint32_t options_len = run->headers_len - run->l4_at - TCP_HEADER_MIN_LEN;
	return load_be32(b + 4) == load_be32(a + 4) + run->count * run->payload_len &&
	       !memcmp(a + 8, b + 8, 5) && !memcmp(a + 14, b + 14, 2) &&
	       !memcmp(a + 18, b + 18, 2 + options_len);
}

static bool can_join(const struct coalesce_run *run, const struct view *v)
{
	uint32_t payload_len = v->len - v->headers_len;
	if (v->headers_len != run->headers_len || payload_len > run->payload_len ||
		run->len + payload_len > COALESCE_LEN_MAX || !has_same_ip(run, v->bytes))
		return false;
	return v->protocol == PROTOCOL_UDP || has_same_tcp(run, v->bytes + v->l4_at);
}

/* The first of a run is verified when there is a second: most often there is none. */
static bool verify_first(struct coalesce_run *run)
{
	if (!run->is_verified)
		run->is_verified =
			verify(first_of(run), (uint32_t)run->packets[0].iov_len, run->l4_at);
	return run->is_verified;
}

static void put(struct coalesce *c, struct coalesce_run *run)
{
	c->write(c->context, run);
	run->count = 0;
}

static void put_alone(struct coalesce *c, uint8_t *packet, uint32_t len)
{
	struct coalesce_run run;
	run.packets[0] = (struct iovec){packet, len};
	run.count = 1;
	c->write(c->context, &run);
}

static void join(
	struct coalesce *c, struct coalesce_run *run, uint8_t *packet, const struct view *v)
{
	uint32_t payload_len = v->len - v->headers_len;
	run->packets[run->count++] = (struct iovec){packet, v->len};
	run->len += payload_len;
	if (run->count == COALESCE_SEGMENTS_MAX || payload_len < run->payload_len || has_push(v))
		put(c, run);
}

static struct coalesce_run *take_place(struct coalesce *c)
{
	for (struct coalesce_run *run = c->runs; run < c->runs + COALESCE_FLOWS; run++)
		if (run->count == 0)
			return run;
	struct coalesce_run *run = &c->runs[c->oldest++ % COALESCE_FLOWS];
	put(c, run);
	return run;
}

static void begin_run(struct coalesce *c, uint8_t *packet, const struct view *v)
{
	struct coalesce_run *run = take_place(c);
	run->packets[0] = (struct iovec){packet, v->len};
	run->count = 1;
	run->l4_at = v->l4_at;
	run->headers_len = v->headers_len;
	run->payload_len = v->len - v->headers_len;
	run->len = v->len;
	run->is_verified = false;
}

/* ---- all of them */

void coalesce_init(struct coalesce *c, bool takes_tcp, bool takes_udp,
	void (*write)(void *context, const struct coalesce_run *run), void *context)
{
	c->takes_tcp = takes_tcp;
	c->takes_udp = takes_udp;
	c->write = write;
	c->context = context;
	c->oldest = 0;
	for (int i = 0; i < COALESCE_FLOWS; i++)
		c->runs[i].count = 0;
}

/* Whatever has no flow that we can tell comes after all that was there before it. */
void coalesce_add(struct coalesce *c, uint8_t *packet, uint32_t len)
{
	struct view v = look_at(c, packet, len);
	if (!v.has_flow)
		coalesce_flush(c);
	struct coalesce_run *run = v.has_flow ? find_run(c, &v) : NULL;
	if (run && v.can_merge && can_join(run, &v) && verify_first(run)) {
		v.can_merge = verify(packet, len, v.l4_at);
		if (v.can_merge) {
			join(c, run, packet, &v);
			return;
		}
	}
	if (run)
		put(c, run);
	if (v.can_merge && !has_push(&v))
		begin_run(c, packet, &v);
	else
		put_alone(c, packet, len);
}

void coalesce_flush(struct coalesce *c)
{
	for (int i = 0; i < COALESCE_FLOWS; i++)
		if (c->runs[i].count)
			put(c, &c->runs[i]);
}

/* ---- a super-packet */

static void patch_headers(uint8_t *packet, const struct coalesce_run *run)
{
	uint8_t *l4 = packet + run->l4_at, protocol = packet[is_v4(packet) ? 9 : 6];
	const uint8_t *last = run->packets[run->count - 1].iov_base;
	uint32_t l4_len = run->len - run->l4_at;
	if (is_v4(packet)) {
		store_be16(packet + 2, (uint16_t)run->len);
		store_be16(packet + 10, 0);
		checksum_store(
			packet + 10, (uint16_t)~checksum_fold(checksum_add(0, packet, run->l4_at)));
	} else {
		store_be16(packet + 4, (uint16_t)l4_len);
	}
	uint16_t pseudo = checksum_fold(sum_pseudo_header(packet, protocol, l4_len));
	if (protocol == PROTOCOL_TCP) {
		l4[13] |= last[run->l4_at + 13] & TCP_PSH;
		checksum_store(l4 + TCP_CHECKSUM_OFFSET, pseudo);
	} else {
		store_be16(l4 + 4, (uint16_t)l4_len);
		checksum_store(l4 + UDP_CHECKSUM_OFFSET, pseudo);
	}
}

static struct virtio_net_hdr header_of(const struct coalesce_run *run)
{
	const uint8_t *packet = first_of(run);
	bool is_tcp = packet[is_v4(packet) ? 9 : 6] == PROTOCOL_TCP;
	int tcp_type = is_v4(packet) ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = (uint8_t)(is_tcp ? tcp_type : VIRTIO_NET_HDR_GSO_UDP_L4),
		.hdr_len = (uint16_t)run->headers_len,
		.gso_size = (uint16_t)run->payload_len,
		.csum_start = (uint16_t)run->l4_at,
		.csum_offset = is_tcp ? TCP_CHECKSUM_OFFSET : UDP_CHECKSUM_OFFSET,
	};
}

void coalesce_build(struct coalesce_super *super, const struct coalesce_run *run)
{
	super->headers.virtio = header_of(run);
	memcpy(super->headers.packet, first_of(run), run->headers_len);
	patch_headers(super->headers.packet, run);
	super->parts[0] = (struct iovec){&super->headers, VIRTIO_HEADER_LEN + run->headers_len};
	for (uint32_t i = 0; i < run->count; i++)
		super->parts[1 + i] =
			(struct iovec){(uint8_t *)run->packets[i].iov_base + run->headers_len,
				run->packets[i].iov_len - run->headers_len};
	super->part_count = 1 + (int)run->count;
}
