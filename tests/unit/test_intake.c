#include "device/intake.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/test.h"
#include "unit/tunnel.h"

/* An initiation that nobody made: its mac1 is right, which takes no secret. */
static void forge(const struct end *target, struct message_initiation *msg, uint32_t number)
{
	struct macs_keys keys;
	memset(msg, 0x77, sizeof *msg);
	store_le32(msg->type, MESSAGE_INITIATION);
	store_le32(msg->sender_index, number);
	store_le32(msg->ephemeral.bytes, number);
	macs_keys_derive(&keys, &target->public_key);
	macs_set_mac1(msg, sizeof *msg, &keys);
}

static struct endpoint stranger(uint32_t number)
{
	struct endpoint from = {.address = {.family = IP_V4}, .port = (uint16_t)(1 + number)};
	store_be32(from.address.bytes, 0xc6336400u + number);
	return from;
}

/* Straight to the device, without the turn that tunnel_receive gives each datagram. */
static void put(struct tunnel *t, struct end *end, const void *bytes, uint32_t len,
	const struct endpoint *from)
{
	struct burst *burst = burst_pool_get(&end->pool, len);
	burst->count = 0;
	burst->stride = len;
	burst_add(burst, bytes, len);
	device_put_datagrams(end->device, burst, from, &t->now);
}

static void flood(struct tunnel *t, struct end *end, uint32_t count)
{
	struct message_initiation msg;
	for (uint32_t i = 0; i < count; i++) {
		struct endpoint from = stranger(i);
		forge(end, &msg, i);
		put(t, end, &msg, sizeof msg, &from);
	}
}

/* What the device sends goes to nobody; returns how many of them are cookie replies. */
static uint32_t discard_sends(struct end *end)
{
	struct device_send send;
	uint32_t cookies = 0;
	while (device_take_send(end->device, &send)) {
		cookies += send.burst->bytes[0] == MESSAGE_COOKIE_REPLY;
		burst_pool_put(&end->pool, send.burst);
	}
	return cookies;
}

/* regressions 30: 32 a turn, the rest waits and asks for the next turn at once */
TEST(intake_processes_32_a_turn)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 950));
	flood(&t, &t.b, 100);
	CHECK_EQ(32, end_drops(&t.b, DROP_INITIATION_FORGED));
	CHECK_EQ(68, t.b.device->backlog.count);
	CHECK_EQ(0, device_deadline(t.b.device));
	device_tick(t.b.device, &t.now);
	CHECK_EQ(64, end_drops(&t.b, DROP_INITIATION_FORGED));
	device_tick(t.b.device, &t.now);
	device_tick(t.b.device, &t.now);
	CHECK_EQ(100, end_drops(&t.b, DROP_INITIATION_FORGED));
	CHECK(device_deadline(t.b.device) > 0);
	CHECK_EQ(0, discard_sends(&t.b)); /* silence */
	tunnel_wipe(&t);
}

TEST(intake_backlog_is_bounded)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 951));
	flood(&t, &t.b, 32 + BACKLOG_MAX + 10);
	CHECK_EQ(BACKLOG_MAX, t.b.device->backlog.count);
	CHECK_EQ(10, end_drops(&t.b, DROP_BACKLOG));
	struct now now = t.now;
	device_set_link(t.b.device, false, &now);
	CHECK_EQ(0, t.b.device->backlog.count);
	CHECK_EQ(BACKLOG_MAX, end_drops(&t.b, DROP_REMOVED));
	tunnel_wipe(&t);
}

