#include "unit/test.h"

#include <stdlib.h>

#include "io/segment.h"
#include "session/job.h"
#include "unit/plain_packet.h"

#define MTU 1420

static uint8_t packet[BURST_LARGE], expected[BURST_LARGE], bytes[BURST_LARGE];
static struct burst burst;
static struct segment segment;

static void empty_burst(uint32_t capacity)
{
	memset(bytes, 0xee, sizeof bytes);
	burst = (struct burst){.bytes = bytes, .capacity = capacity};
}

static uint32_t slot(uint32_t len)
{
	return 16 + job_padded_len(len, MTU) + 16;
}

static struct virtio_net_hdr super_header(const struct plain_packet *p, uint32_t size)
{
	bool is_tcp = p->protocol == PLAIN_TCP;
	return (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = (uint8_t)(!is_tcp		? VIRTIO_NET_HDR_GSO_UDP_L4
				      : p->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
							: VIRTIO_NET_HDR_GSO_TCPV6),
		.hdr_len = 9999, /* not to be believed */
		.gso_size = (uint16_t)size,
		.csum_start = (uint16_t)plain_l4_at(p),
		.csum_offset = is_tcp ? 16 : 6,
	};
}

static bool begin_super(const struct plain_packet *p, uint32_t size)
{
	struct virtio_net_hdr header = super_header(p, size);
	uint32_t len = plain_build_super(packet, p);
	return segment_begin(&segment, &header, packet, len);
}

/* Packet i of the burst is segment k of the super-packet, and its slot is no longer than needed. */
static bool is_segment(const struct plain_packet *p, uint32_t size, uint32_t k, uint32_t i)
{
	struct plain_packet wanted = plain_segment(p, size, k);
	uint32_t len = plain_build(expected, &wanted);
	return burst.len[i] == len && !memcmp(burst_inner(&burst, i), expected, len) &&
	       slot(len) <= burst.stride;
}

/* All of it, in as many bursts as it needs; only the last packet of one may be shorter. */
static bool cuts_right(const struct plain_packet *p, uint32_t size)
{
	uint32_t count = p->payload_len ? (p->payload_len + size - 1) / size : 1, k = 0;
	if (!begin_super(p, size))
		return false;
	while (!segment_is_done(&segment)) {
		empty_burst(BURST_LARGE);
		uint32_t added = segment_append(&segment, &burst, MTU);
		if (added == 0 || added != burst.count || burst.stride != slot(burst.len[0]))
			return false;
		for (uint32_t i = 0; i < added; i++)
			if (!is_segment(p, size, k++, i))
				return false;
		if (!segment_is_done(&segment) && !segment_is_full(&burst, MTU))
			return false;
	}
	return k == count && segment_append(&segment, &burst, MTU) == 0;
}

#define CHECK_CUTS(p, size)                                                                        \
	do {                                                                                       \
		if (!cuts_right((p), (size)))                                                      \
			test_fail(__FILE__, __LINE__, "IPv%d, protocol %u, %u bytes at %u",        \
				(p)->version, (p)->protocol, (p)->payload_len, (unsigned)(size));  \
	} while (0)

static const struct {
	int version;
	uint8_t protocol;
} kinds[] = {{4, PLAIN_TCP}, {6, PLAIN_TCP}, {4, PLAIN_UDP}, {6, PLAIN_UDP}};
#define KINDS (sizeof kinds / sizeof *kinds)

TEST(segment_lengths)
{
	static const uint32_t sizes[] = {1, 2, 7, 88, 524, 1360, 1361, 8000};
	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			for (uint32_t around = 0; around < 9; around++) {
				uint32_t whole = around / 3 * 64 % 129; /* 0, 64, 128 segments */
				uint32_t len = whole * sizes[i] + around % 3;
				struct plain_packet p = plain_packet(
					kinds[kind].version, kinds[kind].protocol, len);
				if (plain_headers_len(&p) + len <= UINT16_MAX)
					CHECK_CUTS(&p, sizes[i]);
			}
}

