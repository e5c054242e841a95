#include "base/ip.h"

#include <string.h>

#include "base/bytes.h"

#define ECN_DROP 0xff

#define IPV4_HEADER_MIN_LEN 20
#define IPV6_HEADER_LEN	    40

bool ip_address_is_equal(const struct ip_address *a, const struct ip_address *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* The bits of byte i that belong to a prefix of len bits. */
static uint8_t byte_mask(uint8_t len, unsigned i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff00u >> (len - 8 * i));
}

bool ip_prefix_mask(struct ip_prefix *prefix)
{
	uint8_t lost = 0;
	for (unsigned i = 0; i < sizeof prefix->address.bytes; i++) {
		uint8_t mask = byte_mask(prefix->len, i);
		lost |= (uint8_t)(prefix->address.bytes[i] & ~mask);
		prefix->address.bytes[i] &= mask;
	}
	return lost != 0;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address)
{
	struct ip_prefix other = {.address = *address, .len = prefix->len};
	ip_prefix_mask(&other);
	return ip_address_is_equal(&prefix->address, &other.address);
}

static bool read_v4(struct ip_packet *out, const uint8_t *packet, size_t len)
{
	if (len < IPV4_HEADER_MIN_LEN)
		return false;
	uint32_t header_len = (packet[0] & 15u) * 4;
	uint32_t total_len = load_be16(packet + 2);
	if (header_len < IPV4_HEADER_MIN_LEN || total_len < header_len || total_len > len)
		return false;
	*out = (struct ip_packet){
		.source.family = IP_V4,
		.destination.family = IP_V4,
		.len = total_len,
		.tos = packet[1],
	};
	memcpy(out->source.bytes, packet + 12, 4);
	memcpy(out->destination.bytes, packet + 16, 4);
	return true;
}

/* A jumbogram [RFC 2675] claims a payload of 0 and is read as a bare header. */
static bool read_v6(struct ip_packet *out, const uint8_t *packet, size_t len)
{
	if (len < IPV6_HEADER_LEN)
		return false;
	uint32_t total_len = IPV6_HEADER_LEN + (uint32_t)load_be16(packet + 4);
	if (total_len > len)
		return false;
	*out = (struct ip_packet){
		.source.family = IP_V6,
		.destination.family = IP_V6,
		.len = total_len,
		.tos = (uint8_t)(packet[0] << 4 | packet[1] >> 4),
	};
	memcpy(out->source.bytes, packet + 8, 16);
	memcpy(out->destination.bytes, packet + 24, 16);
	return true;
}

bool ip_packet_read(struct ip_packet *out, const uint8_t *packet, size_t len)
{
	if (len == 0)
		return false;
	switch (packet[0] >> 4) {
	case 4: return read_v4(out, packet, len);
	case 6: return read_v6(out, packet, len);
	default: return false;
	}
}

/* The inner mark by outer and inner one; DROP: see Figure 4 of RFC 6040. */
static uint8_t decapsulated_ecn(uint8_t inner, uint8_t outer)
{
	enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3 };
	if (outer == CE)
		return inner == NOT_ECT ? ECN_DROP : CE;
	if (outer == ECT_1 && inner == ECT_0)
		return ECT_1;
	return inner;
}

/* The checksum after the 16-bit word `before` became `after` [RFC 1624]. */
static uint16_t updated_checksum(uint16_t checksum, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~before + after;
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void set_ecn_v4(uint8_t *packet, uint8_t ecn)
{
	uint16_t before = load_be16(packet);
	packet[1] = (uint8_t)((packet[1] & ~IP_ECN_MASK) | ecn);
	store_be16(
		packet + 10, updated_checksum(load_be16(packet + 10), before, load_be16(packet)));
}

/* The traffic class lies across the first two bytes. */
static void set_ecn_v6(uint8_t *packet, uint8_t ecn)
{
	packet[1] = (uint8_t)((packet[1] & ~(IP_ECN_MASK << 4)) | (unsigned)ecn << 4);
}

bool ip_packet_decapsulate_ecn(uint8_t *packet, uint8_t outer_tos)
{
	bool is_v4 = packet[0] >> 4 == 4;
	uint8_t inner = (is_v4 ? packet[1] : packet[1] >> 4) & IP_ECN_MASK;
	uint8_t ecn = decapsulated_ecn(inner, outer_tos & IP_ECN_MASK);
	if (ecn == ECN_DROP)
		return false;
	if (ecn != inner)
		(is_v4 ? set_ecn_v4 : set_ecn_v6)(packet, ecn);
	return true;
}