/* What waits has a mac1 of the old key: under the new one it must not even get a cookie. */
TEST(intake_backlog_goes_with_the_private_key)
{
	struct tunnel t;
	struct private_key key = {{0x33}}, none = {{0}};
	CHECK(tunnel_init(&t, 973));
	private_key_clamp(&key);
	flood(&t, &t.b, 32 + BACKLOG_LOAD);
	CHECK(end_change_key(&t.b, &t.b.private_key, &t.now));
	CHECK_EQ(BACKLOG_LOAD, t.b.device->backlog.count); /* the same */
	CHECK(end_change_key(&t.b, &key, &t.now));
	CHECK_EQ(0, t.b.device->backlog.count);
	CHECK_EQ(BACKLOG_LOAD, end_drops(&t.b, DROP_REMOVED));
	device_tick(t.b.device, &t.now);
	CHECK_EQ(0, discard_sends(&t.b));
	flood(&t, &t.b, 1);
	CHECK_EQ(1, end_drops(&t.b, DROP_MAC1));
	CHECK(end_change_key(&t.b, &t.b.private_key, &t.now));
	flood(&t, &t.b, 32 + 10);
	CHECK_EQ(10, t.b.device->backlog.count + end_drops(&t.b, DROP_UNDER_LOAD));
	discard_sends(&t.b);
	CHECK(end_change_key(&t.b, &none, &t.now));
	CHECK_EQ(0, t.b.device->backlog.count);
	tunnel_wipe(&t);
}

/* What all cookies are made of lies where secrets do. */
TEST(intake_cookie_secret_lies_in_the_arena)
{
	struct tunnel t;
	struct device_setup setup = {.rng = {stream_fill, &t.a.stream}};
	struct secret_arena empty;
	CHECK(tunnel_init(&t, 974));
	const uint8_t *at = (const void *)t.b.device->baker;
	CHECK(at >= t.b.arena.base && at < t.b.arena.base + t.b.arena.used);
	secret_arena_init(&empty, t.b.memory, 0);
	setup.arena = &empty;
	setup.pool = &t.b.pool;
	CHECK(!device_create(&setup));
	tunnel_wipe(&t);
}

/* A wrong mac1 is thrown out on arrival: it takes no place and no turn. */
TEST(intake_wrong_mac1_takes_no_turn)
{
	struct tunnel t;
	struct message_initiation msg;
	CHECK(tunnel_init(&t, 952));
	struct endpoint from = stranger(1);
	for (uint32_t i = 0; i < 100; i++) {
		forge(&t.a, &msg, i); /* made for another */
		put(&t, &t.b, &msg, sizeof msg, &from);
	}
	CHECK_EQ(100, end_drops(&t.b, DROP_MAC1));
	CHECK_EQ(0, t.b.device->backlog.count);
	CHECK_EQ(HANDSHAKES_PER_TURN, t.b.device->backlog.turn_left);
	tunnel_wipe(&t);
}

/* Load begins at an eighth of the backlog and ends a second after its last sign. */
TEST(intake_load_begins_and_ends)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 953));
	flood(&t, &t.b, 32 + BACKLOG_LOAD - 1);
	device_tick(t.b.device, &t.now);
	CHECK_EQ(0, discard_sends(&t.b));
	CHECK_EQ(0, end_drops(&t.b, DROP_UNDER_LOAD));
	while (intake_is_waiting(t.b.device))
		device_tick(t.b.device, &t.now);
	CHECK_EQ(0, discard_sends(&t.b));

	flood(&t, &t.b, 32 + BACKLOG_LOAD);
	while (intake_is_waiting(t.b.device))
		device_tick(t.b.device, &t.now);
	uint64_t refused = end_drops(&t.b, DROP_UNDER_LOAD);
	CHECK(refused >= BACKLOG_LOAD);
	CHECK_EQ(refused, discard_sends(&t.b));
	t.now.boottime += SECOND - 1;
	flood(&t, &t.b, 1);
	CHECK_EQ(1, discard_sends(&t.b));
	t.now.boottime += 1;
	device_tick(t.b.device, &t.now);
	flood(&t, &t.b, 1);
	CHECK_EQ(0, discard_sends(&t.b));
	tunnel_wipe(&t);
}

/* So many messages a second from strangers, each in a turn of its own; how many get a cookie. */
static uint32_t trickle(struct tunnel *t, struct end *end, uint32_t per_second, uint32_t count)
{
	uint32_t cookies = 0;
	for (uint32_t i = 0; i < count; i++) {
		tunnel_skip(t, SECOND / per_second);
		device_tick(end->device, &t->now);
		flood(t, end, 1);
		cookies += discard_sends(end);
	}
	return cookies;
}

