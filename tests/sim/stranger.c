#include "sim/stranger.h"

#include "base/bytes.h"
#include "sim/world.h"

#include <string.h>

#define FORGERIES_MAX  32 /* in a burst */
#define FORGERY_LEN    1600
#define STRANGERS_PORT 4500

#define CLAIM_PERMILLE 5 /* costs us, and the target, three DHs */

enum forgery { NOISE, REPLAY, FLIP, CUT_SHORT, BAD_RESPONSE, BAD_DATA, BAD_COOKIE, FORGERY_COUNT };

void strangers_start(struct world *w, nanos interval)
{
	w->strangers.interval = interval;
	w->strangers.next = w->time + interval;
}

static uint32_t make_noise(struct world *w, uint8_t *out)
{
	static const uint32_t lengths[] = {
		0, 1, 3, 4, 16, 31, 32, 63, 64, 91, 92, 93, 147, 148, 149};
	size_t kinds = sizeof lengths / sizeof *lengths;
	uint64_t kind = dice_below(&w->dice, 2 * kinds);
	uint32_t len = kind < kinds ? lengths[kind] : (uint32_t)dice_below(&w->dice, FORGERY_LEN);
	dice_fill(&w->dice, out, len);
	if (len >= 4)
		store_le32(out, (uint32_t)dice_below(&w->dice, 7));
	return len;
}

/* A datagram that was delivered before, as it was or damaged. */
static uint32_t make_replay(struct world *w, uint32_t target, enum forgery how, uint8_t *out)
{
	const struct datagram *old = w->network.captured[dice_below(&w->dice, CAPTURED_MAX)];
	if (!old || old->to != target || old->len > FORGERY_LEN)
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
	struct macs_keys keys;
	macs_keys_derive(&keys, &target->public_key);
	macs_set_mac1(message, len, &keys);
}

/* An answer to the very handshake that waits for one. */
static uint32_t make_bad_response(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	dice_fill(&w->dice, out, MESSAGE_RESPONSE_LEN);
	store_le32(out, MESSAGE_RESPONSE);
	if (peer->pending)
		store_le32(out + 8, peer->pending->local_index);
	put_mac1(target, out, MESSAGE_RESPONSE_LEN);
	return MESSAGE_RESPONSE_LEN;
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
	struct tai64n stamp;
	memset(&stamp, 0xff, sizeof stamp);
	private_key_generate(&key, &rng);
	local_identity_init(&liar, &key);
	liar.public_key = peer->public_key;
	remote_identity_init(&them, &liar, &target->public_key, &none);
	initiation_create((void *)out, &pending, &liar, &them, &stamp, 1, &rng);
	return MESSAGE_INITIATION_LEN;
}

static uint32_t forge(
	struct world *w, const struct node *target, const struct peer *peer, uint8_t *out)
{
	if (dice_chance(&w->dice, CLAIM_PERMILLE))
		return make_bad_claim(w, target, peer, out);
	enum forgery how = (enum forgery)dice_below(&w->dice, FORGERY_COUNT);
	switch (how) {
	case NOISE: return make_noise(w, out);
	case BAD_RESPONSE: return make_bad_response(w, target, peer, out);
	case BAD_COOKIE: return make_bad_cookie(w, peer, out);
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
	struct endpoint from = {.address = {IP_V4, {198, 51, 100, 1}}, .port = STRANGERS_PORT};
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

void strangers_step(struct world *w)
{
	if (!nanos_is_due(w->strangers.next, w->time))
		return;
	w->strangers.next = w->time + dice_between(&w->dice, 1, 2 * w->strangers.interval);
	struct node *target = &w->nodes[dice_below(&w->dice, w->node_count)];
	if (target->is_up && !target->is_stranger)
		attack(w, target);
}
