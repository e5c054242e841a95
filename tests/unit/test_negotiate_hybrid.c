#include "device/negotiate.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/secret.h"
#include "unit/encapsulations.h"
#include "unit/test.h"
#include "unit/tunnel.h"

static bool end_say(struct tunnel *t, struct end *end, enum post_quantum policy)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	entry.update_only = entry.has_post_quantum = true;
	entry.post_quantum = policy;
	return end_change_peer(end, &entry, &t->now);
}

static bool begin(struct tunnel *t, uint64_t seed)
{
	return tunnel_init(t, seed) && end_say(t, &t->a, POST_QUANTUM_REQUIRE) &&
	       end_say(t, &t->b, POST_QUANTUM_REQUIRE);
}

/* Makes a send an initiation at any time, whatever its timers say. */
static struct flight *make_initiation(struct tunnel *t)
{
	timers_stop(&end_peer(&t->a)->timers);
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	tunnel_pump(t, &t->a);
	return tunnel_take(t);
}

static struct flight *make_response(struct tunnel *t)
{
	struct flight *initiation = make_initiation(t);
	tunnel_bring(t, initiation);
	free(initiation);
	tunnel_pump(t, &t->b);
	return tunnel_take(t);
}

static void remac(struct tunnel *t, const struct end *to, uint8_t *message, uint32_t len)
{
	const struct end *from = tunnel_other(t, to);
	macs_set_mac1(message, len, &end_peer(from)->remote->macs);
}

static bool has_no_session(const struct end *end)
{
	const struct keyring *ring = &end_peer(end)->keyring;
	return !ring->previous && !ring->current && !ring->next;
}

TEST(negotiate_hybrid_shakes_hands)
{
	struct tunnel t;
	CHECK(begin(&t, 2000));
	struct flight *initiation = make_initiation(&t);
	CHECK_EQ(1348, initiation->len);
	CHECK_EQ(0x11, load_le32(initiation->bytes));
	CHECK(initiation->is_handshake); /* so it may be cut into fragments */
	CHECK_EQ(0x88, initiation->tos);
	CHECK_EQ(KEY_EXCHANGE_HYBRID, end_peer(&t.a)->pending->key_exchange);
	tunnel_bring(&t, initiation);
	free(initiation);
	tunnel_pump(&t, &t.b);
	CHECK(t.first && t.first->len == 1196 && t.first->is_handshake);
	CHECK_EQ(0x12, load_le32(t.first->bytes));
	tunnel_settle(&t);
	CHECK(tunnel_ping(&t, &t.a));
	for (struct end *end = &t.a; end; end = end == &t.a ? &t.b : NULL) {
		CHECK_EQ(KEY_EXCHANGE_HYBRID, end_peer(end)->keyring.current->key_exchange);
		CHECK_EQ(0, end->sent[MESSAGE_INITIATION] + end->sent[MESSAGE_RESPONSE]);
		CHECK_EQ(0, end_drops_total(end));
	}
	tunnel_wipe(&t);
}

