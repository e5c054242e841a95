/*
 * Handshakes by authors who have keys (letters.h), so that what lies behind the AEADs is
 * reached: b takes a letter when it is right, fresh and in its turn, and never else;
 * both ends then have the same keys; everything that b sends opens at whom it is for.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "fuzz/letters.h"
#include "fuzz/sound.h"
#include "unit/encapsulations.h"
#include "unit/short_memory.h"

#define STEPS_MAX  48
#define CLOCK_BACK 255 /* a command */
#define OFFER_MANY 70  /* packets: more than a batch of the AEAD */

struct world {
	struct desk desk;
	bool is_limited;			/* memory may run out in this step */
	size_t memory;				/* calls until then */
	uint8_t message[MESSAGE_HANDSHAKE_MAX]; /* the last letter, to be sent again */
	uint32_t message_len;
};

static void check(struct world *w)
{
	struct end *b = &w->desk.t.b;
	desk_check_sessions(&w->desk);
	const struct peer *low = desk_peer(&w->desk, AUTHOR_LOW);
	REQUIRE(!low->pending && !low->keyring.current && !low->keyring.next && !low->tx_bytes);
	require_sound(b);
	end_take_events(b, EVENT_SESSION);
}

/* ---------------------------------------------------------------- steps */

/* Memory of all three kinds is short in this step, if the input wanted it. */
static void limit_memory(struct world *w)
{
	struct end *b = &w->desk.t.b;
	if (!w->is_limited)
		return;
	short_memory_begin(1 + (w->memory & 7));
	if (w->memory & 8)
		b->pool.bytes_max = b->pool.bytes_out;
	if (w->memory & 16)
		b->arena.len = b->arena.used;
}

static void lift_limits(struct world *w)
{
	struct end *b = &w->desk.t.b;
	short_memory_end();
	b->pool.bytes_max = TUNNEL_POOL_MAX;
	b->arena.len = TUNNEL_ARENA;
}

static void run_jobs(struct device *d, const struct now *now)
{
	for (struct job *job; (job = device_take_job(d));) {
		job_run_batch(&job, 1);
		device_put_job(d, job, now);
	}
}

static void settle(struct world *w)
{
	struct tunnel *t = &w->desk.t;
	run_jobs(t->b.device, &t->now);
	lift_limits(w);
	tunnel_pump(t, &t->b);
	desk_read_sent(&w->desk);
	if (w->is_limited || w->desk.has_bad_kem_key)
		desk_note_lost_answers(&w->desk);
	w->is_limited = false;
	check(w);
}

static bool is_under_load(const struct world *w)
{
	return w->desk.t.now.boottime < w->desk.t.b.device->backlog.load_until;
}

/* Whether b deals with a message at once, and asks nothing but whether it is right. */
static bool is_attentive(const struct world *w)
{
	const struct device *b = w->desk.t.b.device;
	return b->us && b->is_up && !w->is_limited && b->backlog.count == 0 &&
	       b->backlog.turn_left > 0 && !is_under_load(w);
}

struct traces { /* what cannot change unless b takes something */
	uint64_t rx_bytes, drops, backlog, encapsulations;
	bool awaits_cookie[AUTHOR_PEERS];
	struct endpoint endpoints[AUTHOR_PEERS];
};

static struct traces look(const struct world *w)
{
	const struct end *b = &w->desk.t.b;
	struct traces traces = {.drops = end_drops_total(b),
		.backlog = b->device->backlog.count,
		.encapsulations = encapsulations};
	for (enum author author = 0; author < AUTHOR_PEERS; author++) {
		const struct peer *peer = desk_peer(&w->desk, author);
		traces.rx_bytes += peer->rx_bytes;
		traces.endpoints[author] = peer->endpoint;
		traces.awaits_cookie[author] = peer->cookie_jar.awaits_reply;
	}
	return traces;
}

/*
 * Every message is taken, or dropped once, or waits; what is not taken changes nothing.
 * true: a cookie was taken.
 */
static bool deliver(struct world *w, const void *bytes, uint32_t len, const struct endpoint *from)
{
	struct tunnel *t = &w->desk.t;
	struct burst *burst = burst_pool_get(&t->b.pool, BURST_SMALL);
	struct traces before = look(w);
	bool is_limited = w->is_limited;
	REQUIRE(burst);
	burst_add(burst, bytes, len);
	w->desk.from = from;
	limit_memory(w);
	fuzz_guard_burst(burst);
	device_put_datagrams(t->b.device, burst, from, &t->now);
	fuzz_unguard_burst(burst); /* it is in the pool again, or a job */
	settle(w);
	w->desk.from = NULL;
	struct traces after = look(w);
	bool is_taken = after.rx_bytes > before.rx_bytes, has_taken_cookie = false;
	for (enum author author = 0; author < AUTHOR_PEERS; author++) {
		has_taken_cookie |= before.awaits_cookie[author] && !after.awaits_cookie[author];
		REQUIRE(is_taken || endpoint_is_same_remote(
					    &before.endpoints[author], &after.endpoints[author]));
	}
	/* the dear part of an answer is for who gets one */
	REQUIRE(is_limited || w->desk.has_bad_kem_key ||
		after.encapsulations <= before.encapsulations + is_taken);
	uint64_t left = after.drops - before.drops + after.backlog - before.backlog;
	REQUIRE(is_limited || left + is_taken + has_taken_cookie == 1);
	return has_taken_cookie;
}

