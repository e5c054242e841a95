/* Keys: each counter once, none too old, none left in memory. */
#include "sim/watch_inside.h"

#include "base/bytes.h"
#include "device/state.h"
#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define OPENED_MAX (1u << 16) /* counters that are told apart */

/* ------------------------------------------------------------------ records */

static struct key_record *find_record(
	struct watch *watch, uint32_t node, const struct aead_key *key)
{
	size_t place = watch->record_heads[key->bytes[0]];
	for (; place; place = watch->records[place - 1].next) {
		struct key_record *record = &watch->records[place - 1];
		if (record->node == node && !memcmp(&record->key, key, sizeof *key))
			return record;
	}
	return NULL;
}

static void add_record(struct world *w, const struct node *node, const struct aead_key *key,
	bool is_sealing, uint32_t remote_index)
{
	struct watch *watch = &w->watch;
	for (uint32_t i = 0; i < w->node_count && is_sealing; i++) {
		const struct key_record *other = find_record(watch, i, key);
		if (other && other->is_sealing)
			world_break(w, "nodes %u and %u seal with the same key", i, node->index);
	}
	if (watch->record_count == watch->record_capacity) {
		size_t size = sizeof *watch->records, old = watch->record_capacity;
		watch->record_capacity = old ? 2 * old : 32;
		watch->records =
			memory_grow(watch->records, old * size, watch->record_capacity * size);
	}
	struct key_record *record = &watch->records[watch->record_count++];
	*record = (struct key_record){.key = *key,
		.node = node->index,
		.birth = watch_time(w, node),
		.is_sealing = is_sealing,
		.remote_index = remote_index,
		.next = watch->record_heads[key->bytes[0]]};
	watch->record_heads[key->bytes[0]] = watch->record_count;
}

/* ------------------------------------------------------------------ secrets in memory */

void watch_is_gone(struct world *w, const struct node *node, const void *secret, const char *what)
{
	const struct secret_arena *arena = &node->arena;
	if (memmem(arena->base, arena->used, secret, AEAD_KEY_LEN))
		world_break(w, "node %u: %s is still in memory", node->index, what);
}

/* The place of a secret among those held; new: it was not there. */
static uint32_t hold(struct world *w, const struct node *node, struct sight *sight,
	const void *secret, bool *is_new)
{
	uint32_t i = 0;
	while (i < sight->held_count && memcmp(sight->held[i].bytes, secret, AEAD_KEY_LEN))
		i++;
	*is_new = i == sight->held_count;
	if (i == HELD_MAX) {
		world_break(w, "%d secrets for one peer", HELD_MAX);
		return 0;
	}
	if (*is_new) {
		memcpy(sight->held[i].bytes, secret, AEAD_KEY_LEN);
		sight->held[i].since = watch_time(w, node);
		sight->held_count++;
	}
	return i;
}

static uint32_t hold_session(struct world *w, const struct node *node, struct sight *sight,
	const struct session *session)
{
	bool is_new;
	uint32_t mask = UINT32_C(1) << hold(w, node, sight, &session->keys->send, &is_new);
	if (is_new) {
		add_record(w, node, &session->keys->send, true, session->remote_index);
		sight->newest_birth = watch_time(w, node);
	}
	if (session->key_exchange != sight->wanted.key_exchange)
		world_break(w, "node %u has a session by the wrong key exchange", node->index);
	mask |= UINT32_C(1) << hold(w, node, sight, &session->keys->receive, &is_new);
	if (is_new)
		add_record(w, node, &session->keys->receive, false, 0);
	return mask;
}

/* What is not held any more must be gone; jobs that are out may keep it a while. */
static void release(struct world *w, const struct node *node, struct sight *sight, uint32_t mask)
{
	uint32_t count = sight->held_count, kept = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (mask >> i & 1) {
			sight->held[kept++] = sight->held[i];
			continue;
		}
		watch_is_gone(w, node, sight->held[i].bytes, "a key that is used no more");
	}
	sight->held_count = kept;
}

