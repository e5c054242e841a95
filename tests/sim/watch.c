#include "sim/watch.h"

#include "base/bytes.h"
#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCKS_OWN      4 /* identity and the like, whatever the number of peers */
#define ARENA_BLOCKS_PER_PEER 5 /* remote, pending, three sessions */

void watch_init(struct watch *watch)
{
	*watch = (struct watch){0};
	for (int i = 0; i < NODES_MAX * NODES_MAX; i++) {
		struct sight *sight = &watch->sights[i / NODES_MAX][i % NODES_MAX];
		sight->attempt_began = sight->last_initiation = NANOS_NEVER;
		sight->newest_birth = NANOS_NEVER;
	}
}

void watch_wipe(struct watch *watch)
{
	free(watch->sealings);
	watch_init(watch);
}

static nanos boottime(const struct world *w, const struct node *node)
{
	return node_now(w, node).boottime;
}

/* ------------------------------------------------------------------ jobs: (key, counter), age */

/* The session in whose ring this job's key lies, or NULL. */
static const struct session *find_session(const struct node *node, const struct job *job)
{
	const struct peer *peer = device_first_peer(node->device);
	for (; peer; peer = peer->next) {
		const struct keyring *ring = &peer->keyring;
		const struct session *sessions[] = {ring->current, ring->previous, ring->next};
		for (int i = 0; i < KEYRING_SESSIONS; i++) {
			const struct session *s = sessions[i];
			if (s && (job->key == &s->keys->send || job->key == &s->keys->receive))
				return s;
		}
	}
	return NULL;
}

static struct sealing *find_sealing(struct watch *watch, const struct aead_key *key)
{
	for (size_t i = watch->count; i--;) {
		if (!memcmp(&watch->sealings[i].key, key, sizeof *key))
			return &watch->sealings[i];
	}
	if (watch->count == watch->capacity) {
		watch->capacity = watch->capacity ? 2 * watch->capacity : 64;
		watch->sealings =
			realloc(watch->sealings, watch->capacity * sizeof *watch->sealings);
		assert(watch->sealings);
	}
	watch->sealings[watch->count] = (struct sealing){.key = *key, .node = NODES_MAX};
	return &watch->sealings[watch->count++];
}

static void watch_seal(struct world *w, const struct node *node, const struct job *job)
{
	struct sealing *sealing = find_sealing(&w->watch, job->key);
	if (sealing->node == NODES_MAX) {
		sealing->node = node->index;
		sealing->remote_index = job->remote_index;
	}
	if (sealing->node != node->index || sealing->remote_index != job->remote_index)
		world_break(w, "node %u seals with a key of another session", node->index);
	if (job->first_counter < sealing->next_sealed)
		world_break(w, "node %u uses counter %llu of a key twice", node->index,
			(unsigned long long)job->first_counter);
	if (job->first_counter > REJECT_AFTER_MESSAGES - job->burst->count)
		world_break(w, "node %u seals past the message limit", node->index);
	sealing->next_sealed = job->first_counter + job->burst->count;
}

void watch_job(struct world *w, const struct node *node, const struct job *job)
{
	const struct session *session = find_session(node, job);
	if (!session) {
		world_break(w, "node %u: a job under a session of no key ring", node->index);
	} else if (boottime(w, node) - session->birth >= REJECT_AFTER_TIME) {
		world_break(w, "node %u %s under a session %.3f s old", node->index,
			job->kind == JOB_SEAL ? "seals" : "opens",
			(double)(boottime(w, node) - session->birth) / NANOS_PER_SECOND);
	}
	if (job->kind == JOB_SEAL)
		watch_seal(w, node, job);
}

/* ------------------------------------------------------------------ datagrams that leave */

