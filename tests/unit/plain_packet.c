#include "unit/plain_packet.h"

#include <string.h>

struct plain_packet plain_packet(int version, uint8_t protocol, uint32_t payload_len)
{
	struct plain_packet p = {
		.version = version,
		.tos = 0x28,
		.ttl = 63,
		.flow_label = version == 6 ? 0x12345 : 0,
		.id = 0xfff0,
		.df = true,
		.from = 1,
		.to = 2,
		.protocol = protocol,
		.from_port = 4242,
		.to_port = 443,
		.payload_len = payload_len,
	};
	if (protocol == PLAIN_TCP) {
		p.seq = 0xfffff000;
		p.ack = 0x01020304;
		p.flags = PLAIN_ACK;
		p.window = 501;
		p.options = 3;
		p.option_seed = 7;
	}
	return p;
}

/* ---- bytes */

struct writer {
	uint8_t *begin, *at;
};

static void put8(struct writer *w, uint32_t value)
{
	*w->at++ = (uint8_t)value;
}

static void put16(struct writer *w, uint32_t value)
{
	put8(w, value >> 8);
	put8(w, value);
}

static void put32(struct writer *w, uint32_t value)
{
	put16(w, value >> 16);
	put16(w, value);
}

static void put_address(struct writer *w, int version, uint8_t last)
{
	const uint8_t v4[] = {10, 7, 0}, v6[15] = {0xfd, 7};
	for (int i = 0; i < (version == 4 ? 3 : 15); i++)
		put8(w, version == 4 ? v4[i] : v6[i]);
	put8(w, last);
}

uint32_t plain_sum_bytes(const uint8_t *bytes, uint32_t len)
{
	uint32_t sum = 0;
	for (uint32_t i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] * 256;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static uint32_t sum_two(uint32_t a, uint32_t b)
{
	return a + b > 0xffff ? a + b - 0xffff : a + b;
}

static void set16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)(value % 256);
}

/* ---- headers */

uint32_t plain_l4_at(const struct plain_packet *p)
{
	return p->version == 4 ? 20 + 4 * p->extra : 40 + 8 * p->extra;
}

uint32_t plain_headers_len(const struct plain_packet *p)
{
	return plain_l4_at(p) + (p->protocol == PLAIN_TCP ? 20 + 4 * p->options : 8);
}

static void put_v4(struct writer *w, const struct plain_packet *p, uint32_t len)
{
	put8(w, 4 << 4 | (5 + p->extra));
	put8(w, p->tos);
	put16(w, len);
	put16(w, p->id);
	put16(w, (p->df ? 0x4000u : 0) | (p->mf ? 0x2000u : 0) | p->offset);
	put8(w, p->ttl);
	put8(w, p->protocol);
	put16(w, 0);
	put_address(w, 4, p->from);
	put_address(w, 4, p->to);
	for (uint32_t i = 0; i < 4 * p->extra; i++)
		put8(w, 1); /* no operation */
	set16(w->begin + 10, 0xffff - plain_sum_bytes(w->begin, plain_l4_at(p)));
}

static void put_v6(struct writer *w, const struct plain_packet *p, uint32_t len)
{
	put32(w, 6u << 28 | (uint32_t)p->tos << 20 | p->flow_label);
	put16(w, len - 40);
	put8(w, p->extra ? 60 : p->protocol);
	put8(w, p->ttl);
	put_address(w, 6, p->from);
	put_address(w, 6, p->to);
	for (uint32_t i = 0; i < p->extra; i++) {
		put8(w, i + 1 < p->extra ? 60 : p->protocol);
		put8(w, 0);
		put8(w, 1); /* PadN */
		put8(w, 4);
		put32(w, 0);
	}
}

static void put_l4(struct writer *w, const struct plain_packet *p, uint32_t l4_len)
{
	put16(w, p->from_port);
	put16(w, p->to_port);
	if (p->protocol == PLAIN_UDP) {
		put16(w, l4_len);
		put16(w, 0);
		return;
	}
	put32(w, p->seq);
	put32(w, p->ack);
	put8(w, (5 + p->options) << 4 | p->reserved);
	put8(w, p->flags);
	put16(w, p->window);
	put16(w, 0);
	put16(w, p->urgent);
	for (uint32_t i = 0; i < 4 * p->options; i++)
		put8(w, p->option_seed + i);
}