/* Keeps the message, so that it can come a second time. */
static void post(struct world *w, const void *bytes, uint32_t len, const struct endpoint *from)
{
	memcpy(w->message, bytes, len);
	w->message_len = len;
	deliver(w, bytes, len, from);
}

static void initiate(struct world *w, struct input *in, const struct endpoint *from)
{
	uint8_t msg[MESSAGE_HANDSHAKE_MAX];
	struct letter *letter = letter_initiate(&w->desk, in, from, msg);
	if (!letter)
		return;
	bool is_expected = letter->is_right && is_attentive(w) && letter_is_fresh(&w->desk, letter);
	bool is_refused = is_under_load(w) && !letter->has_mac2;
	post(w, msg, initiation_len(letter->key_exchange), from);
	REQUIRE(is_expected ? letter->is_taken : !is_refused || !letter->is_taken);
}

static void respond(struct world *w, struct input *in, const struct endpoint *from)
{
	uint8_t msg[MESSAGE_HANDSHAKE_MAX];
	struct letter *letter = letter_respond(&w->desk, in, from, msg);
	if (!letter)
		return;
	const struct peer *peer = desk_peer(&w->desk, letter->author);
	bool is_expected = letter->is_right && is_attentive(w) && peer->pending &&
			   peer->pending->local_index == letter->b_index;
	bool is_refused = is_under_load(w) && !letter->has_mac2;
	post(w, msg, response_len(letter->key_exchange), from);
	REQUIRE(is_expected ? letter->is_taken : !is_refused || !letter->is_taken);
	REQUIRE(!is_expected || peer->keyring.current->remote_index == letter->index);
}

/* A cookie for b, from the one it wrote to or another, to its latest message or another. */
static void reply_cookie(struct world *w, struct input *in, const struct endpoint *from)
{
	uint8_t kind = input_u8(in);
	struct desk *desk = &w->desk;
	enum author author = kind % AUTHOR_PEERS, signer = kind / 2 % AUTHOR_PEERS;
	const struct peer *peer = desk_peer(desk, author);
	struct mac_value mac1 = peer->cookie_jar.last_mac1, cookie = {{kind}};
	struct message_cookie_reply msg;
	uint32_t local_index = 0; /* of an initiation, or of a response */
	if (peer->pending)
		local_index = peer->pending->local_index;
	else if (peer->keyring.next)
		local_index = peer->keyring.next->local_index;
	uint8_t index[4];
	store_le32(index, local_index);
	bool is_right = local_index && author == signer && peer->cookie_jar.awaits_reply;
	if (kind & 4)
		is_right &= !input_spoil(in, mac1.bytes, sizeof mac1);
	cookie_reply_create(&msg, index, &mac1, &cookie, &desk->authors[signer].macs, &desk->rng);
	if (kind & 8)
		is_right &= !input_spoil(in, msg.nonce, sizeof msg - offsetof(typeof(msg), nonce));
	is_right &= desk->t.b.device->is_up;
	REQUIRE(deliver(w, &msg, sizeof msg, from) == is_right);
	REQUIRE(!is_right || !memcmp(&peer->cookie_jar.cookie, &cookie, sizeof cookie));
}

/* A keepalive, which confirms the session if b has answered. */
static void confirm(struct world *w, struct input *in, const struct endpoint *from)
{
	struct desk *desk = &w->desk;
	uint32_t i = input_u8(in);
	struct letter *letter = i < desk->letter_count ? &desk->letters[i] : NULL;
	if (!letter || !letter->has_keys)
		return;
	struct {
		struct message_data_header header;
		uint8_t tag[AEAD_TAG_LEN];
	} msg;
	const struct peer *peer = desk_peer(desk, letter->author);
	const struct session *session = keyring_find(&peer->keyring, letter->b_index);
	bool is_expected = session && session->remote_index == letter->index &&
			   session_can_receive(session, desk->t.now.boottime) &&
			   desk->t.b.device->is_up && !w->is_limited;
	store_le32(msg.header.type, MESSAGE_DATA);
	store_le32(msg.header.receiver_index, letter->b_index);
	store_le64(msg.header.counter, letter->counter++);
	aead_seal(msg.tag, msg.tag, 0, NULL, 0, letter->counter - 1, &letter->keys.send);
	const struct session *next = peer->keyring.next;
	deliver(w, &msg, sizeof msg, from);
	REQUIRE(!is_expected || endpoint_is_same_remote(from, &peer->endpoint));
	REQUIRE(session == next || peer->keyring.next == next);
	REQUIRE(!is_expected || session != next || !peer->keyring.next);
}

