#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/negotiate.h"
#include "unit/tunnel.h"

/* a's initiation on the wire, b's answer not yet. */
static struct flight *make_initiation(struct tunnel *t)
{
	tunnel_offer(t, &t->a, 1, 1);
	tunnel_pump(t, &t->a);
	return tunnel_take(t);
}

/* b's response to it. */
static struct flight *make_response(struct tunnel *t)
{
	struct flight *initiation = make_initiation(t);
	if (initiation)
		tunnel_bring(t, initiation);
	free(initiation);
	tunnel_pump(t, &t->b);
	return tunnel_take(t);
}

static size_t indices(const struct end *end)
{
	return end->device->indices.count;
}

TEST(negotiate_sends_an_initiation_and_a_response)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 200));
	struct flight *initiation = make_initiation(&t);
	CHECK(initiation && !t.first);
	CHECK_EQ(MESSAGE_INITIATION_LEN, initiation->len);
	CHECK_EQ(0x88, initiation->tos);
	CHECK(initiation->is_handshake);
	CHECK(endpoint_is_same_remote(&t.b.address, &initiation->to));
	CHECK_EQ(1, indices(&t.a));
	tunnel_bring(&t, initiation);
	free(initiation);
	tunnel_pump(&t, &t.b);
	CHECK(t.first && !t.first->next);
	CHECK_EQ(MESSAGE_RESPONSE_LEN, t.first->len);
	CHECK_EQ(0x88, t.first->tos);
	CHECK(t.first->is_handshake);
	CHECK_EQ(1, indices(&t.b));
	tunnel_settle(&t);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(1, indices(&t.a));
	CHECK(!end_peer(&t.a)->pending);
	CHECK_EQ(t.now.realtime, end_peer(&t.a)->latest_handshake_realtime);
	CHECK_EQ(t.now.realtime, end_peer(&t.b)->latest_handshake_realtime);
	tunnel_wipe(&t);
}

TEST(negotiate_without_data_confirms_by_a_keepalive)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 201));
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	tunnel_settle(&t);
	CHECK_EQ(1, t.a.sent[MESSAGE_DATA]);
	CHECK_EQ(148 + 32, end_peer(&t.a)->tx_bytes);
	CHECK(end_peer(&t.b)->keyring.current && !end_peer(&t.b)->keyring.next);
	CHECK_EQ(0, t.b.received);
	tunnel_wipe(&t);
}

/* Key confirmation: the responder sends nothing before the initiator's first packet. */
TEST(negotiate_responder_waits_for_the_first_packet)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 202));
	struct flight *response = make_response(&t);
	CHECK(response);
	CHECK_EQ(0, end_take_events(&t.b, EVENT_SESSION));
	CHECK_EQ(0, end_peer(&t.b)->latest_handshake_realtime);
	tunnel_offer(&t, &t.b, 3, 50);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(0, t.b.sent[MESSAGE_DATA]);
	CHECK_EQ(3, end_peer(&t.b)->staged.count);
	CHECK(end_peer(&t.b)->keyring.next && !end_peer(&t.b)->keyring.current);
	tunnel_lose(&t);
	tunnel_bring(&t, response);
	free(response);
	tunnel_settle(&t);
	CHECK_EQ(3, t.a.received);
	CHECK_EQ(50, t.a.tags[0]);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(1, end_take_events(&t.b, EVENT_SESSION));
	tunnel_wipe(&t);
}

/* Regressions 1: 1,000 bad responses before the real one; it still completes. */
TEST(negotiate_survives_a_thousand_forged_responses)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 203));
	struct flight *response = make_response(&t);
	CHECK(response);
	struct mac_key key = end_peer(&t.b)->remote->macs.mac1;
	for (uint32_t i = 0; i < 1000; i++) {
		struct message_response bad;
		struct blake2s ctx;
		memcpy(&bad, response->bytes, sizeof bad);
		bad.sealed_nothing[i % AEAD_TAG_LEN] ^= (uint8_t)(1 + i / AEAD_TAG_LEN);
		blake2s_init(&ctx, MAC_LEN, &key, sizeof key);
		blake2s_update(&ctx, &bad, offsetof(struct message_response, macs));
		blake2s_final(&ctx, bad.macs.mac1.bytes);
		tunnel_receive(&t, &t.a, &bad, sizeof bad, &t.b.address);
	}
	CHECK_EQ(1000, end_drops(&t.a, DROP_RESPONSE_FORGED));
	tunnel_pump(&t, &t.a);
	CHECK(!t.first);
	tunnel_bring(&t, response);
	tunnel_bring(&t, response); /* the second has nothing that waits for it */
	free(response);
	tunnel_settle(&t);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_UNEXPECTED));
	tunnel_wipe(&t);
}

