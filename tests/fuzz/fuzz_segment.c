/*
 * What a TUN gives: a virtio-net header and a packet, both any bytes. What is accepted
 * is cut as a plain reading of both says; nothing outside is touched.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "io/segment.h"
#include "session/job.h"
#include "unit/plain_packet.h"

#define PACKET_MAX 70000
#define MTU_MAX	   2000

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] * 256 + at[1];
}

static void set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* One segment, byte by byte out of the whole. */
struct plan {
	const uint8_t *whole;
	uint32_t len, l4_at, headers_len, size, count;
	bool is_super, is_udp;
	const struct virtio_net_hdr *header;
};

static void plain_headers(const struct plan *plan, uint8_t *out, uint32_t len, uint32_t k)
{
	uint8_t *l4 = out + plan->l4_at;
	if (out[0] / 16 == 4) {
		set16(out + 2, len);
		set16(out + 4, get16(out + 4) + k);
		set16(out + 10, 0);
		set16(out + 10, 0xffff - plain_sum_bytes(out, plan->l4_at));
	} else {
		set16(out + 4, len - 40);
	}
	if (plan->is_udp) {
		set16(l4 + 4, len - plan->l4_at);
		return;
	}
	uint32_t seq = (get16(l4 + 4) << 16 | get16(l4 + 6)) + k * plan->size;
	set16(l4 + 4, seq >> 16);
	set16(l4 + 6, seq & 0xffff);
	if (k > 0)
		l4[13] &= 0x7f; /* CWR */
	if (k + 1 < plan->count)
		l4[13] &= 0xf6; /* PSH, FIN */
}

/* The field as it is counts: with the length of the whole in it, which goes. */
static void plain_checksum(const struct plan *plan, uint8_t *out, uint32_t len)
{
	uint8_t lengths[4] = {0};
	if (plan->is_super) {
		set16(lengths, 0xffff - (plan->len - plan->l4_at));
		set16(lengths + 2, len - plan->l4_at);
	}
	uint32_t sum =
		plain_sum_bytes(out + plan->l4_at, len - plan->l4_at) + plain_sum_bytes(lengths, 4);
	uint32_t checksum = 0xffff - (sum > 0xffff ? sum - 0xffff : sum);
	if (plan->header->csum_offset == 6 && checksum == 0)
		checksum = 0xffff;
	set16(out + plan->l4_at + plan->header->csum_offset, checksum);
}

static uint32_t plain_cut(const struct plan *plan, uint8_t *out, uint32_t k)
{
	uint32_t begin = plan->headers_len + k * plan->size, left = plan->len - begin;
	uint32_t payload_len = left < plan->size ? left : plan->size;
	memcpy(out, plan->whole, plan->headers_len);
	memcpy(out + plan->headers_len, plan->whole + begin, payload_len);
	uint32_t len = plan->headers_len + payload_len;
	if (plan->is_super)
		plain_headers(plan, out, len, k);
	if (plan->header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		plain_checksum(plan, out, len);
	return len;
}

static struct plan make_plan(
	const struct virtio_net_hdr *header, const uint8_t *packet, uint32_t len)
{
	struct plan plan = {.whole = packet, .len = len, .size = len, .count = 1, .header = header};
	plan.l4_at = header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM ? header->csum_start : 0;
	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		return plan;
	plan.is_super = true;
	plan.is_udp = header->gso_type % 128 == 5;
	plan.headers_len = plan.l4_at + (plan.is_udp ? 8 : packet[plan.l4_at + 12] / 16 * 4u);
	plan.size = header->gso_size;
	REQUIRE(plan.size > 0 && plan.headers_len <= len);
	while (plan.headers_len + plan.count * plan.size < len)
		plan.count++;
	return plan;
}

static void check_burst(
	const struct plan *plan, const struct burst *burst, uint32_t first, uint32_t mtu)
{
	static uint8_t expected[PACKET_MAX];
	for (uint32_t i = 0; i < burst->count; i++) {
		uint32_t len = plain_cut(plan, expected, first + i);
		uint32_t slot = 32 + job_padded_len(len, mtu);
		REQUIRE(burst->len[i] == len && !memcmp(burst_inner(burst, i), expected, len));
		REQUIRE(i + 1 < burst->count ? slot == burst->stride : slot <= burst->stride);
		REQUIRE(i * burst->stride + slot <= burst->capacity);
	}
}

FUZZ(segment)
{
	struct virtio_net_hdr header;
	uint32_t capacity = input_u8(in) % 2 ? BURST_LARGE : BURST_SMALL;
	uint32_t mtu = input_u16(in) % MTU_MAX, done = 0;
	uint32_t repeat = input_u8(in); /* so that a small input is a large packet */
	input_fill(in, &header, sizeof header);
	size_t part_len = PACKET_MAX / 256;
	const uint8_t *part = input_take(in, &part_len);
	uint32_t len = (uint32_t)part_len;
	for (uint32_t i = 0; i < repeat; i++)
		len += (uint32_t)part_len;
	if (len == 0)
		return;
	uint8_t *packet = malloc(len), *bytes = malloc(capacity);
	for (uint32_t i = 0; i < len; i++)
		packet[i] = part[i % part_len];
	if (repeat && part_len >= 6) /* a length that is right, more often than not */
		set16(packet + (packet[0] / 16 == 4 ? 2 : 4), packet[0] / 16 == 4 ? len : len - 40);
	struct segment segment;
	bool fits = segment_begin(&segment, &header, packet, len);
	struct plan plan = {0};
	if (fits)
		plan = make_plan(&header, packet, len);
	REQUIRE(segment.count == plan.count);
	while (!segment_is_done(&segment)) {
		struct burst burst = {.bytes = bytes, .capacity = capacity};
		uint32_t added = segment_append(&segment, &burst, mtu);
		REQUIRE(added == burst.count);
		if (added == 0)
			break; /* too long for this burst */
		check_burst(&plan, &burst, done, mtu);
		done += added;
	}
	free(packet);
	free(bytes);
}
