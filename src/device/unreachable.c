#include "device/unreachable.h"

#include <string.h>

#include "base/bytes.h"

#define V4_HEADER      20
#define V6_HEADER      40
#define ICMP_HEADER    8
#define V4_ERROR_MAX   576  /* bytes of a whole error [RFC 1812 4.3.2.3] */
#define V6_ERROR_MAX   1280 /* [RFC 4443 2.4] */
#define PROTOCOL_ICMP  1
#define PROTOCOL_ICMP6 58
#define ICMP6_REDIRECT 137
#define HOP_LIMIT      64

_Static_assert(BURST_HEADROOM + V6_ERROR_MAX <= BURST_SMALL, "an error fits a small burst");

/* A source that nothing may be sent back to, or a destination that is not one host. */
static bool is_one_host(const struct ip_address *a)
{
	static const uint8_t zeros[16];
	size_t len = ip_family_bits(a->family) / 8;
	bool is_multicast = a->family == IP_V4 ? a->bytes[0] >= 224 : a->bytes[0] == 0xff;
	return !is_multicast && memcmp(a->bytes, zeros, len);
}

/* Queries of ICMP may be answered, its errors never; of fragments only the first. */
static bool may_be_answered_v4(const uint8_t *packet, uint32_t len)
{
	uint32_t header_len = (packet[0] & 15u) * 4;
	bool is_later_fragment = load_be16(packet + 6) & 0x1fff;
	if (is_later_fragment)
		return false;
	if (packet[9] != PROTOCOL_ICMP)
		return true;
	uint8_t type = len > header_len ? packet[header_len] : 3;
	return type == 0 || type == 8 || type == 13 || type == 14;
}

/*
 * An extension header may hide an ICMPv6 error: only what is plainly none is answered.
 * A redirect is one in this respect [RFC 4443 2.4 e.2].
 */
static bool may_be_answered_v6(const uint8_t *packet, uint32_t len)
{
	if (packet[6] == PROTOCOL_ICMP6)
		return len > V6_HEADER && packet[V6_HEADER] >= 128 &&
		       packet[V6_HEADER] != ICMP6_REDIRECT;
	return packet[6] == 6 || packet[6] == 17 || packet[6] == 132;
}

/* A bucket of time: each error takes its share, as long as no more than a burst is owed. */
static bool has_share(struct device *d, nanos boottime)
{
	const nanos cost = NANOS_PER_SECOND / UNREACHABLE_PER_SECOND;
	nanos full = d->unreachable_full > boottime ? d->unreachable_full : boottime;
	if (full + cost > boottime + UNREACHABLE_BURST * cost)
		return false;
	d->unreachable_full = full + cost;
	return true;
}

static uint32_t sum(uint32_t so_far, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		so_far += load_be16(bytes + i);
	return len % 2 ? so_far + ((uint32_t)bytes[len - 1] << 8) : so_far;
}

static uint16_t checksum(uint32_t so_far, const uint8_t *bytes, uint32_t len)
{
	uint32_t total = sum(so_far, bytes, len);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

static uint32_t quoted_len(const struct ip_packet *read, uint32_t max)
{
	return read->len < max ? read->len : max;
}

/* Host unreachable, with as much of the packet as is allowed. Returns the length. */
static uint32_t write_v4(uint8_t *out, const uint8_t *packet, const struct ip_packet *read)
{
	uint32_t quoted = quoted_len(read, V4_ERROR_MAX - V4_HEADER - ICMP_HEADER);
	uint32_t len = V4_HEADER + ICMP_HEADER + quoted;
	uint8_t *icmp = out + V4_HEADER;
	memset(out, 0, V4_HEADER + ICMP_HEADER);
	out[0] = 0x45;
	store_be16(out + 2, (uint16_t)len);
	out[8] = HOP_LIMIT;
	out[9] = PROTOCOL_ICMP;
	memcpy(out + 12, read->destination.bytes, 4);
	memcpy(out + 16, read->source.bytes, 4);
	store_be16(out + 10, checksum(0, out, V4_HEADER));
	icmp[0] = 3; /* destination unreachable */
	icmp[1] = 1; /* host */
	memcpy(icmp + ICMP_HEADER, packet, quoted);
	store_be16(icmp + 2, checksum(0, icmp, ICMP_HEADER + quoted));
	return len;
}

/* Address unreachable. */
static uint32_t write_v6(uint8_t *out, const uint8_t *packet, const struct ip_packet *read)
{
	uint32_t quoted = quoted_len(read, V6_ERROR_MAX - V6_HEADER - ICMP_HEADER);
	uint32_t icmp_len = ICMP_HEADER + quoted;
	uint8_t *icmp = out + V6_HEADER;
	memset(out, 0, V6_HEADER + ICMP_HEADER);
	out[0] = 0x60;
	store_be16(out + 4, (uint16_t)icmp_len);
	out[6] = PROTOCOL_ICMP6;
	out[7] = HOP_LIMIT;
	memcpy(out + 8, read->destination.bytes, 16);
	memcpy(out + 24, read->source.bytes, 16);
	icmp[0] = 1; /* destination unreachable */
	icmp[1] = 3; /* address */
	memcpy(icmp + ICMP_HEADER, packet, quoted);
	uint32_t pseudo = sum(PROTOCOL_ICMP6 + icmp_len, out + 8, 32);
	store_be16(icmp + 2, checksum(pseudo, icmp, icmp_len));
	return V6_HEADER + icmp_len;
}

void unreachable_answer(struct device *d, const struct burst *burst, const struct ip_packet *packet,
	const struct now *now)
{
	const uint8_t *bytes = burst_inner(burst, 0);
	bool is_v4 = packet->source.family == IP_V4;
	if (!is_one_host(&packet->source) || !is_one_host(&packet->destination) ||
		!(is_v4 ? may_be_answered_v4(bytes, packet->len)
			: may_be_answered_v6(bytes, packet->len)) ||
		!has_share(d, now->boottime))
		return;
	struct burst *answer = burst_pool_get(d->pool, BURST_SMALL);
	struct carrier *carrier = answer ? carrier_create(d, answer) : NULL;
	if (!carrier) {
		burst_pool_put(d->pool, answer);
		return;
	}
	uint8_t *out = burst_inner(answer, 0);
	answer->len[0] = is_v4 ? write_v4(out, bytes, packet) : write_v6(out, bytes, packet);
	answer->count = 1;
	carrier_push(&d->inner, carrier);
}