/* Regressions 9. */
TEST(negotiate_answers_two_identical_initiations_once)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 204));
	struct flight *initiation = make_initiation(&t);
	struct burst *burst = burst_pool_get(&t.b.pool, 2 * MESSAGE_INITIATION_LEN);
	CHECK(initiation && burst);
	burst->stride = MESSAGE_INITIATION_LEN;
	burst_add(burst, initiation->bytes, initiation->len);
	burst_add(burst, initiation->bytes, initiation->len);
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	tunnel_skip(&t, SECOND);
	tunnel_bring(&t, initiation);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(1, t.b.sent[MESSAGE_RESPONSE]);
	CHECK_EQ(2, end_drops(&t.b, DROP_STALE_STAMP));
	CHECK_EQ(2, end_peer(&t.b)->drops.count[DROP_STALE_STAMP]);
	CHECK_EQ(1, indices(&t.b));
	free(initiation);
	tunnel_wipe(&t);
}

/* An older initiation, kept back by the network, is not answered after a newer one. */
TEST(negotiate_refuses_a_stale_stamp)
{
	struct tunnel t;
	struct event event;
	CHECK(tunnel_init(&t, 205));
	struct flight *old = make_initiation(&t);
	CHECK(old);
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(1, t.b.received);
	end_take_events(&t.b, EVENT_SESSION);
	struct endpoint elsewhere = {.address = ip("203.0.113.9"), .port = 9};
	tunnel_receive(&t, &t.b, old->bytes, old->len, &elsewhere);
	free(old);
	CHECK_EQ(1, end_drops(&t.b, DROP_STALE_STAMP));
	CHECK(endpoint_is_same_remote(&t.a.address, &end_peer(&t.b)->endpoint));
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_REFUSED, event.kind);
	CHECK_EQ(DROP_STALE_STAMP, event.reason);
	CHECK(event.has_peer && endpoint_is_same_remote(&elsewhere, &event.endpoint));
	CHECK_MEM(&t.a.public_key, &event.peer, DH_LEN);
	tunnel_wipe(&t);
}

/* Makes a send an initiation at any time, whatever its timers say. */
static void initiate_at_once(struct tunnel *t)
{
	timers_stop(&end_peer(&t->a)->timers);
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	tunnel_pump(t, &t->a);
}

TEST(negotiate_answers_at_most_fifty_a_second)
{
	static const struct {
		nanos gap;
		bool is_answered;
	} rows[] = {{20 * NANOS_PER_MS - 1, false}, {20 * NANOS_PER_MS, true}, {1, false}};
	for (size_t i = 0; i < 3; i++) {
		struct tunnel t;
		CHECK(tunnel_init(&t, 206));
		initiate_at_once(&t);
		tunnel_settle(&t);
		tunnel_skip(&t, rows[i].gap);
		initiate_at_once(&t);
		tunnel_settle(&t);
		CHECK_EQ(1 + rows[i].is_answered, t.b.sent[MESSAGE_RESPONSE]);
		CHECK_EQ(!rows[i].is_answered, end_drops(&t.b, DROP_INITIATION_RATE));
		tunnel_wipe(&t);
	}
}

/* Regressions 10: the wall clock is set back by ten years. */
TEST(negotiate_stamps_increase_when_the_clock_goes_back)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 207));
	for (uint32_t i = 1; i <= 20; i++) {
		initiate_at_once(&t);
		tunnel_settle(&t);
		CHECK_EQ(i, t.b.sent[MESSAGE_RESPONSE]);
		t.now.boottime += SECOND;
		t.now.realtime -= i % 4 ? 0 : UINT64_C(315360000) * SECOND / 5;
	}
	CHECK_EQ(0, end_drops_total(&t.b));
	tunnel_wipe(&t);
}

