#include "sim/watch_inside.h"

#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

nanos watch_time(const struct world *w, const struct node *node)
{
	return node_now(w, node).boottime;
}

struct node *watch_find_node(struct world *w, const struct node *who, const struct public_key *key)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		const struct sight *sight = &w->watch.sights[who->index][i];
		if (sight->peer && !memcmp(&sight->key, key, sizeof *key))
			return &w->nodes[i];
	}
	return NULL;
}

/* ------------------------------------------------------------------ life and death */

void watch_create(struct world *w, const struct node *node)
{
	struct watch *watch = &w->watch;
	watch->sights[node->index] = memory_grow(NULL, 0, NODES_MAX * sizeof(struct sight));
}

/* All but the peer's name, what is wanted of it, and how often it has been one. */
static void forget(struct sight *sight)
{
	struct sight fresh = {.wanted = sight->wanted,
		.key = sight->key,
		.life = sight->life,
		.last_ephemeral = sight->last_ephemeral,
		.last_stamp = sight->last_stamp,
		.attempt_began = NANOS_NEVER,
		.last_initiation = NANOS_NEVER,
		.newest_birth = NANOS_NEVER,
		.pending_since = NANOS_NEVER};
	memcpy(fresh.credits, sight->credits, sizeof fresh.credits);
	*sight = fresh;
}

void watch_begin_life(struct world *w, const struct node *node)
{
	struct watch *watch = &w->watch;
	struct intake *intake = &watch->intakes[node->index];
	for (uint32_t i = 0; i < NODES_MAX; i++) {
		struct sight *sight = &watch->sights[node->index][i];
		forget(sight);
		sight->policy_key = (struct public_key){{0}};
		for (int k = 0; k < CREDITS_PER_HOME; k++)
			sight->credits[k] = (struct credit){.cookie = NANOS_NEVER};
	}
	*intake = (struct intake){.turn_left = LAW_PER_TURN};
	for (int i = 0; i < STRANGERS_MAX; i++)
		intake->strangers[i].cookie = NANOS_NEVER;
	memset(watch->owners[node->index], NETWORK_NOBODYS, NETWORKS_MAX);
	memset(&watch->drops[node->index], 0, sizeof watch->drops[0]);
	watch->books[node->index] = (struct books){.is_vague = w->is_short};
}

void watch_amnesia(struct world *w, struct node *node)
{
	node->greatest_stamp = (struct tai64n){0};
	for (uint32_t i = 0; i < w->node_count; i++)
		w->watch.sights[node->index][i].last_stamp = (struct tai64n){0};
}

void watch_destroy(struct world *w, const struct node *node)
{
	free(w->watch.sights[node->index]);
}

void watch_wipe(struct watch *watch)
{
	for (size_t i = 0; i < watch->record_count; i++)
		free(watch->records[i].opened);
	free(watch->records);
}

/* ------------------------------------------------------------------ configuration */

void watch_add_peer(struct world *w, const struct node *node, const struct node *peer,
	const struct endpoint *endpoint)
{
	struct sight *sight = &w->watch.sights[node->index][peer->index];
	forget(sight);
	sight->life++;
	sight->peer = device_find_peer(node->device, &sight->key);
	sight->preshared_key = sight->wanted.preshared_key;
	sight->keepalive_seconds = sight->wanted.keepalive_seconds;
	sight->policy_key = sight->key;
	sight->endpoint = *endpoint;
	w->watch.owners[node->index][peer->index] = (uint8_t)peer->index;
}

void watch_remove_peer(struct world *w, const struct node *node, const struct node *peer)
{
	struct sight *sight = &w->watch.sights[node->index][peer->index];
	sight->peer = NULL;
	for (int i = 0; i < NETWORKS_MAX; i++) {
		if (w->watch.owners[node->index][i] == peer->index)
			w->watch.owners[node->index][i] = NETWORK_NOBODYS;
	}
	if (node->job_count || secret_is_zero(&sight->preshared_key, DH_LEN))
		return; /* what its jobs pin goes later */
	watch_is_gone(w, node, &sight->preshared_key, "the preshared key of a peer that is gone");
}

void watch_private_key(struct world *w, struct node *node, const struct private_key *key)
{
	watch_is_gone(w, node, &node->us.private_key, "the former private key");
	local_identity_init(&node->us, key);
	w->watch.intakes[node->index].waiting = 0; /* their mac1 was made for the former one */
	watch_void_keys(w, node);
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sight *sight = &w->watch.sights[node->index][i];
		sight->attempt_began = sight->last_initiation = NANOS_NEVER;
	}
}

