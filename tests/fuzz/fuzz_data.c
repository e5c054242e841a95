/*
 * Inner packets of any content, sealed as only the peer can, under any of three live
 * sessions and with any counter: what comes out of the tunnel went in, once, is not
 * longer, has the peer's own source address, and the congestion mark that it should.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "fuzz/plain_ip.h"
#include "fuzz/sound.h"
#include "unit/short_memory.h"
#include "unit/tunnel.h"

#define ROUNDS_MAX  32
#define BURST_MAX   4
#define PACKETS_MAX (ROUNDS_MAX * BURST_MAX)
#define PLAIN_MAX   1024
#define SLOT	    (MESSAGE_DATA_MIN_LEN + PLAIN_MAX)
#define COPIES	    70 /* more than a batch of the AEAD */

struct packet {		/* as it was sealed */
	uint32_t index; /* of the session */
	uint64_t counter;
	uint8_t plain[PLAIN_MAX];
	uint32_t len;
	bool is_forged; /* spoilt afterwards */
	bool is_accepted, has_come;
};

struct lane { /* a session, and the counters that it has accepted as far as we know */
	uint32_t index;
	struct aead_key key;
	uint64_t next;	    /* to be used */
	uint64_t greatest;  /* accepted */
	uint64_t known_min; /* of what is below we have no record */
};

struct world {
	struct tunnel t; /* b receives */
	struct lane lanes[KEYRING_SESSIONS];
	struct packet packets[PACKETS_MAX];
	size_t count;
	size_t burst_start; /* the first packet of the bursts that b has not finished */
	bool has_begun;	    /* a burst that it has not finished */
};

/* ---------------------------------------------------------------- the sessions */

/* Looks at what b has seen before, or in a burst that we do not predict. */
static void resync(struct world *w, struct lane *lane)
{
	const struct session *session = keyring_find(&end_peer(&w->t.b)->keyring, lane->index);
	if (!session)
		return;
	lane->greatest = session->replay.greatest;
	lane->known_min = lane->next = lane->greatest + 1;
}

static void add_lane(struct world *w, int i, const struct session *session)
{
	REQUIRE(session);
	w->lanes[i].index = session->local_index;
	w->lanes[i].key = session->keys->receive;
	resync(w, &w->lanes[i]);
}

/* b has a previous session, a current one that it began, and one that is not confirmed. */
static void begin(struct world *w)
{
	struct tunnel *t = &w->t;
	memset(w, 0, sizeof *w);
	REQUIRE(tunnel_init(t, 3) && tunnel_ping(t, &t->a));
	tunnel_skip(t, 6 * SECOND);
	negotiate_begin(t->b.device, end_peer(&t->b), &t->now);
	tunnel_settle(t);
	tunnel_skip(t, 6 * SECOND);
	negotiate_begin(t->a.device, end_peer(&t->a), &t->now);
	tunnel_pump(t, &t->a);
	struct flight *initiation = tunnel_take(t);
	REQUIRE(initiation);
	tunnel_bring(t, initiation);
	free(initiation);
	tunnel_pump(t, &t->b);
	tunnel_lose(t); /* the response */
	const struct keyring *ring = &end_peer(&t->b)->keyring;
	add_lane(w, 0, ring->current);
	add_lane(w, 1, ring->previous);
	add_lane(w, 2, ring->next);
	w->lanes[2].known_min = w->lanes[2].next = 0;
	struct change_allowed_ip ip_of_third = {.prefix = ip_net("10.0.0.3", 32)};
	struct change_peer third = {.public_key = {{9}}, .allowed_ips = &ip_of_third};
	third.allowed_ip_count = 1;
	REQUIRE(end_change_peer(&t->b, &third, &t->now));
}

/* ---------------------------------------------------------------- making packets */

static uint64_t read_counter(struct input *in, struct lane *lane)
{
	uint8_t kind = input_u8(in);
	switch (kind & 7) {
	case 0: return lane->next;
	case 1: return lane->greatest;
	case 2: return lane->greatest + input_u16(in);
	case 3: return lane->greatest - input_u16(in);
	case 4: return REJECT_AFTER_MESSAGES - 4 + kind / 32;
	case 5: return lane->greatest - 8192 - 4 + kind / 32;
	case 6: return lane->greatest + 8192 - 4 + kind / 32;
	default: return input_u64(in);
	}
}