/* Every 120 s, each with keys of its own. */
TEST(negotiate_hybrid_rekeys)
{
	struct tunnel t;
	CHECK(begin(&t, 2001));
	uint64_t before = encapsulations;
	for (int i = 0; i < 600; i++) {
		tunnel_offer(&t, &t.a, 1, 1);
		tunnel_run(&t, SECOND);
	}
	CHECK_EQ(600, t.b.received);
	CHECK_EQ(5, t.a.sent[MESSAGE_HYBRID_INITIATION]);
	CHECK_EQ(5, encapsulations - before);
	CHECK_EQ(0, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

/* Regressions 1, for the longer response: each byte of it, and no decapsulation for any. */
TEST(negotiate_hybrid_survives_a_thousand_forged_responses)
{
	struct tunnel t;
	CHECK(begin(&t, 2002));
	struct flight *response = make_response(&t);
	CHECK_EQ(1196, response->len);
	struct pending_handshake pending = *end_peer(&t.a)->pending;
	uint64_t before = decapsulations;
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t bad[MESSAGE_HYBRID_RESPONSE_LEN];
		memcpy(bad, response->bytes, sizeof bad);
		bad[12 + i] ^= (uint8_t)(1 + i % 255);
		remac(&t, &t.a, bad, sizeof bad);
		tunnel_receive(&t, &t.a, bad, sizeof bad, &t.b.address);
		CHECK_MEM(&pending, end_peer(&t.a)->pending, sizeof pending);
	}
	CHECK_EQ(1000, end_drops(&t.a, DROP_RESPONSE_FORGED));
	CHECK_EQ(0, decapsulations - before);
	tunnel_bring(&t, response);
	free(response);
	tunnel_settle(&t);
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(1, decapsulations - before);
	secret_wipe(&pending, sizeof pending);
	tunnel_wipe(&t);
}

/* ---------------------------------------------------------------- who gets no session */

TEST(negotiate_hybrid_refuses_the_other_handshake)
{
	static const struct {
		enum post_quantum a, b;
		enum drop_reason reason;
	} rows[] = {{POST_QUANTUM_OFF, POST_QUANTUM_REQUIRE, DROP_CLASSICAL},
		{POST_QUANTUM_REQUIRE, POST_QUANTUM_OFF, DROP_HYBRID}};
	for (size_t i = 0; i < 2; i++) {
		struct tunnel t;
		struct event event;
		CHECK(tunnel_init(&t, 2003));
		CHECK(end_say(&t, &t.a, rows[i].a) && end_say(&t, &t.b, rows[i].b));
		uint64_t before = encapsulations;
		tunnel_offer(&t, &t.a, 1, 1);
		tunnel_run(&t, 60 * SECOND);
		CHECK(end_drops(&t.b, rows[i].reason) >= 10);
		CHECK_EQ(end_drops(&t.b, rows[i].reason), end_drops_total(&t.b));
		CHECK_EQ(end_drops_total(&t.b), end_peer(&t.b)->drops.count[rows[i].reason]);
		CHECK(device_take_event(t.b.device, &event) && event.kind == EVENT_REFUSED);
		CHECK_EQ(rows[i].reason, event.reason);
		CHECK_EQ(0, end_sent(&t.b)); /* silence, and nothing learned */
		CHECK_EQ(0, encapsulations - before);
		CHECK(has_no_session(&t.a) && has_no_session(&t.b));
		CHECK(!end_peer(&t.b)->latest_initiation);
		tunnel_wipe(&t);
	}
}

/* Whatever he lets through, who takes away each 0x11 gets no session and no classical try. */
TEST(negotiate_hybrid_man_in_the_middle_gets_nothing)
{
	struct tunnel t;
	CHECK(begin(&t, 2004));
	tunnel_offer(&t, &t.a, 3, 1);
	tunnel_offer(&t, &t.b, 3, 1);
	for (int i = 0; i < 300; i++) {
		tunnel_pump(&t, &t.a);
		tunnel_pump(&t, &t.b);
		for (struct flight *f; (f = tunnel_take(&t)); free(f))
			CHECK_EQ(MESSAGE_HYBRID_INITIATION, load_le32(f->bytes));
		tunnel_skip(&t, SECOND);
		device_tick(t.a.device, &t.now);
		device_tick(t.b.device, &t.now);
	}
	CHECK(t.a.sent[MESSAGE_HYBRID_INITIATION] >= 15);
	CHECK_EQ(t.a.sent[MESSAGE_HYBRID_INITIATION], end_sent(&t.a));
	CHECK(has_no_session(&t.a) && has_no_session(&t.b));
	CHECK_EQ(0, t.a.received + t.b.received);
	tunnel_wipe(&t);
}

/* A response of the other kind, to the very handshake that waits, is one that nobody awaits. */
TEST(negotiate_hybrid_takes_no_classical_response)
{
	struct tunnel t;
	CHECK(begin(&t, 2005));
	free(make_initiation(&t));
	struct message_response msg = {.type = {MESSAGE_RESPONSE}};
	store_le32(msg.receiver_index, end_peer(&t.a)->pending->local_index);
	remac(&t, &t.a, msg.type, sizeof msg);
	tunnel_receive(&t, &t.a, &msg, sizeof msg, &t.b.address);
	CHECK_EQ(1, end_drops(&t.a, DROP_RESPONSE_UNEXPECTED));
	CHECK(end_peer(&t.a)->pending);
	tunnel_wipe(&t);
}

/* Types and lengths of one kind under the name of the other. */
TEST(negotiate_hybrid_lengths_are_exact)
{
	struct tunnel t;
	CHECK(begin(&t, 2006));
	static const struct {
		uint32_t type, len;
	} rows[] = {{0x11, 148}, {0x11, 1347}, {0x11, 1349}, {0x12, 92}, {0x12, 1195}, {0x12, 1197},
		{1, 1348}, {2, 1196}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t bytes[1400] = {0};
		store_le32(bytes, rows[i].type);
		remac(&t, &t.b, bytes, rows[i].len);
		tunnel_receive(&t, &t.b, bytes, rows[i].len, &t.a.address);
		CHECK_EQ(i + 1, end_drops(&t.b, DROP_LENGTH));
	}
	CHECK_EQ(0, end_sent(&t.b));
	tunnel_wipe(&t);
}

/* ---------------------------------------------------------------- what strangers cost */

/*
 * The count of encapsulations stays 0 for noise, for every field spoilt, for strangers
 * with keys of their own, for who claims to be the peer, for replays, and beyond the rate.
 */
TEST(negotiate_hybrid_encapsulates_for_no_stranger)
{
	struct tunnel t, other;
	CHECK(begin(&t, 2007) && begin(&other, 2008));
	struct flight *real = make_initiation(&t);
	uint64_t before = encapsulations;
	for (uint32_t at = 8; at < 1316; at++) { /* each byte of e, e1, s and the stamp */
		uint8_t bad[MESSAGE_HYBRID_INITIATION_LEN];
		memcpy(bad, real->bytes, sizeof bad);
		bad[at] ^= 0x10;
		remac(&t, &t.b, bad, sizeof bad);
		tunnel_receive(&t, &t.b, bad, sizeof bad, &t.a.address);
		tunnel_skip(&t, SECOND / 100); /* slowly: there is no load */
	}
	CHECK_EQ(1308, end_drops(&t.b, DROP_INITIATION_FORGED));
	/* a stranger, with an initiation that is right but for not being a peer's */
	struct remote_identity b_of;
	struct pending_handshake pending;
	struct initiation_terms terms = {KEY_EXCHANGE_HYBRID, 1, {{0xff}}};
	uint8_t msg[MESSAGE_HANDSHAKE_MAX];
	struct local_identity liar = *other.a.device->us;
	static const struct preshared_key none;
	CHECK(remote_identity_init(&b_of, &liar, &t.b.public_key, &none));
	struct rng rng = {stream_fill, &other.a.stream};
	CHECK(initiation_create(msg, &pending, &liar, &b_of, &terms, &rng));
	tunnel_receive(&t, &t.b, msg, sizeof msg, &t.a.address);
	CHECK_EQ(1, end_drops(&t.b, DROP_UNKNOWN_PEER));
	/* who says that it is the peer, and lacks its private key */
	liar.public_key = t.a.public_key;
	CHECK(initiation_create(msg, &pending, &liar, &b_of, &terms, &rng));
	tunnel_receive(&t, &t.b, msg, sizeof msg, &t.a.address);
	CHECK_EQ(1309, end_drops(&t.b, DROP_INITIATION_FORGED));
	CHECK_EQ(0, encapsulations - before);
	CHECK_EQ(0, end_sent(&t.b));
	/* the peer itself, once; and then not for the same message, nor within 20 ms */
	tunnel_bring(&t, real);
	CHECK_EQ(1, encapsulations - before);
	for (int i = 0; i < 100; i++)
		tunnel_bring(&t, real);
	free(real);
	CHECK_EQ(100, end_drops(&t.b, DROP_STALE_STAMP));
	real = make_initiation(&t);
	tunnel_bring(&t, real);
	free(real);
	CHECK_EQ(1, end_drops(&t.b, DROP_INITIATION_RATE));
	CHECK_EQ(1, encapsulations - before);
	tunnel_wipe(&t);
	tunnel_wipe(&other);
}

/* Under load a cookie first, over a message of this length as over any. */
TEST(negotiate_hybrid_needs_a_cookie_under_load)
{
	struct tunnel t;
	CHECK(begin(&t, 2009));
	uint64_t before = encapsulations;
	t.b.device->backlog.load_until = t.now.boottime + 100 * SECOND;
	tunnel_offer(&t, &t.a, 1, 1);
	tunnel_settle(&t);
	CHECK_EQ(1, t.b.sent[MESSAGE_COOKIE_REPLY]);
	CHECK_EQ(0, encapsulations - before);
	CHECK_EQ(0, t.b.received);
	t.b.device->backlog.load_until = t.now.boottime + 100 * SECOND;
	t.a.device->backlog.load_until = 0;
	tunnel_run(&t, 6 * SECOND);
	CHECK_EQ(1, t.b.received); /* with mac2, at the second try */
	CHECK_EQ(2, t.a.sent[MESSAGE_HYBRID_INITIATION]);
	CHECK_EQ(1, encapsulations - before);
	tunnel_wipe(&t);
}

/* ---------------------------------------------------------------- what is left in memory */

static bool is_in_arena(const struct end *end, const struct kem_seed *seed)
{
	for (size_t i = 0; i + sizeof *seed <= end->arena.used; i++)
		if (!memcmp(end->arena.base + i, seed, sizeof *seed))
			return true;
	return false;
}

/* The seed of the ephemeral key, in locked memory: gone with success, successor and giving up. */
TEST(negotiate_hybrid_wipes_its_seed)
{
	struct tunnel t;
	CHECK(begin(&t, 2010));
	struct flight *response = make_response(&t);
	struct kem_seed seed = end_peer(&t.a)->pending->kem_seed;
	CHECK(!secret_is_zero(&seed, sizeof seed) && is_in_arena(&t.a, &seed));
	tunnel_bring(&t, response);
	free(response);
	CHECK(!is_in_arena(&t.a, &seed));
	tunnel_settle(&t);

	tunnel_skip(&t, SECOND);
	free(make_initiation(&t));
	seed = end_peer(&t.a)->pending->kem_seed;
	free(make_initiation(&t)); /* replaces it */
	CHECK(!is_in_arena(&t.a, &seed));
	seed = end_peer(&t.a)->pending->kem_seed;
	CHECK(is_in_arena(&t.a, &seed));
	t.a.is_mute = true;
	tunnel_run(&t, 6 * SECOND);
	CHECK(end_peer(&t.a)->pending && !is_in_arena(&t.a, &seed));
	seed = end_peer(&t.a)->pending->kem_seed;
	tunnel_run(&t, 100 * SECOND);
	CHECK(!end_peer(&t.a)->pending && !is_in_arena(&t.a, &seed));
	tunnel_wipe(&t);
}
