/*
 * Sizes at their ends: datagrams of every length, bursts of every segment size,
 * every MTU that a TUN can have. The sanitizers look on.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/tunnel.h"

#define DATAGRAM_MAX 65535

static const struct endpoint stranger = {
	.address = {.family = IP_V4, .bytes = {198, 51, 100, 66}}, .port = 66};

/* The index under which b receives. */
static uint32_t live_index(const struct tunnel *t)
{
	return end_peer(&t->b)->keyring.current->local_index;
}

/* The pool's next large burst, and what is made of it, holds no memory that nobody wrote. */
static void write_bytes(struct end *end)
{
	struct burst *burst = burst_pool_get(&end->pool, BURST_LARGE);
	memset(burst->bytes, 0x55, burst->capacity);
	burst_pool_put(&end->pool, burst);
}

static void write_header(uint8_t *datagram, uint32_t len, uint32_t type, uint32_t index)
{
	uint8_t header[8];
	store_le32(header, type);
	store_le32(header + 4, index);
	memcpy(datagram, header, len < sizeof header ? len : sizeof header);
}

/*
 * A datagram of stale bytes behind a header; whether b drops it, once, and stays
 * silent. It ends where the memory ends, so that the sanitizer sees who reads on.
 */
static bool is_dropped(struct tunnel *t, uint32_t len, uint32_t type, uint32_t index)
{
	uint64_t drops = end_drops_total(&t->b);
	struct burst *burst = burst_pool_get(&t->b.pool, BURST_LARGE);
	uint8_t *bytes = burst->bytes;
	burst->bytes = bytes + burst->capacity - len;
	write_header(burst->bytes, len, type, index);
	burst->len[0] = len;
	burst->count = 1;
	device_put_datagrams(t->b.device, burst, &stranger, &t->now);
	tunnel_pump(t, &t->b);
	burst->bytes = bytes; /* it is in the pool again */
	return end_drops_total(&t->b) == drops + 1 && !t->first && !t->b.pool.bytes_out;
}

/* Regressions 14: every length that a datagram can have, of every type and of a live session. */
TEST(lengths_of_datagrams)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1200));
	CHECK(tunnel_ping(&t, &t.a));
	write_bytes(&t.b);
	uint32_t received = t.b.received;
	for (uint32_t len = 0; len <= DATAGRAM_MAX; len++) {
		for (uint32_t type = 0; type <= 5; type++)
			CHECK(is_dropped(&t, len, type, ~live_index(&t)));
		if (len < 4096 || len % 61 == 0 || len > DATAGRAM_MAX - 40)
			CHECK(is_dropped(&t, len, MESSAGE_DATA, live_index(&t)));
	}
	CHECK_EQ(received, t.b.received);
	CHECK(end_drops(&t.b, DROP_DATA_FORGED) > 5000);
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

/* What one receive with UDP_GRO may give: equal segments, and a shorter one behind them. */
static uint32_t cut(struct burst *burst, uint32_t total, uint32_t segment, uint32_t index)
{
	burst->stride = segment;
	for (uint32_t at = 0; at < total && burst->count < BURST_PACKETS_MAX; at += segment) {
		uint32_t len = total - at < segment ? total - at : segment;
		write_header(burst->bytes + at, len, MESSAGE_DATA, index);
		burst->len[burst->count++] = len;
	}
	return burst->count;
}

/* Regressions 14: every segment size, forged. */
TEST(lengths_of_segments)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1201));
	CHECK(tunnel_ping(&t, &t.a));
	write_bytes(&t.b);
	for (uint32_t segment = 1; segment <= DATAGRAM_MAX; segment++) {
		bool is_live = segment % 61 == 0 || segment < 64;
		uint64_t drops = end_drops_total(&t.b);
		struct burst *burst = burst_pool_get(&t.b.pool, BURST_LARGE);
		uint32_t index = is_live ? live_index(&t) : ~live_index(&t);
		uint32_t count = cut(burst, DATAGRAM_MAX, segment, index);
		device_put_datagrams(t.b.device, burst, &stranger, &t.now);
		tunnel_pump(&t, &t.b);
		CHECK_EQ(drops + count, end_drops_total(&t.b));
		CHECK(!t.first && !t.b.pool.bytes_out);
	}
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