/* Regressions 2, 28: back-to-back initiations leak no index, and none comes twice. */
TEST(negotiate_keeps_the_index_table_bounded)
{
	struct tunnel t;
	uint32_t latest[8] = {0};
	CHECK(tunnel_init(&t, 208));
	size_t blocks_a = t.a.arena.blocks_out, blocks_b = t.b.arena.blocks_out;
	for (uint32_t i = 0; i < 500; i++) {
		initiate_at_once(&t);
		CHECK(t.first);
		uint32_t index = load_le32(t.first->bytes + 4);
		for (int k = 0; k < 8; k++)
			CHECK(latest[k] != index);
		latest[i % 8] = index;
		if (i % 3 == 0)
			tunnel_lose(&t); /* the initiation */
		tunnel_pump(&t, &t.b);
		struct flight *initiation = tunnel_take(&t);
		if (initiation)
			tunnel_bring(&t, initiation);
		free(initiation);
		tunnel_pump(&t, &t.b);
		if (i % 3 == 1)
			tunnel_lose(&t); /* the response */
		tunnel_settle(&t);
		tunnel_skip(&t, SECOND / 10);
		CHECK(indices(&t.a) <= 4 && indices(&t.b) <= 4);
		CHECK(t.a.arena.blocks_out <= blocks_a + 4 && t.b.arena.blocks_out <= blocks_b + 4);
	}
	CHECK_EQ(64, t.a.device->indices.capacity);
	tunnel_wipe(&t);
}

/* Regressions 2: whatever the order of the four messages, data flows both ways and stays so. */
TEST(negotiate_both_ends_initiate_at_once)
{
	for (int order = 0; order < 6; order++) {
		struct tunnel t;
		struct flight *f[2];
		CHECK(tunnel_init(&t, 209 + (uint64_t)order));
		tunnel_offer(&t, &t.a, 2, 10);
		tunnel_offer(&t, &t.b, 2, 20);
		tunnel_pump(&t, &t.a);
		tunnel_pump(&t, &t.b);
		for (int i = 0; i < 2; i++)
			CHECK((f[i] = tunnel_take(&t)));
		tunnel_bring(&t, f[order & 1]);
		if (order & 2)
			tunnel_settle(&t); /* one handshake before the other begins */
		else
			tunnel_pump(&t, &t.a);
		tunnel_bring(&t, f[!(order & 1)]);
		if (order & 4)
			tunnel_pump(&t, &t.b);
		tunnel_settle(&t);
		free(f[0]);
		free(f[1]);
		CHECK_EQ(2, t.a.received);
		CHECK_EQ(2, t.b.received);
		CHECK(indices(&t.a) <= 4 && indices(&t.b) <= 4);
		/* where they crossed, the smaller public key's handshake is the one that stays */
		bool a_is_smaller = memcmp(&t.a.public_key, &t.b.public_key, DH_LEN) < 0;
		if (!(order & 2)) {
			CHECK_EQ(a_is_smaller, end_peer(&t.a)->keyring.current->is_initiator);
			CHECK_EQ(!a_is_smaller, end_peer(&t.b)->keyring.current->is_initiator);
		}
		for (int i = 0; i < 10; i++) {
			CHECK(tunnel_ping(&t, i % 2 ? &t.a : &t.b));
			tunnel_run(&t, SECOND);
		}
		CHECK_EQ(0,
			end_drops(&t.a, DROP_UNKNOWN_INDEX) + end_drops(&t.b, DROP_UNKNOWN_INDEX));
		CHECK(t.a.sent[MESSAGE_INITIATION] <= 1 && t.b.sent[MESSAGE_INITIATION] <= 1);
		tunnel_wipe(&t);
	}
}