TEST(segment_longest)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		struct plain_packet p = plain_packet(kinds[kind].version, kinds[kind].protocol, 0);
		p.payload_len = UINT16_MAX - plain_headers_len(&p);
		CHECK_CUTS(&p, 1400 - plain_headers_len(&p));
		CHECK_CUTS(&p, 60000);
		CHECK_CUTS(&p, UINT16_MAX);
		CHECK_CUTS(&p, 1);
	}
}

TEST(segment_tcp_flags)
{
	for (unsigned flags = 0; flags < 256; flags++)
		for (int version = 4; version <= 6; version += 2) {
			struct plain_packet p = plain_packet(version, PLAIN_TCP, 5000);
			p.flags = (uint8_t)flags;
			p.urgent = flags & PLAIN_URG ? 77 : 0;
			p.reserved = flags % 16;
			p.tos = (uint8_t)flags;
			CHECK_CUTS(&p, 1000);
			CHECK_CUTS(&p, 5000);
		}
}

TEST(segment_header_lengths)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (uint32_t options = 0; options <= 10; options++)
			for (uint32_t extra = 0; extra <= 10; extra++) {
				struct plain_packet p = plain_packet(
					kinds[kind].version, kinds[kind].protocol, 4001);
				p.options = p.protocol == PLAIN_TCP ? options : 0;
				p.extra = extra;
				p.df = extra % 2;
				CHECK_CUTS(&p, 1201);
			}
}

/* Checksums of all values, the one that UDP must not have among them. */
TEST(segment_checksum_0_of_udp)
{
	unsigned zeros = 0;
	for (uint32_t port = 0; port < 2 * 65536; port++) {
		struct plain_packet p = plain_packet(port % 2 ? 4 : 6, PLAIN_UDP, 3);
		p.from_port = (uint16_t)(port / 2);
		p.flow_label = 0;
		if (!cuts_right(&p, 2))
			test_fail(__FILE__, __LINE__, "port %u", port);
		zeros += bytes[16 + plain_l4_at(&p) + 6] == 0xff &&
			 bytes[16 + plain_l4_at(&p) + 7] == 0xff;
	}
	CHECK(zeros >= 2);
}

/* The bit for CWR in the type changes nothing; without an offload for it, it is not there. */
TEST(segment_type_with_ecn)
{
	struct plain_packet p = plain_packet(4, PLAIN_TCP, 3000);
	struct virtio_net_hdr header = super_header(&p, 1000);
	p.flags |= PLAIN_CWR | PLAIN_PSH;
	header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	uint32_t len = plain_build_super(packet, &p);
	CHECK(segment_begin(&segment, &header, packet, len));
	empty_burst(BURST_LARGE);
	CHECK_EQ(3, segment_append(&segment, &burst, MTU));
	for (uint32_t k = 0; k < 3; k++)
		CHECK(is_segment(&p, 1000, k, k));
}

/* ---- packets that are not to be cut */

static bool begin_plain(const struct plain_packet *p)
{
	struct virtio_net_hdr header = {0};
	return segment_begin(&segment, &header, packet, plain_build(packet, p));
}

static bool append_plain(const struct plain_packet *p)
{
	return begin_plain(p) && segment_append(&segment, &burst, MTU) == 1;
}

TEST(segment_completes_checksums)
{
	for (size_t kind = 0; kind < KINDS; kind++)
		for (uint32_t len = 0; len < 1500; len++) {
			struct plain_packet p =
				plain_packet(kinds[kind].version, kinds[kind].protocol, len);
			struct virtio_net_hdr header = super_header(&p, 0);
			header.gso_type = VIRTIO_NET_HDR_GSO_NONE;
			p.extra = len % 3;
			header.csum_start = (uint16_t)plain_l4_at(&p);
			uint32_t total = plain_build_super(packet, &p);
			CHECK(segment_begin(&segment, &header, packet, total));
			empty_burst(BURST_LARGE);
			CHECK_EQ(1, segment_append(&segment, &burst, MTU));
			CHECK_EQ(total, plain_build(expected, &p));
			CHECK_EQ(total, burst.len[0]);
			CHECK_MEM(expected, burst_inner(&burst, 0), total);
		}
}