static void watch_initiation(struct world *w, const struct node *node, struct sight *sight)
{
	nanos now = boottime(w, node);
	if (sight->attempt_began == NANOS_NEVER)
		sight->attempt_began = now;
	if (now - sight->attempt_began > REKEY_ATTEMPT_TIME)
		world_break(w, "node %u initiates %.3f s after the first of an attempt",
			node->index, (double)(now - sight->attempt_began) / NANOS_PER_SECOND);
	if (sight->last_initiation != NANOS_NEVER && now - sight->last_initiation < REKEY_TIMEOUT)
		world_break(w, "node %u initiates %.3f s after its last initiation", node->index,
			(double)(now - sight->last_initiation) / NANOS_PER_SECOND);
	sight->last_initiation = now;
}

/* Zeros behind the inner packet, to a multiple of 16 but never beyond the MTU. */
static bool is_well_padded(const uint8_t *plain, uint32_t len)
{
	struct ip_packet header;
	if (!len)
		return true; /* a keepalive */
	if (len > NODE_MTU || (len % PADDING_MULTIPLE && len != NODE_MTU) ||
		!ip_packet_read(&header, plain, len) || len - header.len >= PADDING_MULTIPLE)
		return false;
	for (uint32_t i = header.len; i < len; i++) {
		if (plain[i])
			return false;
	}
	return true;
}

static void watch_data(struct world *w, const struct node *node, const uint8_t *bytes, uint32_t len)
{
	uint8_t plain[INNER_LEN_MAX];
	uint32_t index = load_le32(bytes + 4), sealed_len = len - MESSAGE_DATA_HEADER_LEN;
	uint64_t counter = load_le64(bytes + 8);
	struct sealing *sealing = NULL;

	for (size_t i = w->watch.count; i-- && !sealing;) {
		struct sealing *candidate = &w->watch.sealings[i];
		if (candidate->node == node->index && candidate->remote_index == index)
			sealing = candidate;
	}
	if (!sealing || counter < sealing->next_sent || counter >= sealing->next_sealed) {
		world_break(w, "node %u sends counter %llu of session %08x %s", node->index,
			(unsigned long long)counter, index,
			sealing && counter < sealing->next_sent ? "twice" : "but no job sealed it");
		return;
	}
	sealing->next_sent = counter + 1;
	if (sealed_len > sizeof plain || !aead_open(plain, bytes + MESSAGE_DATA_HEADER_LEN,
						 sealed_len, NULL, 0, counter, &sealing->key))
		world_break(w, "node %u: a datagram is not sealed with the counter it names",
			node->index);
	else if (!is_well_padded(plain, sealed_len - AEAD_TAG_LEN))
		world_break(w, "node %u: bad padding", node->index);
}

static void watch_message(struct world *w, const struct node *node, struct sight *sight,
	const uint8_t *bytes, uint32_t len)
{
	uint32_t type = len < 4 ? 0 : load_le32(bytes);
	if (type == MESSAGE_INITIATION && len == MESSAGE_INITIATION_LEN)
		watch_initiation(w, node, sight);
	else if (type == MESSAGE_RESPONSE && len == MESSAGE_RESPONSE_LEN)
		sight->responses_sent++;
	else if (type == MESSAGE_DATA && len >= MESSAGE_DATA_MIN_LEN)
		watch_data(w, node, bytes, len);
	else
		world_break(w, "node %u sends type %u, %u bytes", node->index, type, len);
	if (sight->responses_sent > sight->initiations_taken)
		world_break(
			w, "node %u answers an initiation that is forged or repeated", node->index);
}

void watch_send(struct world *w, const struct node *node, const struct device_send *send,
	const uint8_t *bytes, uint32_t len)
{
	uint32_t to, epoch;
	if (!network_find_home(&send->to, &to, &epoch) || to >= w->node_count ||
		(w->nodes[to].is_stranger && !node->is_stranger)) {
		world_break(w, "node %u speaks to a stranger, %u bytes", node->index, len);
		return;
	}
	if (memcmp(&send->peer, &w->nodes[to].public_key, sizeof send->peer))
		world_break(w, "node %u sends to %u what is for another peer", node->index, to);
	if (send->is_handshake != (len && bytes[0] != MESSAGE_DATA))
		world_break(w, "node %u: type %u marked wrongly", node->index, bytes[0]);

	struct sight *sight = &w->watch.sights[node->index][to];
	sight->bytes_sent += len;
	watch_message(w, node, sight, bytes, len);
	world_trace(w, "node %u -> %u: type %u, %u bytes", node->index, to, bytes[0], len);
	world_digest(w, w->time ^ len);
	if (len >= 8)
		world_digest(w, load_le64(bytes + len - 8) + node->index);
}

