#include "sim/stranger.h"

#include "base/bytes.h"
#include "sim/world.h"

#include <string.h>

#define FORGERIES_MAX 8 /* in a burst */
#define FORGERY_LEN   1600

#define CLAIM_PERMILLE 5 /* costs us, and the target, three DHs */
#define WITH_COOKIE    7 /* the stranger that reads its mail */

enum forgery {
	NOISE,
	REPLAY,
	FLIP,
	CUT_SHORT,
	BAD_RESPONSE,
	BAD_DATA,
	BAD_COOKIE,
	BENT,
	SPLICE,
	FORGERY_COUNT
};

/* ------------------------------------------------------------------ addresses */

static struct endpoint home_of(uint32_t number)
{
	bool is_v6 = number % 2;
	struct endpoint home = {.port = 4500};
	static const uint8_t v4[] = {198, 51, 100, 0}, v6[] = {0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff};
	home.address.family = is_v6 ? IP_V6 : IP_V4;
	memcpy(home.address.bytes, is_v6 ? v6 : v4, is_v6 ? sizeof v6 : sizeof v4);
	home.address.bytes[is_v6 ? 7 : 3] = (uint8_t)number; /* each a /64 of its own */
	return home;
}

bool stranger_find(const struct endpoint *endpoint, uint32_t *number)
{
	*number = endpoint->address.bytes[endpoint->address.family == IP_V6 ? 7 : 3];
	struct endpoint home = home_of(*number);
	return endpoint_is_same_remote(&home, endpoint);
}

/* ------------------------------------------------------------------ forgeries */

void strangers_start(struct world *w, nanos interval)
{
	w->strangers.interval = interval;
	w->strangers.next = w->time + interval;
}

static uint32_t any_type(struct world *w)
{
	uint32_t type = (uint32_t)dice_below(&w->dice, 9);
	return type < 7 ? type : MESSAGE_HYBRID_INITIATION + (type - 7);
}

static uint32_t make_noise(struct world *w, uint8_t *out)
{
	static const uint32_t lengths[] = {
		0, 1, 3, 4, 16, 31, 32, 63, 64, 91, 92, 93, 147, 148, 149, 1195, 1196, 1347, 1348};
	size_t kinds = sizeof lengths / sizeof *lengths;
	uint64_t kind = dice_below(&w->dice, 2 * kinds);
	uint32_t len = kind < kinds ? lengths[kind] : (uint32_t)dice_below(&w->dice, FORGERY_LEN);
	dice_fill(&w->dice, out, len);
	if (len >= 4)
		store_le32(out, any_type(w));
	return len;
}

static bool is_response(const uint8_t *bytes)
{
	return bytes[0] == MESSAGE_RESPONSE || bytes[0] == MESSAGE_HYBRID_RESPONSE;
}

/* Else a handshake message may still be good, and the stranger is a router. */
static bool was_processed(const struct world *w, const struct datagram *old)
{
	const struct peer *peer = w->watch.sights[old->to][old->from].peer;
	if (old->bytes[0] == MESSAGE_INITIATION || old->bytes[0] == MESSAGE_HYBRID_INITIATION)
		return peer && !tai64n_is_after(&old->stamp, &peer->latest_stamp);
	return !is_response(old->bytes) || !peer || !peer->pending ||
	       load_le32(old->bytes + 8) != peer->pending->local_index;
}

/* A datagram that was delivered before, as it was or damaged. */
static uint32_t make_replay(struct world *w, uint32_t target, enum forgery how, uint8_t *out)
{
	const struct datagram *old = w->network.captured[dice_below(&w->dice, CAPTURED_MAX)];
	if (!old || old->to != target || old->len > FORGERY_LEN || !was_processed(w, old))
		return 0;
	if (how == FLIP)
		return network_damage(&w->dice, FAULT_CORRUPT, old->bytes, old->len, out);
	if (how == CUT_SHORT)
		return network_damage(&w->dice, FAULT_TRUNCATE, old->bytes, old->len, out);
	memcpy(out, old->bytes, old->len);
	return old->len;
}

/* mac1 needs no more than the receiver's public key. */
static void put_mac1(const struct node *target, uint8_t *message, uint32_t len)
{
	macs_set_mac1(message, len, &target->us.macs);
}

/* An answer to the very handshake that waits for one. */
static uint32_t make_bad_response(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	bool is_hybrid = peer->key_exchange == KEY_EXCHANGE_HYBRID;
	uint32_t len = response_len(peer->key_exchange);
	dice_fill(&w->dice, out, len);
	store_le32(out, is_hybrid ? MESSAGE_HYBRID_RESPONSE : MESSAGE_RESPONSE);
	if (peer->pending)
		store_le32(out + 8, peer->pending->local_index);
	put_mac1(target, out, len);
	return len;
}

/*
 * The genuine response, before it arrives, for a session instead of the handshake
 * that waits for it: but for mac1 nothing covers the receiver index.
 */
