/*
 * What strangers may send, and keys that are none: no answer, a counter, no crash
 * (the sanitizers look on). A datagram of hostile bytes is dropped under exactly
 * one reason; nothing leaves, nothing is delivered, no endpoint moves.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/negotiate.h"
#include "unit/low_order.h"
#include "unit/tunnel.h"

static const struct endpoint stranger = {
	.address = {.family = IP_V4, .bytes = {198, 51, 100, 66}}, .port = 66};

/* Whether b drops it, once, and does nothing else. */
static bool is_dropped(struct tunnel *t, const void *bytes, uint32_t len)
{
	struct endpoint before = end_peer(&t->b)->endpoint;
	uint64_t drops = end_drops_total(&t->b);
	uint32_t received = t->b.received;
	tunnel_receive(t, &t->b, bytes, len, &stranger);
	tunnel_pump(t, &t->b);
	return end_drops_total(&t->b) == drops + 1 && t->b.received == received && !t->first &&
	       endpoint_is_same_remote(&before, &end_peer(&t->b)->endpoint);
}

/* One message of each type that b has an interest in; it answers or takes none of them here. */
struct specimens {
	struct flight *flights[4];
};

/*
 * b waits for the response to its initiation, a session exists, and on the wire
 * were an initiation of a, a response to b, data, and, from nowhere, a cookie reply.
 */
static bool prepare(struct tunnel *t, struct specimens *s, uint64_t seed)
{
	*s = (struct specimens){{NULL}};
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	tunnel_skip(t, 10 * SECOND);
	tunnel_offer(t, &t->a, 1, 0);
	tunnel_pump(t, &t->a);
	s->flights[0] = tunnel_take(t);
	negotiate_begin(t->b.device, end_peer(&t->b), &t->now);
	tunnel_pump(t, &t->b);
	struct flight *initiation = tunnel_take(t);
	if (!initiation)
		return false;
	tunnel_bring(t, initiation);
	free(initiation);
	tunnel_pump(t, &t->a);
	s->flights[1] = tunnel_take(t);
	tunnel_skip(t, REKEY_TIMEOUT); /* a response counts for it too */
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	tunnel_pump(t, &t->a);
	s->flights[2] = tunnel_take(t);
	s->flights[3] = calloc(1, sizeof(struct flight) + MESSAGE_COOKIE_REPLY_LEN);
	if (!s->flights[3])
		return false;
	s->flights[3]->len = MESSAGE_COOKIE_REPLY_LEN;
	store_le32(s->flights[3]->bytes, MESSAGE_COOKIE_REPLY);
	return s->flights[0] && s->flights[1] && s->flights[2];
}

static void discard(struct specimens *s)
{
	for (int i = 0; i < 4; i++)
		free(s->flights[i]);
}

TEST(hostile_truncated_messages)
{
	struct tunnel t;
	struct specimens s;
	CHECK(prepare(&t, &s, 900));
	for (int i = 0; i < 4; i++)
		for (uint32_t len = 0; len < s.flights[i]->len; len++)
			CHECK(is_dropped(&t, s.flights[i]->bytes, len));
	uint64_t lengths = end_drops(&t.b, DROP_LENGTH);
	CHECK_EQ(148 + 92 + 64 + 32, lengths);
	CHECK_EQ(128 - 32, end_drops(&t.b, DROP_DATA_FORGED)); /* long enough to be tried */
	discard(&s);
	tunnel_wipe(&t);
}