/* Notes all that the peer's ring and pending handshake hold; a bit for each. */
static uint32_t hold_all(struct world *w, const struct node *node, struct sight *sight)
{
	const struct keyring *ring = &sight->peer->keyring;
	const struct session *sessions[] = {ring->previous, ring->current, ring->next};
	uint32_t mask = 0;
	bool is_new;
	for (size_t i = 0; i < KEYRING_SESSIONS; i++) {
		if (sessions[i])
			mask |= hold_session(w, node, sight, sessions[i]);
	}
	sight->pending_since = NANOS_NEVER;
	const struct pending_handshake *pending = sight->peer->pending;
	if (pending) {
		uint32_t i = hold(w, node, sight, &pending->ephemeral, &is_new);
		sight->pending_since = sight->held[i].since;
		mask |= UINT32_C(1) << i;
	}
	if (pending && pending->key_exchange == KEY_EXCHANGE_HYBRID)
		mask |= UINT32_C(1) << hold(w, node, sight, &pending->kem_seed, &is_new);
	if (mask && !node->is_up)
		world_break(w, "node %u has keys while its link is down", node->index);
	return mask;
}

void watch_secrets(struct world *w, const struct node *node, struct sight *sight)
{
	uint32_t mask = sight->peer ? hold_all(w, node, sight) : 0;
	if (!node->job_count && mask + 1 != UINT32_C(1) << sight->held_count)
		release(w, node, sight, mask);
}

/* ------------------------------------------------------------------ jobs */

/* The sight in whose key ring the job's key lies, or NULL. */
static struct sight *find_sight(struct world *w, const struct node *node, const struct job *job)
{
	for (uint32_t i = 0; i < w->node_count; i++) {
		struct sight *sight = &w->watch.sights[node->index][i];
		if (!sight->peer)
			continue;
		const struct keyring *ring = &sight->peer->keyring;
		const struct session *sessions[] = {ring->current, ring->previous, ring->next};
		for (int k = 0; k < KEYRING_SESSIONS; k++) {
			const struct session *s = sessions[k];
			if (s && (job->key == &s->keys->send || job->key == &s->keys->receive))
				return sight;
		}
	}
	return NULL;
}

static void watch_seal(
	struct world *w, const struct node *node, const struct job *job, struct key_record *record)
{
	const struct burst *burst = job->burst;
	if (!record->is_sealing || record->remote_index != job->remote_index)
		world_break(w, "node %u seals with a key of another session", node->index);
	if (record->is_void)
		world_break(w, "node %u seals with a key of its former self", node->index);
	if (job->first_counter < record->next_sealed)
		world_break(w, "node %u uses counter %llu of a key twice", node->index,
			(unsigned long long)job->first_counter);
	if (job->first_counter > LAW_REJECT_MESSAGES - burst->count)
		world_break(w, "node %u seals past the message limit", node->index);
	if (job->first_counter > record->next_sealed)
		w->watch.books[node->index].is_vague = true; /* a story moved it */
	record->next_sealed = job->first_counter + burst->count;
	w->watch.books[node->index].keepalives_made += burst->count == 1 && !burst->len[0];
}

void watch_job(struct world *w, const struct node *node, const struct job *job)
{
	struct sight *sight = find_sight(w, node, job);
	if (sight) /* else it was retired by what came in the same burst */
		hold_all(w, node, sight);
	struct key_record *record = find_record(&w->watch, node->index, job->key);
	if (!record) {
		world_break(w, "node %u: a job under a session of no key ring", node->index);
		return;
	}
	nanos age = watch_time(w, node) - record->birth;
	if (age >= LAW_REJECT_AFTER)
		world_break(w, "node %u %s under a session %.3f s old", node->index,
			job->kind == JOB_SEAL ? "seals" : "opens", (double)age / NANOS_PER_SECOND);
	if (job->kind == JOB_SEAL)
		watch_seal(w, node, job, record);
}

/* Whether the counter comes for the first time under this key, and not too late. */
static bool is_news(struct world *w, struct key_record *record, uint64_t counter)
{
	if (counter >= OPENED_MAX) {
		w->watch.books[record->node].is_vague = true;
		return true;
	}
	if (counter >= record->opened_count) {
		size_t old = record->opened_count / 8;
		record->opened_count = 2 * ((size_t)counter / 64 + 1) * 64;
		record->opened = memory_grow(record->opened, old, record->opened_count / 8);
	}
	uint64_t *word = &record->opened[counter / 64], bit = UINT64_C(1) << counter % 64;
	bool is_new = !(*word & bit);
	*word |= bit;
	return is_new;
}