static void check_peer(struct world *w, const struct node *node, const struct sight *sight)
{
	const struct peer *peer = device_find_peer(node->device, &sight->key);
	if (peer != sight->peer)
		world_break(w, "node %u %s a peer that it should%s", node->index,
			peer ? "has" : "misses", peer ? " not" : "");
	else if (peer && (memcmp(&peer->remote->preshared_key, &sight->preshared_key, DH_LEN) ||
				 peer->keepalive_seconds != sight->keepalive_seconds ||
				 peer->key_exchange != sight->wanted.key_exchange ||
				 !endpoint_is_same_remote(&peer->endpoint, &sight->endpoint)))
		world_break(w, "node %u has not configured a peer as it was told", node->index);
}

void watch_config(struct world *w, const struct node *node)
{
	size_t peers = 0;
	for (uint32_t i = 0; i < w->node_count; i++) {
		const struct sight *sight = &w->watch.sights[node->index][i];
		check_peer(w, node, sight);
		peers += sight->peer != NULL;
	}
	if (peers != device_peer_count(node->device))
		world_break(w, "node %u has %zu peers, not %zu", node->index,
			device_peer_count(node->device), peers);
	for (uint32_t i = 0; i < 2 * NETWORKS_MAX; i++) {
		struct ip_address address = inner_address(i / 2, i % 2, 1);
		uint32_t owner = admin_owner(w, node->index, i / 2);
		const struct peer *peer =
			owner < w->node_count ? w->watch.sights[node->index][owner].peer : NULL;
		if (device_route(node->device, &address) != peer)
			world_break(w, "node %u does not route network %u as it was told",
				node->index, i / 2);
	}
}

void watch_link_down(struct world *w, const struct node *node)
{
	w->watch.intakes[node->index].waiting = 0;
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sight *sight = &w->watch.sights[node->index][i];
		sight->attempt_began = sight->last_initiation = NANOS_NEVER;
	}
}

/* The home of this number is a new one: nothing was proved of it. */
void watch_roam(struct world *w, const struct node *node)
{
	for (uint32_t i = 0; i < w->node_count; i++)
		w->watch.sights[i][node->index].homes_proved &= ~(UINT64_C(1) << node->epoch % 64);
}

/* It moves to a home of the peer's that proved itself, and nowhere else. */
void watch_endpoint(struct world *w, const struct node *node, struct sight *sight, uint32_t peer)
{
	uint32_t owner, epoch;
	const struct endpoint *endpoint = &sight->peer->endpoint;
	if (endpoint_is_same_remote(endpoint, &sight->endpoint))
		return;
	bool is_home = network_find_home(endpoint, &owner, &epoch);
	if (!is_home || owner != peer)
		world_break(w, "node %u: the endpoint moved to a stranger", node->index);
	else if (!(sight->homes_proved >> epoch % 64 & 1))
		world_break(
			w, "node %u: the endpoint moved without an authentic packet", node->index);
	sight->endpoint = *endpoint;
}

/* ------------------------------------------------------------------ what comes out */

/* What the node's own device tells a sender whose packet nobody can get. */
static bool is_unreachable(const uint8_t *packet, uint32_t len)
{
	bool is_v4 = packet[0] >> 4 == 4;
	uint32_t header_len = is_v4 ? 20 : 40;
	return len > header_len + 8 &&
	       (is_v4 ? packet[9] == 1 && packet[20] == 3 : packet[6] == 58 && packet[40] == 1);
}

/* As it was sent, but for a mark of congestion, for who understands it [RFC 6040]. */
static bool is_unaltered(
	const struct world *w, const struct inner *inner, uint64_t id, const uint8_t *packet)
{
	uint8_t expected[INNER_LEN_MAX], tos = inner->tos;
	if (inner->is_congested && !(tos & IP_ECN_MASK))
		return false; /* it was to be dropped */
	ledger_build(&w->ledger, id, inner->is_congested ? tos | IP_ECN_MASK : tos, expected);
	return !memcmp(expected, packet, inner->len);
}