/* [RFC 768, RFC 9293 3.1, RFC 8200 8.1] */
static uint32_t pseudo_header(const struct plain_packet *p, uint32_t l4_len)
{
	uint8_t bytes[40];
	struct writer w = {bytes, bytes};
	put_address(&w, p->version, p->from);
	put_address(&w, p->version, p->to);
	put32(&w, l4_len);
	put32(&w, p->protocol);
	return plain_sum_bytes(bytes, (uint32_t)(w.at - bytes));
}

static uint8_t text_byte(uint32_t at)
{
	uint32_t mixed = at * 2654435761u;
	return (uint8_t)((mixed ^ mixed >> 15) * 2246822519u >> 24);
}

static uint32_t build(uint8_t *out, const struct plain_packet *p)
{
	struct writer w = {out, out};
	uint32_t len = plain_headers_len(p) + p->payload_len;
	if (p->version == 4)
		put_v4(&w, p, len);
	else
		put_v6(&w, p, len);
	put_l4(&w, p, len - plain_l4_at(p));
	for (uint32_t i = 0; i < p->payload_len; i++)
		put8(&w, text_byte(p->payload_at + i));
	return len;
}

static uint8_t *checksum_of(uint8_t *packet, const struct plain_packet *p)
{
	return packet + plain_l4_at(p) + (p->protocol == PLAIN_TCP ? 16 : 6);
}

uint32_t plain_build_super(uint8_t *out, const struct plain_packet *p)
{
	uint32_t len = build(out, p);
	set16(checksum_of(out, p), pseudo_header(p, len - plain_l4_at(p)));
	return len;
}

uint32_t plain_build(uint8_t *out, const struct plain_packet *p)
{
	uint32_t len = build(out, p), l4_len = len - plain_l4_at(p);
	uint32_t sum =
		sum_two(pseudo_header(p, l4_len), plain_sum_bytes(out + plain_l4_at(p), l4_len));
	uint32_t checksum = 0xffff - sum;
	if (p->protocol == PLAIN_UDP && checksum == 0)
		checksum = 0xffff;
	set16(checksum_of(out, p), checksum);
	return len;
}

struct plain_packet plain_segment(const struct plain_packet *p, uint32_t size, uint32_t k)
{
	struct plain_packet segment = *p;
	uint32_t begin = k * size, left = p->payload_len - begin;
	bool is_last = left <= size;
	segment.payload_at = p->payload_at + begin;
	segment.payload_len = is_last ? left : size;
	if (p->version == 4)
		segment.id = (uint16_t)(p->id + k);
	if (p->protocol == PLAIN_UDP)
		return segment;
	segment.seq = p->seq + begin;
	if (k > 0)
		segment.flags &= (uint8_t)~PLAIN_CWR;
	if (!is_last)
		segment.flags &= (uint8_t) ~(PLAIN_FIN | PLAIN_PSH);
	return segment;
}

struct plain_packet plain_next(const struct plain_packet *p)
{
	struct plain_packet next = *p;
	next.id++;
	next.payload_at += p->payload_len;
	if (p->protocol == PLAIN_TCP)
		next.seq += p->payload_len;
	return next;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] * 256 + at[1];
}

bool plain_is_right(const uint8_t *packet, uint32_t len)
{
	bool is_v4 = packet[0] / 16 == 4;
	uint32_t l4_at = is_v4 ? 20 : 40, l4_len = len - l4_at, addresses = is_v4 ? 12 : 8;
	uint32_t protocol = packet[is_v4 ? 9 : 6];
	if (is_v4 && (get16(packet + 2) != len || plain_sum_bytes(packet, 20) != 0xffff))
		return false;
	if (!is_v4 && get16(packet + 4) != l4_len)
		return false;
	uint32_t sum = plain_sum_bytes(packet + addresses, l4_at - addresses);
	sum = sum_two(sum, sum_two(protocol, l4_len));
	return sum_two(sum, plain_sum_bytes(packet + l4_at, l4_len)) == 0xffff;
}
