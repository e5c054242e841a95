/*
 * Bursts of all kinds of datagrams at once. What holds for each: every datagram
 * is delivered, or counted under exactly one drop reason, or it is a handshake
 * message or a keepalive that was taken.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "unit/tunnel.h"

#define STRIDE 192 /* room for a handshake message and a sealed ping */

static struct burst *mixed_burst(struct end *end)
{
	struct burst *burst = burst_pool_get(&end->pool, BURST_LARGE);
	if (!burst)
		abort();
	burst->stride = STRIDE;
	return burst;
}

static void add_flight(struct burst *burst, struct flight *flight)
{
	burst_add(burst, flight->bytes, flight->len);
	free(flight);
}

/* Moves what lies on the wire into a burst. */
static void add_wire(struct tunnel *t, struct burst *burst)
{
	for (struct flight *flight; (flight = tunnel_take(t));)
		add_flight(burst, flight);
}

static void offer_and_pump(struct tunnel *t, struct end *end, uint32_t count, uint32_t tag)
{
	tunnel_offer(t, end, count, tag);
	tunnel_pump(t, end);
}

/* a renews: its session becomes previous at both ends once more. */
static void renew(struct tunnel *t)
{
	timers_stop(&end_peer(&t->a)->timers);
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	tunnel_settle(t);
	tunnel_skip(t, SECOND);
}

static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	tunnel_skip(t, SECOND);
	return true;
}

TEST(receive_mixed_garbage_between_data)
{
	struct tunnel t;
	uint8_t garbage[STRIDE] = {MESSAGE_DATA};
	CHECK(connect(&t, 500));
	struct burst *burst = mixed_burst(&t.b);
	offer_and_pump(&t, &t.a, 40, 0);
	for (uint32_t i = 0; i < 40; i++) {
		garbage[0] = (uint8_t)(i % 6);
		burst_add(burst, garbage, i * 4);
		add_flight(burst, tunnel_take(&t));
	}
	CHECK_EQ(80, burst->count);
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(40, t.b.received);
	for (uint32_t i = 0; i < 40; i++)
		CHECK_EQ(i, t.b.tags[i]);
	CHECK_EQ(40, end_drops_total(&t.b));
	CHECK_EQ(0, end_drops(&t.b, DROP_DATA_FORGED));
	tunnel_wipe(&t);
}

/* The first session met has the burst, the other's packets go apart. */
TEST(receive_mixed_sessions)
{
	struct tunnel t;
	CHECK(connect(&t, 501));
	struct burst *burst = mixed_burst(&t.b);
	offer_and_pump(&t, &t.a, 3, 0);
	struct flight *old[3];
	for (int i = 0; i < 3; i++)
		CHECK((old[i] = tunnel_take(&t)));
	renew(&t);
	offer_and_pump(&t, &t.a, 3, 10);
	for (int i = 0; i < 3; i++) {
		add_flight(burst, tunnel_take(&t));
		add_flight(burst, old[i]);
	}
	burst->tos = 2;
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	CHECK_EQ(4, end_peer(&t.b)->pins);
	for (const struct carrier *c = t.b.device->jobs.first; c; c = c->next)
		CHECK_EQ(2, c->job.burst->tos);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(6, t.b.received);
	CHECK_EQ(0, end_drops_total(&t.b));
	uint32_t sum = 0;
	for (int i = 0; i < 6; i++)
		sum += t.b.tags[i];
	CHECK_EQ(0 + 1 + 2 + 10 + 11 + 12, sum);
	tunnel_wipe(&t);
}

/* An initiation in the middle or at the end does not disturb the data around it. */
TEST(receive_mixed_initiation_among_data)
{
	for (uint32_t place = 0; place <= 4; place++) {
		struct tunnel t;
		CHECK(connect(&t, 502));
		struct burst *burst = mixed_burst(&t.b);
		offer_and_pump(&t, &t.a, 4, 0);
		struct flight *data = t.first;
		t.first = NULL;
		timers_stop(&end_peer(&t.a)->timers);
		negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
		tunnel_pump(&t, &t.a);
		struct flight *initiation = tunnel_take(&t);
		t.first = data;
		for (uint32_t i = 0; i < 5; i++)
			add_flight(burst, i == place ? initiation : tunnel_take(&t));
		device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
		tunnel_settle(&t);
		CHECK_EQ(4, t.b.received);
		CHECK_EQ(2, t.b.sent[MESSAGE_RESPONSE]);
		CHECK_EQ(0, end_drops_total(&t.b));
		CHECK(tunnel_ping(&t, &t.b));
		tunnel_wipe(&t);
	}
}

