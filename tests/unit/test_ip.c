#include "base/ip.h"

#include "base/bytes.h"

#include <stdlib.h>

#include "unit/test.h"

static struct ip_address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct ip_address){IP_V4, {a, b, c, d}};
}

TEST(ip_address_equality)
{
	struct ip_address a = v4(10, 0, 0, 1), b = a, c = {IP_V6, {10, 0, 0, 1}};
	CHECK(ip_address_is_equal(&a, &b));
	CHECK(!ip_address_is_equal(&a, &c));
	for (int i = 0; i < 16; i++) {
		struct ip_address d = c;
		d.bytes[i] ^= 0x80;
		CHECK(!ip_address_is_equal(&c, &d));
	}
	CHECK_EQ(32, ip_family_bits(IP_V4));
	CHECK_EQ(128, ip_family_bits(IP_V6));
	CHECK_EQ(0, ip_family_bits(IP_NONE));
}

static bool bit_of(const struct ip_address *a, unsigned bit)
{
	return a->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* For every length, against one bit at a time. */
TEST(ip_prefix_every_length)
{
	struct ip_address address = {IP_V6, {0}};
	for (unsigned i = 0; i < 16; i++)
		address.bytes[i] = (uint8_t)(0xa7 + 29 * i);
	for (unsigned len = 0; len <= 128; len++) {
		struct ip_prefix prefix = {address, (uint8_t)len};
		bool expected_loss = false;
		for (unsigned bit = len; bit < 128; bit++)
			expected_loss |= bit_of(&address, bit);
		CHECK_EQ(expected_loss, ip_prefix_mask(&prefix));
		CHECK(!ip_prefix_mask(&prefix));
		for (unsigned bit = 0; bit < 128; bit++) {
			CHECK_EQ(bit < len && bit_of(&address, bit), bit_of(&prefix.address, bit));
			struct ip_address other = address;
			other.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			CHECK_EQ(bit >= len, ip_prefix_contains(&prefix, &other));
		}
		CHECK(ip_prefix_contains(&prefix, &address));
	}
}

TEST(ip_prefix_v4)
{
	struct ip_prefix prefix = {v4(192, 168, 77, 5), 20};
	CHECK(ip_prefix_mask(&prefix));
	struct ip_address network = v4(192, 168, 64, 0);
	CHECK(ip_address_is_equal(&network, &prefix.address));
	struct ip_address inside = v4(192, 168, 79, 255), outside = v4(192, 168, 80, 0);
	CHECK(ip_prefix_contains(&prefix, &inside));
	CHECK(!ip_prefix_contains(&prefix, &outside));

	struct ip_prefix all = {v4(0, 0, 0, 0), 0}, all_v6 = {{IP_V6, {0}}, 0};
	CHECK(!ip_prefix_mask(&all));
	CHECK(ip_prefix_contains(&all, &outside));
	CHECK(!ip_prefix_contains(&all_v6, &outside));
}

/* Reads from a copy of just `len` bytes, so that the sanitizer guards their end. */
static bool read_packet(struct ip_packet *out, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = len > 0 ? malloc(len) : NULL;
	if (len > 0)
		memcpy(copy, bytes, len);
	bool ok = ip_packet_read(out, copy, len);
	free(copy);
	return ok;
}

TEST(ip_packet_v4)
{
	/* first byte, total length, bytes given: whether it is a packet */
	static const struct {
		uint8_t first;
		uint16_t total;
		size_t len;
		bool ok;
	} rows[] = {
		{0x45, 20, 20, true},
		{0x45, 20, 64, true}, /* padded */
		{0x45, 20, 19, false},
		{0x45, 21, 20, false},
		{0x45, 64, 64, true},
		{0x45, 65, 64, false},
		{0x45, 19, 64, false},
		{0x45, 0, 64, false},
		{0x45, 0xffff, 64, false},
		{0x44, 20, 64, false}, /* header of 16 */
		{0x40, 20, 64, false},
		{0x46, 24, 24, true}, /* with an option */
		{0x46, 23, 64, false},
		{0x4f, 60, 60, true},
		{0x4f, 59, 64, false},
		{0x35, 20, 64, false},
		{0x55, 20, 64, false},
		{0x05, 20, 64, false},
		{0x45, 20, 1, false},
		{0x45, 20, 0, false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[64] = {rows[i].first, 0xb9, (uint8_t)(rows[i].total >> 8),
			(uint8_t)rows[i].total, [12] = 10, 1, 2, 3, 192, 168, 4, 5};
		struct ip_packet packet = {.len = 77};
		CHECK_EQ(rows[i].ok, read_packet(&packet, bytes, rows[i].len));
		CHECK_EQ(rows[i].ok ? rows[i].total : 77, packet.len);
		if (!rows[i].ok)
			continue;
		struct ip_address source = v4(10, 1, 2, 3), destination = v4(192, 168, 4, 5);
		CHECK(ip_address_is_equal(&source, &packet.source));
		CHECK(ip_address_is_equal(&destination, &packet.destination));
		CHECK_EQ(0xb9, packet.tos);
	}
}

TEST(ip_packet_v6)
{
	static const struct {
		uint8_t first;
		uint16_t payload;
		size_t len;
		bool ok;
	} rows[] = {
		{0x6b, 0, 40, true},
		{0x6b, 0, 64, true},
		{0x6b, 0, 39, false},
		{0x6b, 1, 40, false},
		{0x6b, 24, 64, true},
		{0x6b, 25, 64, false},
		{0x6b, 0xffff, 64, false},
		{0x7b, 0, 64, false},
		{0x6b, 0, 1, false},
		{0x6b, 0, 0, false},
	};
	struct ip_address source = {IP_V6, {0}}, destination = source;
	for (uint8_t i = 0; i < 16; i++) {
		source.bytes[i] = (uint8_t)(0x20 + i);
		destination.bytes[i] = (uint8_t)(0xf0 - i);
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[64] = {rows[i].first, 0x9f, 0xff, 0xff,
			(uint8_t)(rows[i].payload >> 8), (uint8_t)rows[i].payload};
		memcpy(bytes + 8, source.bytes, 16);
		memcpy(bytes + 24, destination.bytes, 16);
		struct ip_packet packet = {.len = 77};
		CHECK_EQ(rows[i].ok, read_packet(&packet, bytes, rows[i].len));
		CHECK_EQ(rows[i].ok ? rows[i].payload + 40u : 77u, packet.len);
		if (!rows[i].ok)
			continue;
		CHECK(ip_address_is_equal(&source, &packet.source));
		CHECK(ip_address_is_equal(&destination, &packet.destination));
		CHECK_EQ(0xb9, packet.tos); /* the flow label is not in it */
	}
}

/* The plain sum of a header, for the check of an updated checksum. */
static uint32_t header_sum(const uint8_t *header)
{
	uint32_t sum = 0;
	for (int i = 0; i < 20; i += 2)
		sum += load_be16(header + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* RFC 6040, Figure 4: rows by inner mark, columns by outer mark; 9 is a drop. */
static const uint8_t ecn_table[4][4] = {
	/* outer   Not-ECT ECT(1) ECT(0) CE */
	[0 /* Not-ECT */] = {0, 0, 0, 9},
	[1 /* ECT(1) */] = {1, 1, 1, 3},
	[2 /* ECT(0) */] = {2, 1, 2, 3},
	[3 /* CE */] = {3, 3, 3, 3},
};

TEST(ip_ecn_decapsulation_v4)
{
	for (unsigned tos = 0; tos < 256; tos++) {
		for (unsigned outer = 0; outer < 256; outer++) {
			uint8_t packet[20] = {0x45, (uint8_t)tos, 0, 20, 0xbe, 0xef, 0, 0, 64, 17};
			packet[12] = (uint8_t)(tos * outer); /* checksums of many kinds */
			store_be16(packet + 10, (uint16_t)~header_sum(packet));
			uint8_t before[20], expected = ecn_table[tos & 3][outer & 3];
			memcpy(before, packet, sizeof before);
			CHECK_EQ(expected != 9, ip_packet_decapsulate_ecn(packet, (uint8_t)outer));
			CHECK_EQ(0xffff, header_sum(packet));
			CHECK_EQ(expected == 9 ? tos : (tos & 0xfc) | expected, packet[1]);
			packet[1] = before[1];
			memcpy(packet + 10, before + 10, 2);
			CHECK_MEM(before, packet, sizeof before);
		}
	}
}

TEST(ip_ecn_decapsulation_v6)
{
	for (unsigned tos = 0; tos < 256; tos++) {
		for (unsigned outer = 0; outer < 4; outer++) {
			uint8_t packet[40] = {
				(uint8_t)(0x60 | tos >> 4), (uint8_t)(tos << 4 | 0xa), 0xbc};
			uint8_t expected = ecn_table[tos & 3][outer];
			CHECK_EQ(expected != 9, ip_packet_decapsulate_ecn(packet, (uint8_t)outer));
			unsigned now = expected == 9 ? tos : (tos & 0xfc) | expected;
			CHECK_EQ(0x60 | now >> 4, packet[0]);
			CHECK_EQ((now << 4 & 0xf0) | 0xa, packet[1]);
			CHECK_EQ(0xbc, packet[2]);
		}
	}
}
