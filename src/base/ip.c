#include "base/ip.h"

#include <string.h>

#include "base/bytes.h"

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