/* A usual packet of either version, one with another peer's source, or nothing; then spoilt. */
static void read_plain(struct world *w, struct input *in, struct packet *packet)
{
	const struct end *a = &w->t.a, *b = &w->t.b;
	const struct ip_address third = ip("10.0.0.3");
	uint8_t kind = input_u8(in);
	packet->len = kind & 8 ? input_u16(in) % (PLAIN_MAX + 1) : INNER_LEN;
	bool is_padded = kind & 16 || packet->len < INNER_LEN;
	uint32_t len = is_padded ? INNER_LEN : packet->len;
	switch (kind & 3) {
	case 0: inner_build(packet->plain, len, &a->inner4, &b->inner4, kind); break;
	case 1: inner_build(packet->plain, len, &a->inner6, &b->inner6, kind); break;
	case 2: inner_build(packet->plain, len, &third, &b->inner4, kind); break;
	default: packet->len = kind & 8 ? packet->len : 0;
	}
	input_spoil(in, packet->plain, packet->len);
}

/* Seals the input's next packet into the burst. */
static struct lane *read_packet(struct world *w, struct input *in, struct burst *burst)
{
	uint8_t datagram[SLOT];
	uint8_t kind = input_u8(in);
	struct lane *lane = &w->lanes[(kind & 3) % KEYRING_SESSIONS];
	struct packet *packet = &w->packets[w->count++];
	packet->index = lane->index;
	packet->counter = read_counter(in, lane);
	lane->next = packet->counter + 1;
	read_plain(w, in, packet);
	struct message_data_header *header = (void *)datagram;
	store_le32(header->type, MESSAGE_DATA);
	store_le32(header->receiver_index, packet->index);
	store_le64(header->counter, packet->counter);
	aead_seal(datagram + sizeof *header, packet->plain, packet->len, NULL, 0, packet->counter,
		&lane->key);
	uint32_t len = MESSAGE_DATA_MIN_LEN + packet->len;
	if (kind & 4)
		packet->is_forged = input_spoil(in, datagram, len);
	if (kind & 8) {
		packet->is_forged = true;
		len -= 1 + input_u16(in) % len;
	}
	burst_add(burst, datagram, len);
	return lane;
}

/* ---------------------------------------------------------------- what is to come of them */

static bool is_in_time(const struct world *w, const struct lane *lane)
{
	const struct session *session = keyring_find(&end_peer(&w->t.b)->keyring, lane->index);
	return session && w->t.now.boottime < session->birth + 180 * SECOND;
}

static bool is_replayed(const struct world *w, const struct packet *packet)
{
	for (const struct packet *p = w->packets; p < packet; p++)
		if (p->is_accepted && p->index == packet->index && p->counter == packet->counter)
			return true;
	return false;
}

/* Notes which packets of the burst, all of one lane, b accepts. Their bytes on the wire. */
static uint64_t predict(struct world *w, struct lane *lane)
{
	uint64_t bytes = 0;
	bool is_live = is_in_time(w, lane);
	for (size_t i = w->burst_start; i < w->count; i++) {
		struct packet *p = &w->packets[i];
		bool is_old = p->counter < lane->greatest && lane->greatest - p->counter > 8192;
		p->is_accepted = is_live && !p->is_forged && !is_old &&
				 p->counter < UINT64_MAX - 8192 && !is_replayed(w, p);
		if (!p->is_accepted)
			continue;
		if (p->counter > lane->greatest)
			lane->greatest = p->counter;
		bytes += MESSAGE_DATA_MIN_LEN + p->len;
	}
	return bytes;
}

static bool has_source_of_a(const struct world *w, const uint8_t *plain)
{
	const struct end *a = &w->t.a;
	return plain_is_v4(plain) ? !memcmp(plain + 12, a->inner4.bytes, 4)
				  : !memcmp(plain + 8, a->inner6.bytes, 16);
}

/* Whether it should come out of the tunnel, once it is accepted. */
static bool is_deliverable(const struct world *w, const struct packet *p, uint8_t outer_tos)
{
	return plain_length(p->plain, p->len) && has_source_of_a(w, p->plain) &&
	       plain_mark(plain_tos(p->plain), outer_tos) != PLAIN_DROP;
}

/* Whether slot i of the burst may be what p became. */
static bool is_from(
	const struct world *w, const struct packet *p, const struct burst *burst, uint32_t i)
{
	return !p->is_forged && is_deliverable(w, p, burst->tos) &&
	       burst->len[i] == plain_length(p->plain, p->len) &&
	       plain_is_marked(p->plain, burst_inner(burst, i), burst->len[i], burst->tos);
}

/* Slot i of the burst came out: one of the packets that went in, and for the first time. */
static void check_inner(struct world *w, const struct burst *burst, uint32_t i)
{
	const struct message_data_header *header = (const void *)burst_datagram(burst, i);
	struct packet *from = NULL;
	for (size_t k = 0; k < w->count; k++) {
		struct packet *p = &w->packets[k];
		if (p->index != load_le32(header->receiver_index) ||
			p->counter != load_le64(header->counter))
			continue;
		REQUIRE(!p->has_come);
		if (k >= w->burst_start && is_from(w, p, burst, i))
			from = p;
	}
	REQUIRE(from);
	from->has_come = true;
}