TEST(negotiate_learns_where_the_peer_is)
{
	struct tunnel t;
	struct event event;
	CHECK(tunnel_init(&t, 220));
	end_peer(&t.b)->endpoint = (struct endpoint){0};
	CHECK(tunnel_ping(&t, &t.a));
	CHECK(endpoint_is_same_remote(&t.a.address, &end_peer(&t.b)->endpoint));
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_ENDPOINT_MOVED, event.kind);
	CHECK(endpoint_is_same_remote(&t.a.address, &event.endpoint));
	CHECK_EQ(0, end_take_events(&t.a, EVENT_ENDPOINT_MOVED));
	tunnel_wipe(&t);
}

TEST(negotiate_needs_link_key_and_endpoint)
{
	struct tunnel t;
	struct private_key none = {{0}};
	CHECK(tunnel_init(&t, 221));
	struct device *d = t.a.device;
	struct endpoint to = end_peer(&t.a)->endpoint;
	d->is_up = false;
	negotiate_begin(d, end_peer(&t.a), &t.now);
	d->is_up = true;
	end_peer(&t.a)->endpoint = (struct endpoint){0};
	negotiate_begin(d, end_peer(&t.a), &t.now);
	CHECK_EQ(1, end_take_events(&t.a, EVENT_NO_ENDPOINT));
	end_peer(&t.a)->endpoint = to;
	CHECK(end_change_key(&t.a, &none, &t.now));
	negotiate_begin(d, end_peer(&t.a), &t.now);
	CHECK(!timers_has_attempt(&end_peer(&t.a)->timers));
	CHECK_EQ(0, indices(&t.a));
	negotiate_begin(t.b.device, end_peer(&t.b), &t.now);
	tunnel_settle(&t);
	CHECK_EQ(0, end_sent(&t.a));
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_KEY));
	CHECK(end_change_key(&t.a, &t.a.private_key, &t.now));
	negotiate_begin(d, end_peer(&t.a), &t.now);
	tunnel_settle(&t);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

/* Regressions 18: a handshake moves the endpoint as data does, at either end. */
TEST(negotiate_roams_on_authentic_handshakes)
{
	struct tunnel t;
	struct endpoint elsewhere = {.address = ip("203.0.113.5"), .port = 5};
	CHECK(tunnel_init(&t, 222));
	struct flight *initiation = make_initiation(&t);
	initiation->from = elsewhere;
	tunnel_bring(&t, initiation);
	free(initiation);
	CHECK(endpoint_is_same_remote(&elsewhere, &end_peer(&t.b)->endpoint));
	tunnel_pump(&t, &t.b);
	struct flight *response = tunnel_take(&t);
	CHECK(response && endpoint_is_same_remote(&elsewhere, &response->to));
	response->to = t.a.address;
	response->from.port++;
	tunnel_bring(&t, response);
	CHECK(endpoint_is_same_remote(&response->from, &end_peer(&t.a)->endpoint));
	free(response);
	tunnel_wipe(&t);
}

struct zero_first { /* the first index that is drawn is 0 */
	struct rng rest;
	bool was_drawn;
};

static void fill_zero_first(void *context, void *out, size_t len)
{
	struct zero_first *state = context;
	rng_fill(&state->rest, out, len);
	if (len == sizeof(uint32_t) && !state->was_drawn) {
		memset(out, 0, len);
		state->was_drawn = true;
	}
}

/* Regressions 2: 0 is an index like any other, of the initiator and of the responder. */
TEST(negotiate_with_index_0)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 223));
	struct zero_first a = {.rest = t.a.device->rng}, b = {.rest = t.b.device->rng};
	t.a.device->rng = (struct rng){fill_zero_first, &a};
	t.b.device->rng = (struct rng){fill_zero_first, &b};
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(0, end_peer(&t.a)->keyring.current->local_index);
	CHECK_EQ(0, end_peer(&t.b)->keyring.current->local_index);
	CHECK(index_table_find(&t.a.device->indices, 0) == end_peer(&t.a));
	tunnel_skip(&t, REKEY_AFTER_TIME);
	CHECK(tunnel_ping(&t, &t.a) && tunnel_ping(&t, &t.b));
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	tunnel_wipe(&t);
}
