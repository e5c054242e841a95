#include "sim/inner.h"

#include "base/bytes.h"
#include "sim/dice.h"

#include <stdlib.h>
#include <string.h>

#define IPV4_HEADER_LEN	    20
#define IPV6_HEADER_LEN	    40
#define PROTOCOL_EXPERIMENT 253 /* [RFC 3692] */
#define HOPS		    64

uint64_t ledger_add(struct ledger *ledger, const struct inner *inner)
{
	if (ledger->count == ledger->capacity) {
		ledger->capacity = ledger->capacity ? 2 * ledger->capacity : 1024;
		ledger->inners = realloc(ledger->inners, ledger->capacity * sizeof *ledger->inners);
	}
	ledger->forbidden_count += inner->is_forbidden;
	ledger->inners[ledger->count] = *inner;
	return ledger->count++;
}

void ledger_wipe(struct ledger *ledger)
{
	free(ledger->inners);
	*ledger = (struct ledger){0};
}

struct ip_address inner_address(uint32_t network, bool is_v6, uint8_t host)
{
	struct ip_address address = {.family = is_v6 ? IP_V6 : IP_V4};
	uint8_t *b = address.bytes;
	if (is_v6) {
		b[0] = 0xfd;
		b[7] = (uint8_t)network;
		b[15] = host;
	} else {
		b[0] = 10;
		b[2] = (uint8_t)network;
		b[3] = host;
	}
	return address;
}

static uint16_t header_checksum(const uint8_t *header)
{
	uint32_t sum = 0;
	for (int i = 0; i < IPV4_HEADER_LEN; i += 2)
		sum += load_be16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static size_t build_header(const struct inner *inner, uint8_t tos, uint8_t host, uint8_t *out)
{
	struct ip_address source = inner_address(inner->claims, inner->is_v6, host);
	struct ip_address destination = inner_address(inner->to_network, inner->is_v6, 1);

	if (inner->is_v6) {
		store_be32(out, UINT32_C(6) << 28 | (uint32_t)tos << 20);
		store_be16(out + 4, (uint16_t)(inner->len - IPV6_HEADER_LEN));
		out[6] = PROTOCOL_EXPERIMENT;
		out[7] = HOPS;
		memcpy(out + 8, source.bytes, 16);
		memcpy(out + 24, destination.bytes, 16);
		return IPV6_HEADER_LEN;
	}
	memset(out, 0, IPV4_HEADER_LEN);
	out[0] = 0x45;
	out[1] = tos;
	store_be16(out + 2, inner->len);
	out[8] = HOPS;
	out[9] = PROTOCOL_EXPERIMENT;
	memcpy(out + 12, source.bytes, 4);
	memcpy(out + 16, destination.bytes, 4);
	store_be16(out + 10, header_checksum(out));
	return IPV4_HEADER_LEN;
}

void ledger_build(const struct ledger *ledger, uint64_t id, uint8_t tos, uint8_t *out)
{
	const struct inner *inner = &ledger->inners[id];
	size_t at = build_header(inner, tos, (uint8_t)(1 + id % 250), out);
	store_be64(out + at, id);
	at += 8;
	for (uint64_t word = id ^ ledger->salt; at < inner->len;) {
		size_t n = inner->len - at < sizeof word ? inner->len - at : sizeof word;
		word = dice_mix(word);
		memcpy(out + at, &word, n);
		at += n;
	}
}

bool ledger_read_id(const struct ledger *ledger, const uint8_t *packet, size_t len, uint64_t *id)
{
	struct ip_packet header;
	if (len < INNER_LEN_MIN || !ip_packet_read(&header, packet, len))
		return false;
	*id = load_be64(
		packet + (header.source.family == IP_V6 ? IPV6_HEADER_LEN : IPV4_HEADER_LEN));
	return *id < ledger->count;
}