static uint64_t take_inner(struct world *w)
{
	struct end *b = &w->t.b;
	uint64_t count = 0;
	for (struct burst *burst; (burst = device_take_inner(b->device));) {
		for (uint32_t i = 0; i < burst->count; i++) {
			if (!burst->len[i])
				continue;
			check_inner(w, burst, i);
			count++;
		}
		burst_pool_put(&b->pool, burst);
	}
	return count;
}

/* ---------------------------------------------------------------- bursts */

/* Runs what b has begun, takes what comes out of the tunnel, and says how many packets. */
static uint64_t finish(struct world *w)
{
	struct tunnel *t = &w->t;
	for (struct job *job; (job = device_take_job(t->b.device));) {
		job_run_batch(&job, 1);
		device_put_job(t->b.device, job, &t->now);
	}
	short_memory_end();
	uint64_t count = take_inner(w);
	tunnel_pump(t, &t->b);
	tunnel_lose(t);
	require_sound(&t->b);
	w->has_begun = false;
	return count;
}

/* All of one lane: what comes out is known beforehand. */
static void check_exactly(
	struct world *w, struct burst *burst, const struct endpoint *from, struct lane *lane)
{
	const struct peer *peer = end_peer(&w->t.b);
	struct endpoint before = peer->endpoint;
	uint64_t rx_bytes = peer->rx_bytes, drops = end_drops_total(&w->t.b);
	uint64_t expected = 0, keepalives = 0, given = burst->count;
	const struct session *next = peer->keyring.next;
	uint64_t bytes = predict(w, lane);
	for (size_t i = w->burst_start; i < w->count; i++) {
		const struct packet *p = &w->packets[i];
		keepalives += p->is_accepted && p->len == 0;
		expected += p->is_accepted && is_deliverable(w, p, burst->tos);
	}
	fuzz_guard_burst(burst);
	device_put_datagrams(w->t.b.device, burst, from, &w->t.now);
	REQUIRE(finish(w) == expected);
	fuzz_unguard_burst(burst); /* it is in the pool again */
	REQUIRE(peer->rx_bytes == rx_bytes + bytes);
	REQUIRE(end_drops_total(&w->t.b) == drops + given - expected - keepalives);
	REQUIRE(endpoint_is_same_remote(&peer->endpoint, bytes ? from : &before));
	bool is_confirmed = next && bytes && lane->index == next->local_index;
	REQUIRE(peer->keyring.next == (is_confirmed ? NULL : next));
}

/* Packets of which it is not simple to say what is to become of them. */
static void check_loosely(
	struct world *w, struct burst *burst, const struct endpoint *from, bool is_finished)
{
	device_put_datagrams(w->t.b.device, burst, from, &w->t.now);
	w->has_begun = true;
	if (!is_finished) {
		short_memory_end();
		return;
	}
	finish(w);
	for (int i = 0; i < KEYRING_SESSIONS; i++)
		resync(w, &w->lanes[i]);
}

/*
 * The head: 1 where from, 2 time passes before, 4 copies of the last, 8 memory is short,
 * 16 finished together with the next one; the number of packets.
 */
static void run_round(struct world *w, struct input *in)
{
	struct tunnel *t = &w->t;
	uint8_t head = input_u8(in);
	struct endpoint from = t->a.address;
	from.port = (uint16_t)(from.port + (head & 1));
	struct burst *burst = burst_pool_get(&t->b.pool, BURST_LARGE);
	REQUIRE(burst);
	burst->stride = SLOT;
	burst->tos = input_u8(in);
	if (head & 2)
		tunnel_skip(t, input_u8(in) * SECOND);
	if (!w->has_begun)
		w->burst_start = w->count;
	struct lane *first = NULL;
	bool is_clear = !w->has_begun && !(head & 24);
	for (int i = head / 64; i >= 0; i--) {
		struct lane *lane = read_packet(w, in, burst);
		is_clear &= (!first || lane == first) &&
			    w->packets[w->count - 1].counter >= lane->known_min;
		first = first ? first : lane;
	}
	for (int i = head & 4 ? COPIES : 0; i; i--)
		burst_add(burst, burst_datagram(burst, burst->count - 1),
			burst->len[burst->count - 1]);
	if (head & 8)
		short_memory_begin(1 + (input_u8(in) & 7));
	if (is_clear)
		check_exactly(w, burst, &from, first);
	else
		check_loosely(w, burst, &from, !(head & 16));
}

FUZZ(data)
{
	static struct world w;
	begin(&w);
	for (int i = 0; i < ROUNDS_MAX && in->len; i++)
		run_round(&w, in);
	finish(&w);
	tunnel_wipe(&w.t);
}