/* Fast enough to process all leaves no backlog, and yet each message costs us a DH. */
TEST(intake_messages_in_vain_are_load)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 970));
	CHECK_EQ(0, trickle(&t, &t.b, WASTED_PER_SECOND, 5 * WASTED_PER_SECOND));
	CHECK(trickle(&t, &t.b, 10 * WASTED_PER_SECOND, 20 * WASTED_PER_SECOND) >=
		18 * WASTED_PER_SECOND);
	/* as long as it lasts, and a second */
	CHECK_EQ(5 * WASTED_PER_SECOND,
		trickle(&t, &t.b, 2 * WASTED_PER_SECOND, 5 * WASTED_PER_SECOND));
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_settle(&t);
	CHECK_EQ(0, t.b.received);
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(0, trickle(&t, &t.b, 10, 10));
	tunnel_wipe(&t);
}

/* A herd that comes back: however fast, messages that make sessions are no load. */
TEST(intake_messages_that_make_sessions_are_no_load)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 971));
	struct peer *peers[] = {end_peer(&t.a), end_peer(&t.b)};
	for (uint32_t i = 0; i < 3 * WASTED_PER_SECOND; i++) {
		timers_stop(&peers[0]->timers);
		peers[1]->latest_initiation = 0;
		t.now.realtime += SECOND;
		t.now.boottime += SECOND / (3 * WASTED_PER_SECOND);
		device_tick(t.a.device, &t.now);
		device_tick(t.b.device, &t.now);
		negotiate_begin(t.a.device, peers[0], &t.now);
		tunnel_settle(&t);
	}
	CHECK_EQ(3 * WASTED_PER_SECOND, t.b.sent[MESSAGE_RESPONSE]);
	CHECK_EQ(0, t.b.device->backlog.load_until + t.a.device->backlog.load_until);
	tunnel_wipe(&t);
}

/* Who has a cookie and spends it too fast does not end the load that he makes. */
TEST(intake_messages_beyond_a_share_are_load)
{
	struct tunnel t;
	struct message_initiation msg;
	CHECK(tunnel_init(&t, 972));
	struct device *d = t.b.device;
	struct endpoint from = stranger(1);
	flood(&t, &t.b, 32 + BACKLOG_LOAD);
	while (intake_is_waiting(d))
		device_tick(d, &t.now);
	discard_sends(&t.b);
	for (uint32_t i = 0; i < 10 * WASTED_PER_SECOND; i++) {
		struct mac_value cookie =
			cookie_bake(d->baker, &from.address, from.port, t.now.boottime, &d->rng);
		tunnel_skip(&t, SECOND / (2 * WASTED_PER_SECOND));
		device_tick(d, &t.now);
		forge(&t.b, &msg, i);
		macs_set_mac2(&msg, sizeof msg, &cookie);
		put(&t, &t.b, &msg, sizeof msg, &from);
	}
	CHECK(end_drops(&t.b, DROP_INITIATION_FORGED) <= 32 + BACKLOG_LOAD + 5 + 5 * 20 + 1);
	tunnel_wipe(&t);
}

/* Under load: the first initiation brings a cookie, the second, with it, a session. */
TEST(intake_cookie_lets_an_honest_peer_in)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 954));
	t.b.device->backlog.load_until = NANOS_NEVER;
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	CHECK_EQ(0, t.b.received);
	CHECK_EQ(1, end_drops(&t.b, DROP_UNDER_LOAD));
	CHECK_EQ(0, end_drops(&t.a, DROP_COOKIE_UNEXPECTED));
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(1, t.b.sent[MESSAGE_RESPONSE]);
	tunnel_wipe(&t);
}

/* The same for a response: the initiator under load asks the responder for a cookie. */
TEST(intake_cookie_for_a_response)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 955));
	t.a.device->backlog.load_until = NANOS_NEVER;
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	CHECK_EQ(1, end_drops(&t.a, DROP_UNDER_LOAD));
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(1, t.b.received);
	tunnel_wipe(&t);
}

/* regressions 17: a cookie of one port is worth nothing at another */
TEST(intake_cookie_of_another_port)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 956));
	t.b.device->backlog.load_until = NANOS_NEVER;
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	t.a.address.port++;
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(0, t.b.received);
	CHECK_EQ(2, end_drops(&t.b, DROP_UNDER_LOAD));
	tunnel_wipe(&t);
}