/* ------------------------------------------------------------------ what arrives and comes out */

void watch_arrival(struct world *w, const struct node *node, const struct datagram *datagram)
{
	struct sight *sight = &w->watch.sights[node->index][datagram->from];
	world_trace(w, "node %u <- %u: type %u, %u bytes%s", node->index, datagram->from,
		datagram->bytes[0], datagram->len, datagram->was_delivered ? ", again" : "");
	if (datagram->was_delivered)
		return;
	sight->homes_proved |= UINT64_C(1) << datagram->epoch;
	sight->initiations_taken += datagram->bytes[0] == MESSAGE_INITIATION;
}

/* What the node's own device tells a sender whose packet nobody can get. */
static bool is_unreachable(const uint8_t *packet, uint32_t len)
{
	bool is_v4 = packet[0] >> 4 == 4;
	uint32_t header_len = is_v4 ? 20 : 40;
	return len > header_len + 8 &&
	       (is_v4 ? packet[9] == 1 && packet[20] == 3 : packet[6] == 58 && packet[40] == 1);
}

void watch_inner(struct world *w, const struct node *node, const uint8_t *packet, uint32_t len)
{
	uint8_t expected[INNER_LEN_MAX];
	uint64_t id;
	if (is_unreachable(packet, len))
		return;
	if (!ledger_read_id(&w->ledger, packet, len, &id)) {
		world_break(w, "node %u delivers a packet that nobody sent", node->index);
		return;
	}
	struct inner *inner = &w->ledger.inners[id];
	ledger_build(&w->ledger, id, expected);
	if (inner->len != len || memcmp(expected, packet, len))
		world_break(w, "node %u delivers packet %llu altered", node->index,
			(unsigned long long)id);
	if (inner->is_forbidden)
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
	const struct node *peer = event->has_peer ? world_find_node(w, &event->peer) : NULL;
	world_trace(w, "node %u: event: %s, peer %d%s%s", node->index, names[event->kind],
		peer ? (int)peer->index : -1, event->kind == EVENT_REFUSED ? ", " : "",
		event->kind == EVENT_REFUSED ? drop_reason_name(event->reason) : "");
	world_digest(w, event->kind);
	w->counts.handshakes += event->kind == EVENT_SESSION && event->is_initiator;
	w->watch.events[event->kind]++;
	if (peer && (event->kind == EVENT_SESSION || event->kind == EVENT_GAVE_UP))
		w->watch.sights[node->index][peer->index].attempt_began = NANOS_NEVER;
}

void watch_link_down(struct world *w, const struct node *node)
{
	for (int i = 0; i < NODES_MAX; i++) {
		struct sight *sight = &w->watch.sights[node->index][i];
		sight->attempt_began = sight->last_initiation = NANOS_NEVER;
	}
}

/* ------------------------------------------------------------------ after each step */

static void check_keys(
	struct world *w, const struct node *node, const struct peer *peer, struct sight *sight)
{
	const struct keyring *ring = &peer->keyring;
	const struct session *sessions[] = {ring->previous, ring->current, ring->next};
	nanos now = boottime(w, node), slack = w->tick_late_max;
	bool has_keys = false;

	for (int i = 0; i < KEYRING_SESSIONS; i++) {
		if (!sessions[i])
			continue;
		has_keys = true;
		if (sight->newest_birth == NANOS_NEVER || sessions[i]->birth > sight->newest_birth)
			sight->newest_birth = sessions[i]->birth;
	}
	if (has_keys && !node->is_up)
		world_break(w, "node %u has keys while its link is down", node->index);
	if (has_keys && now > sight->newest_birth + KEY_ERASURE_TIME + slack)
		world_break(w, "node %u still has keys, %.3f s after its last session", node->index,
			(double)(now - sight->newest_birth) / NANOS_PER_SECOND);
	if (peer->pending && sight->last_initiation != NANOS_NEVER &&
		now > sight->last_initiation + REKEY_ATTEMPT_TIME + slack)
		world_break(w, "node %u still has an ephemeral key of %.3f s ago", node->index,
			(double)(now - sight->last_initiation) / NANOS_PER_SECOND);
}