TEST(hostile_flipped_bits)
{
	struct tunnel t;
	struct specimens s;
	CHECK(prepare(&t, &s, 901));
	for (int i = 0; i < 4; i++) {
		struct flight *f = s.flights[i];
		for (uint32_t bit = 0; bit < f->len * 8; bit++) {
			f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			/* mac2 means nothing to a device that is not under load */
			bool is_mac2 = f->is_handshake && bit / 8 >= f->len - MAC_LEN;
			if (!is_mac2)
				CHECK(is_dropped(&t, f->bytes, f->len));
			f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	CHECK_EQ(8 * (128 + 72), end_drops(&t.b, DROP_MAC1));
	CHECK(end_drops(&t.b, DROP_TYPE) > 0 && end_drops(&t.b, DROP_LENGTH) > 0);
	CHECK(end_drops(&t.b, DROP_DATA_FORGED) > 8 * 64);
	CHECK(end_drops(&t.b, DROP_UNKNOWN_INDEX) > 0);
	CHECK(is_dropped(&t, s.flights[3]->bytes, s.flights[3]->len));
	for (int i = 0; i < 3; i++) { /* unspoilt, each is still welcome */
		uint64_t drops = end_drops_total(&t.b);
		tunnel_bring(&t, s.flights[i]);
		tunnel_pump(&t, &t.b);
		CHECK_EQ(drops, end_drops_total(&t.b));
	}
	CHECK_EQ(2, t.b.received); /* the ping's packet and this one */
	discard(&s);
	tunnel_wipe(&t);
}

/* A valid mac1 takes no secret: what lies behind it must hold against flips all the same. */
TEST(hostile_flipped_bits_behind_a_valid_mac1)
{
	struct tunnel t;
	struct specimens s;
	CHECK(prepare(&t, &s, 902));
	struct mac_key key = end_peer(&t.a)->remote->macs.mac1;
	for (int i = 1; i < 3; i++) {
		struct flight *f = s.flights[i];
		uint32_t end = f->len - (uint32_t)sizeof(struct message_macs);
		/* Behind type and sender index: mac1 alone vouches for those. */
		for (uint32_t at = 8; at < end; at++) {
			struct blake2s ctx;
			f->bytes[at] ^= 4;
			blake2s_init(&ctx, MAC_LEN, &key, sizeof key);
			blake2s_update(&ctx, f->bytes, end);
			blake2s_final(&ctx, f->bytes + end);
			CHECK(is_dropped(&t, f->bytes, f->len));
			f->bytes[at] ^= 4;
		}
	}
	CHECK_EQ(0, end_drops(&t.b, DROP_MAC1));
	CHECK_EQ(108, end_drops(&t.b, DROP_INITIATION_FORGED) + end_drops(&t.b, DROP_UNKNOWN_PEER));
	CHECK_EQ(4, end_drops(&t.b, DROP_RESPONSE_UNEXPECTED));
	CHECK_EQ(48, end_drops(&t.b, DROP_RESPONSE_FORGED));
	discard(&s);
	tunnel_wipe(&t);
}

TEST(hostile_every_length_of_every_type)
{
	struct tunnel t;
	struct specimens s;
	struct stream stream = {.seed = 5};
	static uint8_t bytes[2000];
	CHECK(prepare(&t, &s, 903));
	for (uint32_t len = 0; len <= sizeof bytes; len++) {
		for (uint32_t type = 0; type <= 5; type++) {
			stream_fill(&stream, bytes, sizeof bytes);
			store_le32(bytes, type);
			if (type == MESSAGE_DATA) /* of a session that there is */
				memcpy(bytes + 4, s.flights[0]->bytes + 4, 4);
			CHECK(is_dropped(&t, bytes, len));
		}
	}
	CHECK_EQ(2000 + 1 - 32, end_drops(&t.b, DROP_DATA_FORGED));
	CHECK_EQ(2, end_drops(&t.b, DROP_MAC1));
	CHECK_EQ(1, end_drops(&t.b, DROP_COOKIE_UNEXPECTED));
	CHECK_EQ(2 * (2000 + 1 - 4), end_drops(&t.b, DROP_TYPE));
	discard(&s);
	tunnel_wipe(&t);
}

/* Regressions 14, up to the greatest that UDP can bring. */
TEST(hostile_long_datagrams)
{
	static const uint32_t lens[] = {2048, 2049, 65507, 65535, BURST_LARGE};
	static uint8_t bytes[BURST_LARGE];
	struct tunnel t;
	struct specimens s;
	CHECK(prepare(&t, &s, 904));
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		for (uint32_t type = 0; type <= 5; type++) {
			store_le32(bytes, type);
			memcpy(bytes + 4, s.flights[0]->bytes + 4, 4);
			CHECK(is_dropped(&t, bytes, lens[i]));
		}
	}
	discard(&s);
	tunnel_wipe(&t);
}

/* a's key is not the one that b knows, or b's not the one that a believes. */
TEST(hostile_wrong_keys)
{
	struct tunnel t;
	struct private_key key = {{0x21}};
	struct event event;
	private_key_clamp(&key);
	CHECK(tunnel_init(&t, 905));
	CHECK(end_change_key(&t.a, &key, &t.now));
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_settle(&t);
	CHECK_EQ(0, end_sent(&t.b));
	CHECK_EQ(1, end_drops(&t.b, DROP_UNKNOWN_PEER));
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_REFUSED, event.kind);
	CHECK(!event.has_peer);
	struct public_key claim;
	public_key_derive(&claim, &key);
	CHECK_MEM(&claim, &event.peer, DH_LEN);
	CHECK(end_change_key(&t.b, &key, &t.now));
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(0, end_sent(&t.b));
	CHECK_EQ(1, end_drops(&t.b, DROP_MAC1));
	tunnel_wipe(&t);
}