void watch_inner(struct world *w, const struct node *node, const uint8_t *packet, uint32_t len)
{
	uint64_t id;
	if (is_unreachable(packet, len))
		return;
	if (!ledger_read_id(&w->ledger, packet, len, &id)) {
		world_break(w, "node %u delivers a packet that nobody sent", node->index);
		return;
	}
	struct inner *inner = &w->ledger.inners[id];
	if (inner->len != len || !is_unaltered(w, inner, id, packet))
		world_break(w, "node %u delivers packet %llu altered", node->index,
			(unsigned long long)id);
	if (admin_owner(w, node->index, inner->claims) != inner->from)
		world_break(w, "node %u takes a packet from %u with a source of %u", node->index,
			inner->from, inner->claims);
	if (inner->to != node->index)
		world_break(w, "node %u delivers a packet for %u", node->index, inner->to);
	if (inner->is_delivered)
		world_break(w, "node %u delivers packet %llu twice", node->index,
			(unsigned long long)id);
	inner->is_delivered = true;
	w->ledger.delivered_count++;
	w->counts.delivered++;
	w->watch.books[node->index].delivered++;
	w->watch.sights[node->index][inner->from].last_delivery = w->time;
	world_digest(w, id);
}

void watch_event(struct world *w, const struct node *node, const struct event *event)
{
	static const char *const names[] = {
		[EVENT_SESSION] = "session",
		[EVENT_NO_ANSWER] = "no answer",
		[EVENT_GAVE_UP] = "gave up",
		[EVENT_KEYS_ERASED] = "keys erased",
		[EVENT_ENDPOINT_MOVED] = "endpoint moved",
		[EVENT_NO_ENDPOINT] = "no endpoint",
		[EVENT_REFUSED] = "refused",
	};
	const struct node *peer = event->has_peer ? watch_find_node(w, node, &event->peer) : NULL;
	world_trace(w, "node %u: event: %s, peer %d%s%s", node->index, names[event->kind],
		peer ? (int)peer->index : -1, event->kind == EVENT_REFUSED ? ", " : "",
		event->kind == EVENT_REFUSED ? drop_reason_name(event->reason) : "");
	world_digest(w, event->kind);
	w->watch.events[event->kind]++;
	if (event->kind == EVENT_SESSION && event->is_initiator) {
		w->counts.handshakes++;
		w->watch.books[node->index].sessions++;
	}
	if (peer && (event->kind == EVENT_SESSION || event->kind == EVENT_GAVE_UP))
		w->watch.sights[node->index][peer->index].attempt_began = NANOS_NEVER;
}

/* ------------------------------------------------------------------ after each step */

static void check_ages(struct world *w, const struct node *node, const struct sight *sight)
{
	nanos now = watch_time(w, node), slack = w->tick_late_max + w->turn_time;
	const struct keyring *ring = &sight->peer->keyring;
	bool has_keys = ring->previous || ring->current || ring->next;
	if (has_keys && now > sight->newest_birth + LAW_ERASE_AFTER + slack)
		world_break(w, "node %u still has keys, %.3f s after its last session", node->index,
			(double)(now - sight->newest_birth) / NANOS_PER_SECOND);
	if (sight->pending_since != NANOS_NEVER && now > sight->pending_since + LAW_ATTEMPT + slack)
		world_break(w, "node %u still has an ephemeral key of %.3f s ago", node->index,
			(double)(now - sight->pending_since) / NANOS_PER_SECOND);
}

static size_t check_staged(struct world *w, const struct node *node, const struct peer *peer)
{
	size_t bytes = 0;
	uint32_t count = 0;
	const struct staged_packet *packet = peer->staged.first;
	for (; packet && count <= LAW_STAGED; packet = packet->next, count++)
		bytes += packet->len;
	if (count > LAW_STAGED || count != peer->staged.count)
		world_break(w, "node %u: %u packets staged, it says %u", node->index, count,
			peer->staged.count);
	return bytes;
}

static void check_node(struct world *w, const struct node *node)
{
	size_t staged_bytes = 0;
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sight *sight = &w->watch.sights[node->index][i];
		if (sight->peer || sight->held_count)
			watch_secrets(w, node, sight);
		if (!sight->peer)
			continue;
		if (!node->is_asleep)
			check_ages(w, node, sight);
		watch_endpoint(w, node, sight, i);
		staged_bytes += check_staged(w, node, sight->peer);
		if (!node->job_count && sight->peer->tx_bytes != sight->bytes_sent)
			world_break(w, "node %u counts %llu bytes sent, it were %llu", node->index,
				(unsigned long long)sight->peer->tx_bytes,
				(unsigned long long)sight->bytes_sent);
	}
	if (staged_bytes > node->staged_bytes_max)
		world_break(w, "node %u: %zu bytes staged, the bound is %zu", node->index,
			staged_bytes, node->staged_bytes_max);
	watch_intake(w, node);
	watch_balance(w, node);
}

void watch_step(struct world *w)
{
	for (uint32_t i = 0; i < w->node_count && !w->is_broken; i++) {
		struct node *node = &w->nodes[i];
		if (node->is_dirty)
			check_node(w, node);
		node->is_dirty = false;
	}
}
