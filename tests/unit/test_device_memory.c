/*
 * Memory that runs out, at every point: the pool of bursts and the arena. Packets
 * are dropped and counted then, nothing is leaked, and all goes on when there is
 * memory again.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/tunnel.h"

static void leave(struct end *end, size_t bytes)
{
	end->pool.bytes_max = end->pool.bytes_out + bytes;
}

static bool recovers(struct tunnel *t)
{
	leave(&t->a, TUNNEL_POOL_MAX);
	leave(&t->b, TUNNEL_POOL_MAX);
	tunnel_run(t, 6 * SECOND); /* a Rekey-Timeout and its jitter */
	return tunnel_ping(t, &t->a) && tunnel_ping(t, &t->b);
}

/* Everything that the device makes itself: what cannot be had is counted. */
TEST(memory_no_burst_for_a_message)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1000));
	leave(&t.a, 0);
	tunnel_offer(&t, &t.a, 2, 0);
	leave(&t.a, 0);
	tunnel_settle(&t);
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]); /* the offered burst had come back before */
	tunnel_wipe(&t);

	CHECK(tunnel_init(&t, 1001));
	leave(&t.a, 0);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_MEMORY));
	tunnel_settle(&t);
	CHECK_EQ(0, end_sent(&t.a));
	leave(&t.a, TUNNEL_POOL_MAX);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now); /* the attempt is under way */
	tunnel_settle(&t);
	CHECK_EQ(0, end_sent(&t.a));
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX); /* as if it had been lost */
	CHECK(end_peer(&t.a)->keyring.current);
	tunnel_wipe(&t);
}

TEST(memory_no_burst_for_a_response)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1002));
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	tunnel_pump(&t, &t.a);
	struct flight *initiation = tunnel_take(&t);
	struct burst *burst = burst_pool_get(&t.b.pool, BURST_SMALL);
	CHECK(initiation && burst);
	burst_add(burst, initiation->bytes, initiation->len);
	free(initiation);
	leave(&t.b, 0);
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	CHECK_EQ(1, end_drops(&t.b, DROP_NO_MEMORY));
	CHECK_EQ(0, end_peer(&t.b)->tx_bytes);
	CHECK(recovers(&t));
	tunnel_wipe(&t);
}

TEST(memory_no_burst_for_a_keepalive)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1004));
	CHECK(tunnel_ping(&t, &t.a));
	uint32_t sent = end_sent(&t.a);
	leave(&t.a, 0);
	tunnel_run(&t, 14 * SECOND); /* one is due at 10 s, and is not tried for ever */
	CHECK_EQ(sent, end_sent(&t.a));
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_MEMORY));
	CHECK(recovers(&t));
	tunnel_wipe(&t);
}

/* A datagram of another session than its burst needs a burst of its own. */
TEST(memory_no_burst_for_a_packet_of_another_session)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1003));
	CHECK(tunnel_ping(&t, &t.a));
	struct burst *burst = burst_pool_get(&t.b.pool, BURST_SMALL);
	CHECK(burst);
	burst->stride = 128;
	for (int i = 0; i < 2; i++) {
		tunnel_offer(&t, &t.a, 1, 0);
		tunnel_pump(&t, &t.a);
		struct flight *f = tunnel_take(&t);
		burst_add(burst, f->bytes, f->len);
		free(f);
		tunnel_skip(&t, 10 * SECOND);
		if (i == 0)
			negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
		tunnel_settle(&t);
	}
	t.b.received = 0;
	leave(&t.b, 0);
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(1, end_drops(&t.b, DROP_NO_MEMORY));
	CHECK_EQ(1, end_peer(&t.b)->drops.count[DROP_NO_MEMORY]);
	CHECK_EQ(1, end_drops_total(&t.b));
	tunnel_wipe(&t);
}

/* Offered by both: what was received, is staged, or was dropped. */
static uint64_t account(const struct tunnel *t)
{
	uint64_t staged = end_peer(&t->a)->staged.count + end_peer(&t->b)->staged.count;
	return staged + t->a.received + t->b.received;
}

/* A random step at one end, with a random rest of memory. */
static uint32_t step(struct tunnel *t, struct end *end, const struct rng *rng)
{
	static const size_t rests[] = {0, 0, BURST_SMALL, 2 * BURST_SMALL, BURST_LARGE,
		BURST_LARGE + BURST_SMALL, TUNNEL_POOL_MAX};
	uint32_t offered = 0;
	leave(end, rests[rng_u32(rng) % 7]);
	switch (rng_u32(rng) % 8) {
	case 0:
		timers_stop(&end_peer(end)->timers);
		negotiate_begin(end->device, end_peer(end), &t->now);
		break;
	case 1:
		tunnel_skip(t, rng_u32(rng) % 40 * SECOND);
		device_tick(end->device, &t->now);
		break;
	case 2: tunnel_settle(t); break;
	case 3:
	case 4: tunnel_pump(t, end); break;
	default: offered = 1 + rng_u32(rng) % 40; tunnel_offer(t, end, offered, 0);
	}
	for (int i = 0; i < 3; i++) {
		struct flight *f = tunnel_take(t);
		if (f)
			tunnel_bring(t, f);
		free(f);
	}
	return offered;
}

TEST(memory_pool_exhausted_at_random)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct tunnel t;
		struct stream stream = {.seed = seed};
		struct rng rng = {stream_fill, &stream};
		uint64_t offered = 0;
		CHECK(tunnel_init(&t, 1010 + seed));
		for (int i = 0; i < 1500; i++)
			offered += step(&t, rng_u32(&rng) % 2 ? &t.a : &t.b, &rng);
		CHECK(end_drops(&t.a, DROP_NO_MEMORY) + end_drops(&t.b, DROP_NO_MEMORY) > 50);
		CHECK(account(&t) > offered / 4);
		CHECK(account(&t) <= offered);
		CHECK(recovers(&t));
		CHECK(!end_peer(&t.a)->staged.first && !end_peer(&t.b)->staged.first);
		CHECK_EQ(0, t.a.device->staged_bytes + t.b.device->staged_bytes);
		CHECK_EQ(0, t.a.pool.bytes_out + t.b.pool.bytes_out);
		tunnel_wipe(&t);
	}
}

/* With an arena of any size: handshakes fail or succeed, nothing half. */
TEST(memory_arena_of_every_size)
{
	for (size_t room = 0; room <= 12; room++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 1020));
		size_t blocks = t.a.arena.blocks_out;
		for (struct end *end = &t.a; end; end = end == &t.a ? &t.b : NULL)
			end->arena.len = end->arena.used + 64 * room;
		for (int i = 0; i < 8; i++) {
			tunnel_offer(&t, i % 2 ? &t.a : &t.b, 1, 0);
			tunnel_run(&t, 61 * SECOND);
			CHECK(t.a.device->indices.count <= 4 && t.b.device->indices.count <= 4);
		}
		CHECK(room < 6 || t.a.received + t.b.received == 8);
		CHECK(room > 0 || end_drops(&t.a, DROP_NO_MEMORY) > 0);
		CHECK(room > 0 || t.a.arena.blocks_out == blocks);
		/* One block for each index: a session's keys or a handshake that waits. */
		CHECK_EQ(t.a.device->indices.count, t.a.arena.blocks_out - blocks);
		t.a.arena.len = t.b.arena.len = TUNNEL_ARENA;
		CHECK(recovers(&t));
		tunnel_wipe(&t);
	}
}
