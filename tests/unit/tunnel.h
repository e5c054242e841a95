/*
 * Two devices, a and b, joined by a perfect wire under a virtual clock. Each knows
 * the other as its only peer, with an endpoint and a preshared key, and both links
 * are up; nothing is sent before a test does something. a has the inner addresses
 * 10.0.0.1 and fd00::1, b 10.0.0.2 and fd00::2.
 *
 * What a device sends lies on the wire until it is delivered, so that a test can
 * look at it, keep it, spoil it or lose it. tunnel_settle and all that calls it
 * move everything until nothing moves; tunnel_run also lets time pass, from one
 * device_deadline to the next.
 */
#ifndef ADIT_TESTS_TUNNEL_H
#define ADIT_TESTS_TUNNEL_H

#include "device/state.h"
#include "unit/ends.h"

#define SECOND		  NANOS_PER_SECOND
#define TUNNEL_MTU	  1420
#define TUNNEL_STAGED_MAX (1u << 20)  /* bytes */
#define TUNNEL_POOL_MAX	  (16u << 20) /* bytes */
#define TUNNEL_ARENA	  (64u << 10) /* bytes */
#define TUNNEL_TAGS	  512
#define TUNNEL_TYPES	  (MESSAGE_HYBRID_RESPONSE + 1)
#define INNER_LEN	  84 /* bytes, of a usual ping */

struct flight { /* a datagram on the wire */
	struct flight *next;
	struct end *sender;
	struct endpoint from, to;
	uint32_t len;
	uint8_t tos;
	bool is_handshake;
	uint8_t bytes[];
};

struct end {
	uint8_t *memory;
	struct secret_arena arena;
	struct burst_pool pool;
	struct stream stream;
	struct device *device;
	struct private_key private_key;
	struct public_key public_key;
	struct endpoint address; /* where it is: its datagrams come from here */
	struct ip_address inner4, inner6;
	bool is_mute;		     /* what it sends is lost */
	uint32_t sent[TUNNEL_TYPES]; /* datagrams by type */
	uint32_t received;	     /* inner packets that came out of the tunnel */
	uint32_t tags[TUNNEL_TAGS];  /* theirs, in order */
	uint8_t inner[2048];	     /* the last one */
	uint32_t inner_len;
	nanos first_initiation, last_initiation;
};

struct tunnel {
	struct end a, b;
	struct now now;
	struct flight *first, *last; /* the wire */
	uint32_t lost;		     /* datagrams for an address where nobody is */
};

/* One device without peers, its link down. `seed` decides its keys and its randomness. */
bool end_init(struct end *end, uint64_t seed, size_t arena_len, size_t pool_max);
/* Fails the test when something was not given back. */
void end_wipe(struct end *end);

bool tunnel_init(struct tunnel *t, uint64_t seed);
void tunnel_wipe(struct tunnel *t);
static inline struct end *tunnel_other(struct tunnel *t, const struct end *end)
{
	return end == &t->a ? &t->b : &t->a;
}

/* Changes */

struct ip_address ip(const char *text);
struct ip_prefix ip_net(const char *text, unsigned len);
/* Applies a change of one entry; the arrays of `entry` stay the caller's. */
bool end_change_peer(struct end *end, const struct change_peer *entry, const struct now *now);
bool end_change_key(struct end *end, const struct private_key *key, const struct now *now);
/* What the entries of a test begin with. */
struct change_peer entry_of(const struct end *other);

/* Inner packets */

/* Writes a packet of `len` bytes (at least INNER_LEN) that carries `tag`. */
void inner_build(uint8_t *out, uint32_t len, const struct ip_address *from,
	const struct ip_address *to, uint32_t tag);
/* A burst of `count` packets for the other end, tags from `tag` on. */
struct burst *tunnel_inner(struct tunnel *t, struct end *from, uint32_t count, uint32_t tag);
/* The same, given to the device; nothing is settled. */
void tunnel_offer(struct tunnel *t, struct end *from, uint32_t count, uint32_t tag);
/* One packet of the caller's making. */
void tunnel_offer_bytes(struct tunnel *t, struct end *from, const uint8_t *packet, uint32_t len);
/* One packet each way, settled: true when both arrived. */
bool tunnel_ping(struct tunnel *t, struct end *from);

/* The wire */

/* Runs the jobs of a device and takes what it puts out. */
void tunnel_pump(struct tunnel *t, struct end *end);
struct flight *tunnel_take(struct tunnel *t); /* the oldest, the caller frees it; NULL: none */
/* Brings a datagram (also one of a test's own) to whoever is at its `to`. */
void tunnel_bring(struct tunnel *t, const struct flight *flight);
void tunnel_lose(struct tunnel *t); /* all that is on the wire */
/* The device's answer to bytes from an address of a test's choice; nothing is settled. */
void tunnel_receive(struct tunnel *t, struct end *end, const void *bytes, uint32_t len,
	const struct endpoint *from);
void tunnel_settle(struct tunnel *t);
/* Adds a datagram to a burst whose stride leaves room for it. */
void burst_add(struct burst *burst, const void *bytes, uint32_t len);

/* Time */

void tunnel_run_until(struct tunnel *t, nanos boottime);
void tunnel_run(struct tunnel *t, nanos duration);
/* Lets time pass without any tick. */
void tunnel_skip(struct tunnel *t, nanos duration);

/* Looking in */

struct peer *end_peer(const struct end *end); /* its first one; NULL: none */
uint64_t end_drops(const struct end *end, enum drop_reason reason);
uint64_t end_drops_total(const struct end *end);
uint32_t end_sent(const struct end *end); /* datagrams of all types */
/* Takes all events; how many were of this kind. */
uint32_t end_take_events(struct end *end, enum event_kind kind);

#endif