/* Fragments, what is no IP at all, and what is cut short: as they are, and alone. */
TEST(segment_passes_what_it_does_not_know)
{
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_DATA_VALID};
	for (uint32_t len = 1; len < 100; len++) {
		memset(packet, (int)len * 3, sizeof packet);
		CHECK(segment_begin(&segment, &header, packet, len));
		empty_burst(BURST_LARGE);
		CHECK_EQ(1, segment_append(&segment, &burst, MTU));
		CHECK_EQ(len, burst.len[0]);
		CHECK_MEM(packet, burst_inner(&burst, 0), len);
		CHECK(segment_begin(&segment, &header, packet, len));
		CHECK_EQ(0, segment_append(&segment, &burst, MTU));
	}
}

/* ---- one burst */

struct join_row {
	const char *what;
	struct plain_packet first, second;
	bool joins;
};

static struct join_row row(const char *what, bool joins, struct plain_packet first)
{
	return (struct join_row){what, first, first, joins};
}

static bool row_is_right(const struct join_row *r)
{
	empty_burst(BURST_LARGE);
	return append_plain(&r->first) && begin_plain(&r->second) &&
	       segment_append(&segment, &burst, MTU) == r->joins &&
	       segment_is_done(&segment) == r->joins && burst.count == 1u + r->joins;
}

TEST(segment_what_shares_a_burst)
{
	struct plain_packet udp4 = plain_packet(4, PLAIN_UDP, 64),
			    udp6 = plain_packet(6, PLAIN_UDP, 64),
			    tcp4 = plain_packet(4, PLAIN_TCP, 64),
			    tcp6 = plain_packet(6, PLAIN_TCP, 64);
	struct join_row rows[] = {row("the same", true, udp4), row("the same, v6", true, udp6),
		row("another destination", false, udp4), row("another destination", false, udp6),
		row("another source", true, tcp4), row("another port of TCP", true, tcp6),
		row("another source of UDP", false, udp4), row("another port", false, udp4),
		row("another port", false, udp6), row("another TOS", false, tcp4),
		row("another TOS", false, tcp6), row("another protocol", false, tcp4),
		row("options", false, udp4), row("another version", false, udp4),
		row("a little shorter", true, udp4), row("shorter", true, udp4),
		row("longer", false, udp4), row("another TTL", true, udp4),
		row("options like ports", false, udp4), row("fragments", false, udp6)};
	rows[2].second.to = rows[3].second.to = 9;
	rows[4].second.from = 9;
	rows[5].second.from_port = 9;
	rows[6].second.from = 9;
	rows[7].second.to_port = 9;
	rows[8].second.from_port = 9;
	rows[9].second.tos = rows[10].second.tos = 0x29;
	rows[11].second.protocol = PLAIN_UDP;
	rows[12].second.extra = 1;
	rows[13].second = udp6;
	rows[14].second.payload_len = 63;
	rows[15].second.payload_len = 1;
	rows[16].second.payload_len = 97;
	rows[17].second.ttl = 1;
	rows[18].first.from_port = rows[18].first.to_port = 0x0101;
	rows[18].second.extra = 1;
	rows[19].first.protocol = rows[19].second.protocol = 44;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!row_is_right(&rows[i]))
			test_fail(__FILE__, __LINE__, "row %zu: %s", i, rows[i].what);
}

/* What is as long after padding shares the stride; a shorter one ends the burst. */
TEST(segment_shorter_packet_ends_the_burst)
{
	struct plain_packet p = plain_packet(4, PLAIN_UDP, 100); /* 128 bytes */
	empty_burst(BURST_LARGE);
	CHECK(append_plain(&p) && !segment_is_full(&burst, MTU));
	p.payload_len = 85; /* 113: padded to 128 too */
	CHECK(append_plain(&p) && !segment_is_full(&burst, MTU));
	p.payload_len = 84; /* 112 */
	CHECK(append_plain(&p) && segment_is_full(&burst, MTU));
	CHECK(begin_plain(&p));
	CHECK_EQ(0, segment_append(&segment, &burst, MTU));
	CHECK_EQ(3, burst.count);
	CHECK_EQ(slot(128), burst.stride);
}