/* Regressions 19: the points of low order. Such peers never get a packet, nor an answer. */
TEST(hostile_low_order_peers)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 906));
	uint8_t packet[INNER_LEN];
	for (size_t i = 0; i < LOW_ORDER_COUNT; i++) {
		struct change_allowed_ip ips[] = {{.prefix = ip_net("10.7.0.0", 16)}};
		struct change_peer entry = {.public_key = low_order_point(i),
			.has_endpoint = true,
			.endpoint = t.b.address};
		entry.has_keepalive = true;
		entry.keepalive_seconds = 5;
		entry.allowed_ips = ips;
		entry.allowed_ip_count = 1;
		CHECK(end_change_peer(&t.a, &entry, &t.now));
		struct ip_address to = ip("10.7.0.1");
		CHECK(device_route(t.a.device, &to) ==
			device_find_peer(t.a.device, &entry.public_key));
		inner_build(packet, INNER_LEN, &t.a.inner4, &to, 0);
		tunnel_offer_bytes(&t, &t.a, packet, INNER_LEN);
	}
	tunnel_run(&t, 200 * SECOND);
	CHECK_EQ(0, end_sent(&t.a));
	CHECK_EQ(1 + LOW_ORDER_COUNT, device_peer_count(t.a.device));
	CHECK(tunnel_ping(&t, &t.a));			       /* the others do not suffer */
	CHECK(end_change_key(&t.a, &t.b.private_key, &t.now)); /* nor is it fatal for a new key */
	tunnel_run(&t, 20 * SECOND);
	CHECK_EQ(2, end_sent(&t.a)); /* the ping's */
	tunnel_wipe(&t);
}

/* A flood of refused messages: the queue of events is full, and all goes on. */
TEST(hostile_flood_overflows_the_events)
{
	struct tunnel t;
	uint8_t bytes[MESSAGE_INITIATION_LEN] = {MESSAGE_INITIATION};
	CHECK(tunnel_init(&t, 907));
	for (uint32_t i = 0; i < 3 * DEVICE_EVENTS_MAX; i++)
		CHECK(is_dropped(&t, bytes, sizeof bytes));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(DEVICE_EVENTS_MAX, end_take_events(&t.b, EVENT_REFUSED));
	CHECK(!device_take_event(t.b.device, &(struct event){.count = 0}));
	tunnel_skip(&t, REKEY_AFTER_TIME);
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(1, end_take_events(&t.b, EVENT_SESSION));
	tunnel_wipe(&t);
}