/* An inner packet that will come out; a router may have marked its datagram. */
static void note_mark(struct world *w, const struct burst *burst, uint32_t slot)
{
	uint64_t id;
	if (ledger_read_id(&w->ledger, burst_inner(burst, slot), burst->len[slot], &id))
		w->ledger.inners[id].is_congested = (burst->tos & IP_ECN_MASK) == IP_ECN_MASK;
}

/* Keepalives that it must take: what became of all else is seen. */
void watch_job_done(struct world *w, const struct node *node, const struct job *job)
{
	const struct burst *burst = job->burst;
	/* a session that was only rotated out still delivers */
	if (job->kind == JOB_SEAL || carrier_is_void((const struct carrier *)job))
		return;
	struct key_record *record = find_record(&w->watch, node->index, job->key);
	for (uint32_t i = 0; i < burst->count; i++) {
		if (!job_is_authentic(job, i) ||
			!is_news(w, record, load_le64(burst_datagram(burst, i) + 8)))
			continue;
		w->watch.books[node->index].keepalives += !burst->len[i];
		note_mark(w, burst, i);
	}
}

void watch_void_keys(struct world *w, const struct node *node)
{
	for (size_t i = 0; i < w->watch.record_count; i++) {
		struct key_record *record = &w->watch.records[i];
		record->is_void |= record->node == node->index && record->is_sealing;
	}
}

/* ------------------------------------------------------------------ sealed datagrams */

/* Zeros behind the inner packet, to a multiple of 16 but never beyond the MTU. */
static bool is_well_padded(const uint8_t *plain, uint32_t len, uint32_t mtu)
{
	struct ip_packet header;
	if (!len)
		return true; /* a keepalive */
	if (!ip_packet_read(&header, plain, len))
		return false;
	uint32_t padded = (header.len + LAW_PADDING - 1) / LAW_PADDING * LAW_PADDING;
	if (mtu && padded > mtu)
		padded = header.len < mtu ? mtu : header.len;
	for (uint32_t i = header.len; i < len; i++) {
		if (plain[i])
			return false;
	}
	return len == padded;
}

static struct key_record *find_sealing(
	struct watch *watch, const struct node *node, uint32_t remote_index)
{
	for (size_t i = watch->record_count + 1; i--;) { /* the last one first */
		size_t at = i == watch->record_count ? watch->last_sent : i;
		struct key_record *record = &watch->records[at];
		if (at < watch->record_count && record->node == node->index && record->is_sealing &&
			record->remote_index == remote_index) {
			watch->last_sent = at;
			return record;
		}
	}
	return NULL;
}

/* Of the inner TOS only ECN is seen outside [RFC 6040]; not even that of what was staged. */
static void check_tos(
	struct world *w, const struct node *node, const uint8_t *plain, uint32_t len, uint8_t outer)
{
	struct ip_packet header;
	bool is_read = len && ip_packet_read(&header, plain, len);
	if (outer && (!is_read || outer != (header.tos & IP_ECN_MASK)))
		world_break(w, "node %u sends data with TOS %02x", node->index, outer);
	w->watch.marks_sent += outer != 0;
}

void watch_data(
	struct world *w, const struct node *node, const uint8_t *bytes, uint32_t len, uint8_t tos)
{
	uint8_t plain[INNER_LEN_MAX];
	uint32_t sealed_len = len - MESSAGE_DATA_HEADER_LEN;
	uint32_t plain_len = sealed_len - AEAD_TAG_LEN, index = load_le32(bytes + 4);
	uint64_t counter = load_le64(bytes + 8);
	struct key_record *record = find_sealing(&w->watch, node, index);

	if (!record || counter < record->next_sent || counter >= record->next_sealed) {
		world_break(w, "node %u sends counter %llu of session %08x %s", node->index,
			(unsigned long long)counter, index,
			record && counter < record->next_sent ? "twice" : "but no job sealed it");
		return;
	}
	record->next_sent = counter + 1;
	w->watch.books[node->index].sent++;
	if (plain_len > sizeof plain || !aead_open(plain, bytes + MESSAGE_DATA_HEADER_LEN,
						sealed_len, NULL, 0, counter, &record->key))
		world_break(w, "node %u: a datagram is not sealed with the counter it names",
			node->index);
	else if (!is_well_padded(plain, plain_len, node->mtu) &&
		 !is_well_padded(plain, plain_len, node->mtu_before))
		world_break(w, "node %u: bad padding", node->index);
	else
		check_tos(w, node, plain, plain_len, tos);
}
