/*
 * Datagrams of any bytes at a device with a peer, live sessions and a handshake under
 * way: whoever is not authenticated gets no answer, but for a cookie under load; no
 * endpoint moves; every datagram ends up in exactly one place.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "device/transmit.h"
#include "fuzz/sound.h"
#include "unit/tunnel.h"

#define ROUNDS_MAX 32
#define SLOT	   2048

enum { NOTHING, DATA, KEEPALIVE, RESPONSE, INITIATION, COOKIE_REPLY, SPECIMENS };

static const struct endpoint stranger = {
	.address = {.family = IP_V4, .bytes = {198, 51, 100, 66}}, .port = 66};

struct specimen { /* a datagram that b would take, from which the input makes others */
	uint8_t bytes[MESSAGE_HANDSHAKE_MAX];
	uint32_t len;
};

struct world {
	struct tunnel t; /* b is the one to be attacked */
	struct specimen specimens[SPECIMENS];
	uint64_t given, sessions, cookies, valid_macs;
	uint64_t wrong_types, wrong_lengths; /* of what was given [WP 5.4] */
	bool has_given_keepalive;
};

/* How many datagrams b has made something of; the one keepalive leaves no trace to count. */
static uint64_t count_accepted(struct world *w)
{
	const struct end *b = &w->t.b;
	for (struct event event; device_take_event(b->device, &event);)
		w->sessions += event.kind == EVENT_SESSION && event.is_initiator;
	bool has_cookie = end_peer(b)->cookie_jar.birth != NANOS_NEVER;
	return b->received + b->sent[MESSAGE_RESPONSE] + b->sent[MESSAGE_HYBRID_RESPONSE] +
	       w->sessions + has_cookie;
}

/* ---------------------------------------------------------------- specimens */

static void keep(struct world *w, int i, struct end *sender)
{
	tunnel_pump(&w->t, sender);
	struct flight *flight = tunnel_take(&w->t);
	REQUIRE(flight && !w->t.first && flight->len <= sizeof w->specimens[i].bytes);
	memcpy(w->specimens[i].bytes, flight->bytes, flight->len);
	w->specimens[i].len = flight->len;
	free(flight);
}

/* The right answer to b's last message, as only a can give it. */
static void keep_cookie_reply(struct world *w)
{
	const struct mac_value cookie = {{0xc0}};
	const struct rng rng = {stream_fill, &w->t.a.stream};
	const struct peer *a = end_peer(&w->t.b);
	uint8_t index[4];
	store_le32(index, a->pending->local_index);
	cookie_reply_create((void *)w->specimens[COOKIE_REPLY].bytes, index,
		&a->cookie_jar.last_mac1, &cookie, &w->t.a.device->us->macs, &rng);
	w->specimens[COOKIE_REPLY].len = MESSAGE_COOKIE_REPLY_LEN;
}

static void require_hybrid(struct tunnel *t, struct end *end)
{
	struct change change = {.has_post_quantum = true, .post_quantum = POST_QUANTUM_REQUIRE};
	REQUIRE(device_apply(end->device, &change, &t->now));
}

/* NOTHING stays empty: through it the input's own bytes come as they are. */
static void begin(struct world *w, bool is_hybrid)
{
	struct tunnel *t = &w->t;
	memset(w, 0, sizeof *w);
	REQUIRE(tunnel_init(t, 1));
	if (is_hybrid) {
		require_hybrid(t, &t->a);
		require_hybrid(t, &t->b);
	}
	REQUIRE(tunnel_ping(t, &t->a));
	tunnel_skip(t, 6 * SECOND);
	tunnel_offer(t, &t->a, 1, 1);
	keep(w, DATA, &t->a);
	transmit_keepalive(t->a.device, end_peer(&t->a), &t->now);
	keep(w, KEEPALIVE, &t->a);
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	keep(w, INITIATION, &t->a);
	negotiate_begin(t->b.device, end_peer(&t->b), &t->now);
	keep(w, RESPONSE, &t->b); /* what it answers, for the moment */
	const struct specimen *initiation = &w->specimens[RESPONSE];
	tunnel_receive(t, &t->a, initiation->bytes, initiation->len, &t->b.address);
	keep(w, RESPONSE, &t->a);
	keep_cookie_reply(w);
	end_take_events(&t->b, EVENT_SESSION);
	w->given = count_accepted(w) + end_drops_total(&t->b);
}

/* ---------------------------------------------------------------- one round: a burst */

/* What takes no secret to make: a valid mac1, and a mac2 if one was sent the cookie. */
static void add_macs(
	struct world *w, uint8_t *bytes, uint32_t len, const struct endpoint *from, bool has_cookie)
{
	struct device *d = w->t.b.device;
	const struct rng rng = {stream_fill, &w->t.b.stream};
	if (len < sizeof(struct message_macs))
		return;
	macs_set_mac1(bytes, len, &d->us->macs);
	if (!has_cookie)
		return;
	struct mac_value cookie =
		cookie_bake(d->baker, &from->address, from->port, w->t.now.boottime, &rng);
	macs_set_mac2(bytes, len, &cookie);
}

static void classify(struct world *w, const uint8_t *bytes, uint32_t len)
{
	static const uint32_t lengths[] = {[1] = 148, [2] = 92, [3] = 64, [0x11] = 1348, 1196};
	uint32_t type = load_le32(bytes);
	bool is_known = type == 4 || (type < sizeof lengths / sizeof *lengths && lengths[type]);
	if (len >= 4 && !is_known)
		w->wrong_types++;
	else if (len < 4 || (type == 4 ? len < 32 : len != lengths[type]))
		w->wrong_lengths++;
}