/* Packets of `len` bytes, and a last one of INNER_LEN, as one burst of b's. */
static bool carry_segments(struct tunnel *t, uint32_t len, uint32_t count)
{
	static uint8_t packet[DATAGRAM_MAX];
	struct burst *burst = burst_pool_get(&t->b.pool, BURST_LARGE);
	uint32_t before = t->b.received;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t this_len = i + 1 < count ? len : INNER_LEN;
		inner_build(packet, this_len, &t->a.inner4, &t->b.inner4, i);
		tunnel_offer_bytes(t, &t->a, packet, this_len);
		tunnel_pump(t, &t->a);
		struct flight *f = tunnel_take(t);
		if (i == 0)
			burst->stride = f->len;
		burst_add(burst, f->bytes, f->len);
		free(f);
	}
	device_put_datagrams(t->b.device, burst, &t->a.address, &t->now);
	tunnel_pump(t, &t->b);
	for (uint32_t i = 0; i < count; i++)
		if (t->b.tags[(before + i) % TUNNEL_TAGS] != i)
			return false;
	return t->b.received == before + count;
}

/* Regressions 14: every segment size, authentic; so many as fit 64 KiB. */
TEST(lengths_of_authentic_segments)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1202));
	device_set_mtu(t.a.device, DATAGRAM_MAX);
	CHECK(tunnel_ping(&t, &t.a));
	for (uint32_t len = INNER_LEN; len < DATAGRAM_MAX - 64; len += len < 1500 ? 16 : 4001) {
		uint32_t fitting = DATAGRAM_MAX / (len + BURST_HEADROOM + BURST_TAILROOM);
		CHECK(carry_segments(&t, len, fitting < 5 ? fitting + 1 : 5));
		tunnel_ping(&t, &t.b); /* so that a has an answer */
	}
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	tunnel_wipe(&t);
}

static uint32_t padded(uint32_t len, uint32_t mtu)
{
	while (len % 16 && (mtu == 0 || len < mtu))
		len++;
	return len;
}

/* One packet of a's is begun under one MTU and run under the next. */
static bool carry_across(struct tunnel *t, uint32_t len, uint32_t mtu, uint32_t next_mtu)
{
	static uint8_t packet[DATAGRAM_MAX];
	uint32_t before = t->b.received;
	inner_build(packet, len, &t->a.inner4, &t->b.inner4, len);
	device_set_mtu(t->a.device, mtu);
	tunnel_offer_bytes(t, &t->a, packet, len);
	device_set_mtu(t->a.device, next_mtu);
	device_set_mtu(t->b.device, next_mtu);
	tunnel_pump(t, &t->a);
	bool is_padded = t->first && t->first->len == 32 + padded(len, mtu);
	tunnel_settle(t);
	return is_padded && t->b.received == before + 1 && t->b.inner_len == len &&
	       (len > sizeof t->b.inner || !memcmp(packet, t->b.inner, len));
}

/* Regressions 16: changed live, from every value to every other. */
TEST(lengths_of_mtu_changed_live)
{
	static const uint32_t mtus[] = {0, 1, 67, 68, 1279, 1280, 1420, 65535};
	static const uint32_t lens[] = {52, 67, 68, 69, 1279, 1280, 1281, 1420, 1499, 9001, 65535};
	enum { MTUS = sizeof mtus / sizeof *mtus, LENS = sizeof lens / sizeof *lens };
	struct tunnel t;
	CHECK(tunnel_init(&t, 1203));
	CHECK(tunnel_ping(&t, &t.a));
	for (int from = 0; from < MTUS; from++)
		for (int to = 0; to < MTUS; to++)
			for (int i = 0; i < LENS; i++)
				CHECK(carry_across(&t, lens[i], mtus[from], mtus[to]));
	device_set_mtu(t.a.device, 0); /* and what waits for a session */
	tunnel_skip(&t, REJECT_AFTER_TIME);
	tunnel_offer(&t, &t.a, 5, 0);
	device_set_mtu(t.a.device, 1);
	uint32_t before = t.b.received;
	tunnel_settle(&t);
	CHECK_EQ(before + 5, t.b.received);
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	tunnel_wipe(&t);
}