/* It moves to a home of the peer's that proved itself, and nowhere else. */
static void check_endpoint(
	struct world *w, const struct node *node, const struct peer *peer, struct sight *sight)
{
	uint32_t owner, epoch;
	if (endpoint_is_same_remote(&peer->endpoint, &sight->endpoint))
		return;
	bool is_home = network_find_home(&peer->endpoint, &owner, &epoch);
	if (!is_home || owner >= w->node_count ||
		world_find_node(w, &peer->public_key) != &w->nodes[owner])
		world_break(w, "node %u: the endpoint moved to a stranger", node->index);
	else if (!(sight->homes_proved >> epoch & 1))
		world_break(
			w, "node %u: the endpoint moved without an authentic packet", node->index);
	sight->endpoint = peer->endpoint;
}

static size_t check_staged(struct world *w, const struct node *node, const struct peer *peer)
{
	size_t bytes = 0;
	uint32_t count = 0;
	const struct staged_packet *packet = peer->staged.first;
	for (; packet && count <= STAGED_PACKETS_MAX; packet = packet->next, count++)
		bytes += packet->len;
	if (count > STAGED_PACKETS_MAX || count != peer->staged.count)
		world_break(w, "node %u: %u packets staged, it says %u", node->index, count,
			peer->staged.count);
	return bytes;
}

static void check_idle_node(struct world *w, const struct node *node, size_t peers)
{
	if (node->pool.bytes_out)
		world_break(w, "node %u: %zu bytes of bursts are out, but no job is", node->index,
			node->pool.bytes_out);
	if (node->arena.blocks_out > ARENA_BLOCKS_OWN + ARENA_BLOCKS_PER_PEER * peers)
		world_break(w, "node %u: %zu secrets for %zu peers", node->index,
			node->arena.blocks_out, peers);
}

static void trace_drops(struct world *w, const struct node *node)
{
	const struct drop_counters *drops = device_drops(node->device);
	struct drop_counters *seen = &w->watch.drops[node->index];
	for (int i = 0; i < DROP_REASON_COUNT; i++) {
		uint64_t more = drops->count[i] - seen->count[i];
		if (more)
			world_trace(w, "node %u dropped %llu: %s", node->index,
				(unsigned long long)more, drop_reason_meaning((enum drop_reason)i));
	}
	*seen = *drops;
}

static void check_node(struct world *w, const struct node *node)
{
	size_t staged_bytes = 0, peers = 0;
	if (w->is_verbose)
		trace_drops(w, node);
	const struct peer *peer = device_first_peer(node->device);
	for (; peer; peer = peer->next, peers++) {
		uint32_t index = world_find_node(w, &peer->public_key)->index;
		struct sight *sight = &w->watch.sights[node->index][index];
		check_keys(w, node, peer, sight);
		check_endpoint(w, node, peer, sight);
		staged_bytes += check_staged(w, node, peer);
		if (!node->job_count && peer->tx_bytes != sight->bytes_sent)
			world_break(w, "node %u counts %llu bytes sent, it were %llu", node->index,
				(unsigned long long)peer->tx_bytes,
				(unsigned long long)sight->bytes_sent);
	}
	if (staged_bytes > node->staged_bytes_max)
		world_break(w, "node %u: %zu bytes staged, the bound is %zu", node->index,
			staged_bytes, node->staged_bytes_max);
	if (!node->job_count)
		check_idle_node(w, node, peers);
}

void watch_step(struct world *w)
{
	for (uint32_t i = 0; i < w->node_count && !w->is_broken; i++)
		check_node(w, &w->nodes[i]);
}