/* Near the right one, or any. */
static uint32_t read_length(struct input *in, uint32_t right)
{
	uint32_t value = input_u16(in), near = right + value % 256;
	if (value & 0x8000)
		return value % (SLOT + 1);
	return near < 128 ? 0 : near - 128;
}

/* The head: a specimen, 0x20 with a mac2, 0x40 a length of its own, 0x80 with a mac1. */
static void read_datagram(
	struct world *w, struct input *in, struct burst *burst, const struct endpoint *from)
{
	const struct specimen *keepalive = &w->specimens[KEEPALIVE];
	uint8_t bytes[SLOT] = {0};
	uint8_t head = input_u8(in);
	const struct specimen *specimen = &w->specimens[(head & 7) % SPECIMENS];
	uint32_t len = specimen->len;
	memcpy(bytes, specimen->bytes, len);
	if (head & 0x40)
		len = read_length(in, len);
	input_spoil(in, bytes, len);
	if (head & 0x80)
		add_macs(w, bytes, len, from, head & 0x20);
	burst_add(burst, bytes, len);
	classify(w, bytes, len);
	w->given++;
	w->valid_macs += macs_mac1_is_valid(bytes, len, &w->t.b.device->us->macs);
	w->has_given_keepalive |=
		len == keepalive->len && !memcmp(bytes, keepalive->bytes, keepalive->len);
}

/*
 * To its peer b may send anything, to others a cookie under load. Where `has_moved`, the
 * peer may have been elsewhere when the answer left.
 */
static void check_sent(struct world *w, bool has_moved)
{
	struct tunnel *t = &w->t;
	const struct endpoint *peer = &end_peer(&t->b)->endpoint;
	for (struct flight *f; (f = tunnel_take(t)); free(f)) {
		bool is_cookie = load_le32(f->bytes) == MESSAGE_COOKIE_REPLY;
		REQUIRE(is_cookie || has_moved || endpoint_is_same_remote(&f->to, peer));
		if (!is_cookie)
			continue;
		REQUIRE(f->len == MESSAGE_COOKIE_REPLY_LEN);
		REQUIRE(t->now.boottime < t->b.device->backlog.load_until);
		REQUIRE(++w->cookies <= w->valid_macs);
	}
}

static void check(struct world *w, uint64_t accepted_before, const struct endpoint *before)
{
	const struct end *b = &w->t.b;
	uint64_t accepted = count_accepted(w);
	uint64_t rest = w->given - accepted - end_drops_total(b) - b->device->backlog.count;
	REQUIRE(rest == 0 || (rest == 1 && w->has_given_keepalive));
	REQUIRE(accepted > accepted_before || rest ||
		endpoint_is_same_remote(before, &end_peer(b)->endpoint));
	REQUIRE(end_drops(b, DROP_TYPE) == w->wrong_types);
	REQUIRE(end_drops(b, DROP_LENGTH) == w->wrong_lengths);
	require_sound(b);
	check_sent(w, false);
}

/* A new turn, and the timers: more than one of what waited may be right, and from two places. */
static void tick(struct world *w)
{
	struct tunnel *t = &w->t;
	uint64_t before = count_accepted(w);
	device_tick(t->b.device, &t->now);
	tunnel_pump(t, &t->b);
	check_sent(w, count_accepted(w) > before + 1);
}

/*
 * The head: 1 whose address, 2 a tick, 4 the turn is used up, 8 load, 16 time, with 8 one
 * message in vain short of load; a count.
 */
static void run_round(struct world *w, struct input *in)
{
	struct tunnel *t = &w->t;
	struct backlog *backlog = &t->b.device->backlog;
	struct endpoint before = end_peer(&t->b)->endpoint;
	uint64_t accepted_before = count_accepted(w);
	uint8_t head = input_u8(in);
	const struct endpoint *from = head & 1 ? &stranger : &t->a.address;
	if (head & 16)
		tunnel_skip(t, input_u8(in) * SECOND);
	if ((head & 24) == 24)
		backlog->wasted_until = t->now.boottime + SECOND;
	else if (head & 8)
		backlog->load_until = t->now.boottime + LOAD_TIME;
	if (head & 2)
		tick(w);
	if (head & 4)
		backlog->turn_left = 0;
	struct burst *burst = burst_pool_get(&t->b.pool, BURST_LARGE);
	REQUIRE(burst);
	burst->stride = SLOT;
	for (int count = head / 32; count >= 0; count--)
		read_datagram(w, in, burst, from);
	fuzz_guard_burst(burst);
	device_put_datagrams(t->b.device, burst, from, &t->now);
	tunnel_pump(t, &t->b);
	fuzz_unguard_burst(burst); /* it is in the pool again */
	check(w, accepted_before, &before);
}

static void run(struct input *in, bool is_hybrid)
{
	struct world w;
	begin(&w, is_hybrid);
	for (int i = 0; i < ROUNDS_MAX && in->len; i++)
		run_round(&w, in);
	tunnel_wipe(&w.t);
}

FUZZ(datagram)
{
	run(in, false);
}

FUZZ(datagram_hybrid)
{
	run(in, true);
}