/* A source with a valid cookie gets 5 at once, 20 a second. */
TEST(intake_share_of_a_source)
{
	struct tunnel t;
	struct message_initiation msg;
	CHECK(tunnel_init(&t, 957));
	struct device *d = t.b.device;
	d->backlog.load_until = NANOS_NEVER;
	struct endpoint from = stranger(1);
	struct mac_value cookie =
		cookie_bake(d->baker, &from.address, from.port, t.now.boottime, &d->rng);
	for (uint32_t i = 0; i < 20; i++) {
		forge(&t.b, &msg, i);
		macs_set_mac2(&msg, sizeof msg, &cookie);
		put(&t, &t.b, &msg, sizeof msg, &from);
	}
	CHECK_EQ(5, end_drops(&t.b, DROP_INITIATION_FORGED));
	CHECK_EQ(15, end_drops(&t.b, DROP_SOURCE_RATE));
	CHECK_EQ(0, discard_sends(&t.b));
	tunnel_wipe(&t);
}

/* regressions 18: a cookie reply does not move the endpoint; forged ones change nothing. */
TEST(intake_cookie_reply_moves_no_endpoint)
{
	struct tunnel t;
	struct message_cookie_reply forged = {.type = {MESSAGE_COOKIE_REPLY}};
	CHECK(tunnel_init(&t, 958));
	t.b.device->backlog.load_until = NANOS_NEVER;
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	struct endpoint before = end_peer(&t.a)->endpoint, elsewhere = stranger(9);
	memcpy(forged.receiver_index, (uint8_t[4]){0}, 4);
	tunnel_receive(&t, &t.a, &forged, sizeof forged, &elsewhere);
	store_le32(forged.receiver_index, end_peer(&t.a)->pending->local_index);
	tunnel_receive(&t, &t.a, &forged, sizeof forged, &elsewhere);
	CHECK_EQ(2, end_drops(&t.a, DROP_COOKIE_UNEXPECTED));
	CHECK(endpoint_is_same_remote(&before, &end_peer(&t.a)->endpoint));
	tunnel_wipe(&t);
}

/* The reply that a is waiting for, but from elsewhere: it counts, and moves nothing either. */
TEST(intake_true_cookie_reply_moves_no_endpoint)
{
	struct tunnel t;
	struct endpoint elsewhere = stranger(9);
	CHECK(tunnel_init(&t, 960));
	t.b.device->backlog.load_until = NANOS_NEVER;
	struct endpoint before = end_peer(&t.a)->endpoint;
	for (int i = 0; i < 2; i++) { /* a's initiation, b's reply */
		tunnel_offer(&t, &t.a, i == 0, 1);
		tunnel_pump(&t, i ? &t.b : &t.a);
		struct flight *f = tunnel_take(&t);
		CHECK(f);
		f->from = i ? elsewhere : f->from;
		tunnel_bring(&t, f);
		free(f);
	}
	CHECK_EQ(0, end_drops(&t.a, DROP_COOKIE_UNEXPECTED));
	CHECK(endpoint_is_same_remote(&before, &end_peer(&t.a)->endpoint));
	CHECK_EQ(0, end_take_events(&t.a, EVENT_ENDPOINT_MOVED));
	tunnel_run(&t, 6 * SECOND); /* the next initiation carries it, to where b is */
	CHECK_EQ(1, t.b.received);
	tunnel_wipe(&t);
}

TEST(intake_stamps_wait_for_their_grant)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 959));
	struct tai64n past = tai64n_from_realtime(t.now.realtime - SECOND);
	struct tai64n far = tai64n_from_realtime(t.now.realtime + 3600 * SECOND);
	device_grant_stamps(t.a.device, &past, &t.now);
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	tunnel_run(&t, 20 * SECOND);
	CHECK_EQ(0, end_sent(&t.a));
	device_grant_stamps(t.a.device, &far, &t.now);
	tunnel_run(&t, 1);
	CHECK_EQ(1, t.b.received);

	/* and are greater than the floor */
	struct tai64n least = tai64n_next(&far);
	device_set_stamp_floor(t.b.device, &far);
	CHECK_MEM(&least, device_sent_stamp(t.b.device), sizeof least);
	device_set_stamp_floor(t.b.device, &past);
	CHECK_MEM(&least, device_sent_stamp(t.b.device), sizeof least);
	tunnel_wipe(&t);
}