static uint32_t make_bent_response(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	const struct network *n = &w->network;
	const struct session *session = peer->keyring.current;
	for (size_t i = 0; i < n->count && session; i++) {
		const struct datagram *datagram = n->heap[i].datagram;
		if (datagram->to != target->index || !is_response(datagram->bytes) ||
			node_peer(w, target->index, datagram->from) != peer)
			continue;
		memcpy(out, datagram->bytes, datagram->len);
		store_le32(out + 8, session->local_index);
		put_mac1(target, out, datagram->len);
		return datagram->len;
	}
	return 0;
}

struct layout { /* of a handshake message up to its macs */
	uint8_t type;
	uint32_t head, kem, tail; /* bytes: through the ephemeral key; of the KEM; behind it */
};

static const struct layout layouts[] = {
	{MESSAGE_INITIATION, 40, 0, 76},
	{MESSAGE_HYBRID_INITIATION, 40, 1200, 76},
	{MESSAGE_RESPONSE, 44, 0, 16},
	{MESSAGE_HYBRID_RESPONSE, 44, 1104, 16},
};

/* A genuine message as one of the other kind: the KEM's field cut out, or one put in. */
static uint32_t make_splice(struct world *w, const struct node *target, uint8_t *out)
{
	const struct datagram *old = w->network.captured[dice_below(&w->dice, CAPTURED_MAX)];
	size_t i = 0;
	if (!old || old->to != target->index)
		return 0;
	while (i < 4 && layouts[i].type != old->bytes[0])
		i++;
	if (i == 4)
		return 0;
	const struct layout *from = &layouts[i], *to = &layouts[i ^ 1];
	memcpy(out, old->bytes, from->head);
	dice_fill(&w->dice, out + from->head, to->kem);
	memcpy(out + to->head + to->kem, old->bytes + from->head + from->kem, from->tail);
	uint32_t len = to->head + to->kem + to->tail + (uint32_t)sizeof(struct message_macs);
	store_le32(out, to->type);
	put_mac1(target, out, len);
	return len;
}

static uint32_t make_bad_cookie(struct world *w, const struct peer *peer, uint8_t *out)
{
	dice_fill(&w->dice, out, MESSAGE_COOKIE_REPLY_LEN);
	store_le32(out, MESSAGE_COOKIE_REPLY);
	if (peer->pending)
		store_le32(out + 4, peer->pending->local_index);
	return MESSAGE_COOKIE_REPLY_LEN;
}

/* Data for a session that lives, with a counter that would shut the window if it were believed. */
static uint32_t make_bad_data(struct world *w, const struct peer *peer, uint8_t *out)
{
	const struct keyring *ring = &peer->keyring;
	const struct session *session = ring->next ? ring->next : ring->current;
	uint32_t len = MESSAGE_DATA_MIN_LEN + 16 * (uint32_t)dice_below(&w->dice, 90);
	dice_fill(&w->dice, out, len);
	store_le32(out, MESSAGE_DATA);
	if (session)
		store_le32(out + 4, session->local_index);
	if (dice_chance(&w->dice, 500))
		store_le64(out + 8, dice_below(&w->dice, 100000));
	return len;
}

/* An initiation in the name of a peer, right but for the proof: its private key is another. */
static uint32_t make_bad_claim(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	struct rng rng = {dice_fill, &w->dice};
	struct local_identity liar;
	struct remote_identity them;
	struct pending_handshake pending;
	struct preshared_key none = {0};
	struct private_key key;
	struct initiation_terms terms = {.key_exchange = peer->key_exchange, .local_index = 1};
	memset(&terms.stamp, 0xff, sizeof terms.stamp);
	private_key_generate(&key, &rng);
	local_identity_init(&liar, &key);
	liar.public_key = peer->public_key;
	remote_identity_init(&them, &liar, &target->us.public_key, &none);
	initiation_create(out, &pending, &liar, &them, &terms, &rng);
	return initiation_len(terms.key_exchange);
}

static uint32_t forge(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	if (w->strangers.splices_only)
		return make_splice(w, target, out);
	if (dice_chance(&w->dice, CLAIM_PERMILLE))
		return make_bad_claim(w, target, peer, out);
	enum forgery how = (enum forgery)dice_below(&w->dice, FORGERY_COUNT);
	switch (how) {
	case NOISE: return make_noise(w, out);
	case BAD_RESPONSE: return make_bad_response(w, target, peer, out);
	case BAD_COOKIE: return make_bad_cookie(w, peer, out);
	case BENT: return make_bent_response(w, target, peer, out);
	case SPLICE: return make_splice(w, target, out);
	case BAD_DATA: return make_bad_data(w, peer, out);
	default: return make_replay(w, target->index, how, out);
	}
}