/* A response retires the session of data that stands before it: which counts all the same. */
TEST(receive_mixed_data_before_the_response_that_retires_its_session)
{
	struct tunnel t;
	uint8_t garbage[8] = {9};
	CHECK(connect(&t, 504));
	offer_and_pump(&t, &t.b, 2, 0);
	struct flight *old[2] = {tunnel_take(&t), tunnel_take(&t)};
	renew(&t); /* what b has just sent belongs to the previous session */
	timers_stop(&end_peer(&t.a)->timers);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	tunnel_pump(&t, &t.a);
	tunnel_bring(&t, t.first);
	tunnel_lose(&t);
	tunnel_pump(&t, &t.b);
	struct burst *burst = mixed_burst(&t.a);
	burst_add(burst, garbage, sizeof garbage);
	add_flight(burst, old[0]);
	burst_add(burst, garbage, sizeof garbage);
	add_flight(burst, old[1]);
	add_wire(&t, burst); /* the response */
	CHECK_EQ(5, burst->count);
	device_put_datagrams(t.a.device, burst, &t.b.address, &t.now);
	tunnel_settle(&t);
	CHECK_EQ(2, t.a.received);
	CHECK_EQ(2, end_drops(&t.a, DROP_TYPE));
	CHECK_EQ(2, end_drops_total(&t.a));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

/* One datagram of a random kind. `old` are packets kept from before. */
static void add_random(struct burst *burst, const struct rng *rng, struct flight **old)
{
	uint8_t garbage[STRIDE];
	uint32_t at = rng_u32(rng) % 8, kind = rng_u32(rng) % 8;
	if (kind == 0 || !old[at]) {
		rng_fill(rng, garbage, sizeof garbage);
		store_le32(garbage, rng_u32(rng) % 6);
		burst_add(burst, garbage, rng_u32(rng) % (sizeof garbage + 1));
		return;
	}
	if (kind < 3)
		old[at]->bytes[rng_u32(rng) % old[at]->len] ^= 1; /* from now on spoilt */
	burst_add(burst, old[at]->bytes, old[at]->len);
}

/* Puts new messages of a into the collection: data, an initiation, whatever a sends. */
static void collect(struct tunnel *t, const struct rng *rng, struct flight **old)
{
	if (rng_u32(rng) % 4 == 0) {
		timers_stop(&end_peer(&t->a)->timers);
		negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	}
	offer_and_pump(t, &t->a, 1 + rng_u32(rng) % 4, 0);
	for (struct flight *f; (f = tunnel_take(t));) {
		uint32_t at = rng_u32(rng) % 8;
		free(old[at]);
		old[at] = f;
	}
}

TEST(receive_mixed_each_datagram_is_accounted_for)
{
	struct tunnel t;
	struct stream stream = {.seed = 77};
	struct rng rng = {stream_fill, &stream};
	struct flight *old[8] = {NULL};
	uint64_t given = 0;
	CHECK(connect(&t, 505));
	uint64_t responses = t.b.sent[MESSAGE_RESPONSE], rx = end_peer(&t.b)->rx_bytes;
	for (int round = 0; round < 1500; round++) {
		collect(&t, &rng, old);
		struct burst *burst = mixed_burst(&t.b);
		for (uint32_t i = rng_u32(&rng) % BURST_PACKETS_MAX; i; i--)
			add_random(burst, &rng, old);
		given += burst->count;
		intake_begin_turn(t.b.device, &t.now);
		device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
		if (rng_u32(&rng) % 2)
			tunnel_pump(&t, &t.b); /* else its jobs stay out */
		for (struct flight *f; (f = tunnel_take(&t)); free(f))
			if (rng_u32(&rng) % 2) /* b's answers to a, some lost */
				tunnel_bring(&t, f);
		tunnel_skip(&t, SECOND / 4);
	}
	while (intake_is_waiting(t.b.device))
		intake_begin_turn(t.b.device, &t.now);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(0, end_peer(&t.b)->pins);
	responses = t.b.sent[MESSAGE_RESPONSE] - responses;
	/* Keepalives show in the bytes only. */
	rx = end_peer(&t.b)->rx_bytes - rx - responses * 148 - t.b.received * UINT64_C(128);
	CHECK_EQ(0, rx % 32);
	CHECK_EQ(given, t.b.received + end_drops_total(&t.b) + responses + rx / 32);
	CHECK(t.b.received > 500 && responses > 50 && rx > 0);
	CHECK_EQ(0, end_drops(&t.b, DROP_REMOVED)); /* rotation costs nothing */
	CHECK(end_drops(&t.b, DROP_REPLAY) > 1000);
	for (int i = 0; i < 8; i++)
		free(old[i]);
	tunnel_wipe(&t);
}