/* The last letter so often that there is load; b has no turn left for it. */
static void flood(struct world *w)
{
	struct tunnel *t = &w->desk.t;
	struct endpoint from = t->a.address;
	t->b.device->backlog.turn_left = 0;
	uint32_t per_burst = BURST_LARGE / MESSAGE_HANDSHAKE_MAX;
	for (uint32_t i = 0; i < BACKLOG_LOAD / per_burst + 1; i++) {
		struct burst *burst = burst_pool_get(&t->b.pool, BURST_LARGE);
		REQUIRE(burst);
		burst->stride = MESSAGE_HANDSHAKE_MAX;
		while (burst->count < per_burst)
			burst_add(burst, w->message, w->message_len);
		device_put_datagrams(t->b.device, burst, &from, &t->now);
	}
}

static void grant_stamps(struct world *w, bool is_enough)
{
	struct tai64n limit = tai64n_from_realtime(w->desk.t.now.realtime);
	if (is_enough)
		memset(&limit, 0xff, sizeof limit);
	device_grant_stamps(w->desk.t.b.device, &limit, &w->desk.t.now);
}

/* What the device does by itself, or is asked to. */
static void command(struct world *w, struct input *in)
{
	struct tunnel *t = &w->desk.t;
	struct device *b = t->b.device;
	uint8_t kind = input_u8(in);
	struct private_key key = t->b.private_key;
	if (kind == CLOCK_BACK)
		t->now.realtime -= 3600 * SECOND;
	switch (kind & 7) {
	case 0:
		device_set_mtu(b, kind & 8 ? TUNNEL_MTU : INNER_LEN - 1);
		tunnel_offer(t, &t->b, kind & 16 ? 1 : OFFER_MANY, 0);
		break;
	case 1:
		limit_memory(w);
		negotiate_begin(b, desk_peer(&w->desk, kind / 8 % AUTHOR_PEERS), &t->now);
		break;
	case 2: negotiate_begin(b, desk_peer(&w->desk, AUTHOR_LOW), &t->now); break;
	case 3: b->backlog.load_until = t->now.boottime + LOAD_TIME; break;
	case 4:
		b->backlog.turn_left = kind / 8 % 4;
		if (kind & 128)
			flood(w);
		break;
	case 5: intake_begin_turn(b, &t->now); break;
	case 6:
		if (kind & 8)
			memset(&key, 0, sizeof key);
		REQUIRE(end_change_key(&t->b, &key, &t->now));
		break;
	default:
		if (kind & 16)
			device_set_link(b, kind & 8, &t->now);
		else
			grant_stamps(w, kind & 8);
	}
	settle(w);
}

static void pass_time(struct world *w, struct input *in)
{
	static const nanos spans[] = {NANOS_PER_MS, SECOND / 50, SECOND, 5 * SECOND,
		5 * SECOND + REKEY_JITTER_MAX, 30 * SECOND, 115 * SECOND, 180 * SECOND};
	tunnel_skip(&w->desk.t, spans[input_u8(in) % 8]);
	limit_memory(w);
	device_tick(w->desk.t.b.device, &w->desk.t.now);
	settle(w);
}

static void step(struct world *w, struct input *in)
{
	uint8_t head = input_u8(in);
	struct endpoint from = w->desk.t.a.address;
	from.port = (uint16_t)(from.port + (head >> 3 & 1));
	from.address.bytes[3] ^= head >> 4 & 1;
	w->is_limited = head & 0x80;
	w->memory = w->is_limited ? input_u8(in) : 0;
	switch (head & 7) {
	case 0: initiate(w, in, &from); break;
	case 1: respond(w, in, &from); break;
	case 2: reply_cookie(w, in, &from); break;
	case 3: confirm(w, in, &from); break;
	case 4: deliver(w, w->message, w->message_len, &from); break;
	case 5: pass_time(w, in); break;
	default: command(w, in);
	}
}

FUZZ(handshake)
{
	static struct world w;
	memset(&w, 0, sizeof w);
	desk_init(&w.desk);
	for (int i = 0; i < STEPS_MAX && in->len; i++)
		step(&w, in);
	desk_wipe(&w.desk);
}