/* Any of the target's peers. */
static const struct peer *any_peer(struct world *w, const struct node *target)
{
	const struct peer *peer = device_first_peer(target->device);
	size_t count = device_peer_count(target->device);
	for (uint64_t n = count ? dice_below(&w->dice, count) : 0; n; n--)
		peer = peer->next;
	return peer;
}

static void attack(struct world *w, struct node *target)
{
	struct endpoint from = home_of((uint32_t)dice_below(&w->dice, STRANGERS_MAX));
	const struct peer *peer = any_peer(w, target);
	uint64_t count = dice_between(&w->dice, 1, FORGERIES_MAX);
	struct burst *burst = peer ? burst_pool_get(&target->pool, BURST_LARGE) : NULL;
	if (!burst)
		return;
	if (dice_chance(&w->dice, 500) && peer->endpoint.address.family != IP_NONE)
		from = peer->endpoint; /* forging that is easy */
	burst->stride = FORGERY_LEN;
	for (; burst->count < count; burst->count++)
		burst->len[burst->count] =
			forge(w, target, peer, burst_datagram(burst, burst->count));
	w->counts.faults[FAULT_FORGERY] += count;
	world_trace(w, "node %u <- strangers: %u datagrams", target->index, burst->count);
	node_put_datagrams(w, target, burst, &from);
}

/* ------------------------------------------------------------------ floods */

void strangers_flood(
	struct world *w, uint32_t target, uint32_t messages, uint32_t rounds, bool has_cookies)
{
	world_trace(w, "flood: %u messages at node %u, %u times", messages, target, rounds);
	w->strangers.flood = (struct flood){.target = target,
		.messages = messages,
		.rounds = rounds,
		.has_cookies = has_cookies,
		.is_hybrid = w->seed / 2 % 2,
		.next = rounds ? w->time : NANOS_NEVER};
	cookie_jar_init(&w->strangers.flood.jar);
}

void strangers_get(struct world *w, const struct endpoint *to, const uint8_t *bytes, uint32_t len)
{
	struct flood *flood = &w->strangers.flood;
	uint32_t number;
	if (flood->has_cookies && flood->jar.birth == NANOS_NEVER && stranger_find(to, &number) &&
		number == WITH_COOKIE && len == MESSAGE_COOKIE_REPLY_LEN)
		cookie_jar_take(&flood->jar, (const void *)bytes, &w->nodes[flood->target].us.macs,
			w->time);
}

static uint32_t flood_len(const struct flood *flood)
{
	return flood->is_hybrid ? MESSAGE_HYBRID_INITIATION_LEN : MESSAGE_INITIATION_LEN;
}

/* A burst of equal messages. */
static void flood_burst(struct world *w, struct node *target, uint32_t count)
{
	struct flood *flood = &w->strangers.flood;
	uint32_t number =
		flood->has_cookies ? WITH_COOKIE : (uint32_t)dice_below(&w->dice, STRANGERS_MAX);
	struct endpoint from = home_of(number);
	uint32_t len = flood_len(flood);
	struct burst *burst = burst_pool_get(&target->pool, count * len);
	if (!burst)
		return;
	uint8_t *message = burst_datagram(burst, 0);
	burst->stride = len;
	dice_fill(&w->dice, message, len);
	store_le32(message, flood->is_hybrid ? MESSAGE_HYBRID_INITIATION : MESSAGE_INITIATION);
	put_mac1(target, message, len);
	if (flood->has_cookies)
		cookie_jar_seal(&flood->jar, message, len, flood->jar.birth);
	for (; burst->count < count; burst->count++) {
		memmove(burst_datagram(burst, burst->count), message, len);
		burst->len[burst->count] = len;
	}
	node_put_datagrams(w, target, burst, &from);
}

static void flood_step(struct world *w)
{
	struct flood *flood = &w->strangers.flood;
	struct node *target = &w->nodes[flood->target];
	flood->next = --flood->rounds ? w->time + FLOOD_INTERVAL : NANOS_NEVER;
	w->counts.faults[FAULT_FLOOD] += flood->messages;
	for (uint32_t left = flood->messages; left && node_is_alive(target);) {
		uint32_t most = flood->is_hybrid ? BURST_LARGE / flood_len(flood) : LAW_BURST;
		uint32_t count = left < most ? left : most;
		flood_burst(w, target, count);
		left -= count;
	}
}

nanos strangers_deadline(const struct strangers *strangers)
{
	return nanos_min(strangers->flood.next, strangers->next);
}

void strangers_step(struct world *w)
{
	struct strangers *strangers = &w->strangers;
	if (nanos_is_due(strangers->flood.next, w->time))
		flood_step(w);
	if (!nanos_is_due(strangers->next, w->time))
		return;
	strangers->next = w->time + dice_between(&w->dice, 1, 2 * strangers->interval);
	struct node *target = &w->nodes[dice_below(&w->dice, w->node_count)];
	if (node_is_alive(target) && !target->is_stranger)
		attack(w, target);
}
