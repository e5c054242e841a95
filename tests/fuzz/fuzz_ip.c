/*
 * Inner packets: what is read from the header, and congestion marks, which change
 * nothing else.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "base/ip.h"
#include "fuzz/plain_ip.h"

#define PACKET_MAX 2048

static void check_read(const struct ip_packet *read, const uint8_t *packet)
{
	bool is_v4 = plain_is_v4(packet);
	size_t len = is_v4 ? 4 : 16, at = is_v4 ? 12 : 8;
	REQUIRE(read->source.family == (is_v4 ? IP_V4 : IP_V6));
	REQUIRE(read->destination.family == read->source.family);
	REQUIRE(!memcmp(read->source.bytes, packet + at, len));
	REQUIRE(!memcmp(read->destination.bytes, packet + at + len, len));
	REQUIRE(read->tos == plain_tos(packet));
}

FUZZ(ip)
{
	uint8_t packet[PACKET_MAX];
	struct ip_packet read;
	uint8_t outer_tos = input_u8(in);
	size_t len = sizeof packet;
	const uint8_t *taken = input_take(in, &len);
	uint32_t expected = plain_length(taken, len);
	bool is_read = ip_packet_read(&read, taken, len); /* where it lies: no byte beyond it */
	REQUIRE(is_read == (expected != 0));
	if (!is_read)
		return;
	REQUIRE(read.len == expected);
	check_read(&read, taken);
	memcpy(packet, taken, len);
	bool is_passed = ip_packet_decapsulate_ecn(packet, outer_tos);
	REQUIRE(is_passed == (plain_mark(read.tos, outer_tos) != PLAIN_DROP));
	REQUIRE(!is_passed || plain_is_marked(taken, packet, len, outer_tos));
}