TEST(segment_small_packets_fill_a_burst)
{
	struct plain_packet p = plain_packet(4, PLAIN_UDP, 64);
	empty_burst(BURST_LARGE);
	for (uint32_t i = 0; i < BURST_PACKETS_MAX; i++) {
		CHECK(burst.count == 0 || !segment_is_full(&burst, MTU));
		CHECK(append_plain(&p));
	}
	CHECK(segment_is_full(&burst, MTU));
	CHECK(begin_plain(&p));
	CHECK_EQ(0, segment_append(&segment, &burst, MTU));
}

/* The last slot has no tail, and nothing is written behind it. */
TEST(segment_keeps_within_the_capacity)
{
	struct plain_packet p = plain_packet(4, PLAIN_UDP, 100);
	for (uint32_t capacity = slot(128) - 1; capacity <= 3 * slot(128); capacity++) {
		uint32_t count = capacity / slot(128);
		uint8_t *own = malloc(capacity);
		burst = (struct burst){.bytes = own, .capacity = capacity};
		uint32_t got = 0;
		while (got < 9 && append_plain(&p))
			got++;
		bool is_full = burst.count == 0 || segment_is_full(&burst, MTU);
		free(own);
		CHECK_EQ(count, got);
		CHECK(is_full);
	}
}

/* ---- headers that do not fit */

TEST(segment_refuses_headers_that_lie)
{
	struct plain_packet tcp = plain_packet(4, PLAIN_TCP, 3000),
			    udp = plain_packet(6, PLAIN_UDP, 3000);
	for (int i = 0; i < 16; i++) {
		bool is_tcp = i < 12;
		const struct plain_packet *p = is_tcp ? &tcp : &udp;
		struct virtio_net_hdr header = super_header(p, 1000);
		uint32_t len = plain_build_super(packet, p);
		switch (i) {
		case 0: header.flags = 0; break;
		case 1: header.gso_size = 0; break;
		case 2: header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6; break;
		case 3: header.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4; break;
		case 4: header.gso_type = VIRTIO_NET_HDR_GSO_UDP; break; /* UFO */
		case 5: header.gso_type = 77; break;
		case 6: header.csum_start = 24; break;
		case 7: header.csum_offset = 6; break;
		case 8: packet[32] = 4 << 4; break; /* TCP header of 16 bytes */
		case 9: packet[0] = 0x55; break;    /* version 5 */
		case 10: packet[3]--; break;	    /* total length */
		case 11: packet[2] = 0, packet[3] = 51, len = 51; break; /* within TCP options */
		case 12: header.csum_start = 39; break;
		case 13: header.csum_start = 41; break;
		case 14: packet[6] = PLAIN_TCP; break;
		case 15: header.gso_type = VIRTIO_NET_HDR_GSO_TCPV6; break;
		}
		if (segment_begin(&segment, &header, packet, len))
			test_fail(__FILE__, __LINE__, "row %d", i);
		empty_burst(BURST_LARGE);
		CHECK(segment_is_done(&segment));
		CHECK_EQ(0, segment_append(&segment, &burst, MTU));
	}
}

TEST(segment_refuses_checksums_outside_the_packet)
{
	struct plain_packet p = plain_packet(4, PLAIN_UDP, 10);
	uint32_t len = plain_build_super(packet, &p);
	for (uint32_t start = 0; start < 70; start++)
		for (uint32_t offset = 0; offset < 70; offset++) {
			struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				.csum_start = (uint16_t)start,
				.csum_offset = (uint16_t)offset};
			uint8_t *own = malloc(len);
			memcpy(own, packet, len);
			bool fits = segment_begin(&segment, &header, own, len);
			empty_burst(BURST_LARGE);
			bool is_put = segment_append(&segment, &burst, MTU);
			free(own);
			CHECK_EQ(start + offset + 2 <= len, fits);
			CHECK_EQ(fits, is_put);
		}
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = UINT16_MAX,
		.csum_offset = UINT16_MAX};
	CHECK(!segment_begin(&segment, &header, packet, len));
}
