/*
 * The whole tunnel without I/O. In go bursts of inner packets, bursts of
 * datagrams with the endpoint they came from, changes, finished jobs, and the
 * time; out come jobs, datagrams with their endpoint, inner packets, events, and
 * the next deadline. The device reads no clock, opens nothing, and is a pure
 * function of its inputs and its rng: one seed replays a run bit for bit.
 *
 * One thread. After any input, take all outputs:
 *
 *   device_put_inner --+                       +-- device_take_job --> job_run_batch --+
 *   device_put_datagrams --> (route, session) -+                                       |
 *   device_tick -------+                       +-- device_take_send, _take_inner <-- device_put_job
 */
#ifndef ADIT_DEVICE_DEVICE_H
#define ADIT_DEVICE_DEVICE_H

#include "base/burst.h"
#include "base/nanos.h"
#include "crypto/rng.h"
#include "crypto/secret.h"
#include "device/change.h"
#include "device/event.h"
#include "peer/peer.h"
#include "route/allowedips.h"
#include "session/job.h"

#define DEVICE_PEERS_MAX  100000
#define DEVICE_EVENTS_MAX 256

struct device;

struct device_setup {
	struct secret_arena *arena; /* both outlive the device */
	struct burst_pool *pool;
	struct rng rng;
	size_t staged_bytes_max; /* of inner packets that wait for a session, over all peers */
};

struct device_send {	     /* a datagram, or a burst of them */
	struct burst *burst; /* the taker owns it and puts it back into the pool */
	struct endpoint to;
	struct public_key peer; /* for device_on_send_error */
	bool is_handshake;	/* sent with the handshake's own DSCP, fragments allowed */
};

/* NULL: no memory. Starts with the link down and no private key. */
struct device *device_create(const struct device_setup *setup);

/* Every job must have been put back. Wipes all keys. */
void device_destroy(struct device *device);

/* Inputs */

/*
 * Applies a whole change or, when memory is short or a bound would be exceeded,
 * nothing: then false. A peer with our own public key is skipped.
 */
bool device_apply(struct device *device, const struct change *change, const struct now *now);

/*
 * The same in two steps, for whoever has something of their own to get in between:
 * device_prepare gets everything that can fail (NULL: could not), device_commit
 * cannot fail. No other change may come between the two. Both ends take the plan.
 */
struct device_plan;
struct device_plan *device_prepare(struct device *device, const struct change *change);
void device_commit(struct device *device, struct device_plan *plan, const struct change *change,
	const struct now *now);
void device_discard(struct device *device, struct device_plan *plan);

/* Going down wipes sessions and drops what waits; coming up starts keepalives. */
void device_set_link(struct device *device, bool is_up, const struct now *now);

/*
 * The TUN's interface index where the UDP sockets are, 0 (at first): unknown. Data
 * that came in by it was in a tunnel before: it is delivered, but moves no endpoint.
 */
void device_set_ifindex(struct device *device, uint32_t ifindex);

/* The TUN's MTU, 0..65535: the bound of padding. */
void device_set_mtu(struct device *device, uint32_t mtu);
uint32_t device_mtu(const struct device *device);

/*
 * Inner packets read from the TUN, all with the same destination address (the
 * first one is looked up) and the same TOS. Takes the burst.
 */
void device_put_inner(struct device *device, struct burst *burst, const struct now *now);

/*
 * Datagrams that came from `from` (its source is the local address they hit), of
 * any type, hostile or not. Takes the burst.
 */
void device_put_datagrams(struct device *device, struct burst *burst, const struct endpoint *from,
	const struct now *now);

/* A job that was run. Within a session, in the order in which jobs were taken. */
void device_put_job(struct device *device, struct job *job, const struct now *now);

/*
 * Begins a turn of the handshake messages that wait, and fires the timers that are
 * due, of PEERS_PER_TICK peers at the most: for the others device_deadline has passed
 * afterwards. Calling it early or late is harmless.
 */
void device_tick(struct device *device, const struct now *now);

/* The timers alone: what waits goes on waiting. */
void device_fire_timers(struct device *device, const struct now *now);

/* The kernel would not send to this peer: its cached source address is forgotten. */
void device_on_send_error(struct device *device, const struct public_key *peer);

/* The sockets are others: no cached source address is to be trusted. */
void device_forget_sources(struct device *device);

/*
 * Stamps of initiations [WP 5.4.2]: all are greater than `floor`, what was sent
 * in earlier lives; none is greater than the limit granted last. Without a grant
 * there is no limit. An initiation that needs a greater one waits for the grant.
 */
void device_set_stamp_floor(struct device *device, const struct tai64n *floor);
void device_grant_stamps(struct device *device, const struct tai64n *limit, const struct now *now);

/* The taker of a burst could not pass it on. */
void device_count_drop(struct device *device, enum drop_reason reason, uint64_t packets);

/* Outputs, each in the order in which it arose */

struct job *device_take_job(struct device *device);		       /* NULL: none */
bool device_take_send(struct device *device, struct device_send *out); /* false: none */
struct burst *device_take_inner(struct device *device);		       /* NULL: none */
bool device_take_event(struct device *device, struct event *out);      /* false: none */

/* When device_tick is next needed (boottime); NANOS_NEVER: idle. */
nanos device_deadline(const struct device *device);

/* Looking in */

const struct private_key *device_private_key(const struct device *device); /* NULL: none */
const struct public_key *device_public_key(const struct device *device);   /* NULL: none */
/* The least that the next stamp may be; above it the clock decides. */
const struct tai64n *device_sent_stamp(const struct device *device);
bool device_wants_stamps(const struct device *device); /* an initiation waits for a grant */
/* With peers of whom nothing else was said. */
enum key_exchange device_default_exchange(const struct device *device);
const struct drop_counters *device_drops(const struct device *device);
const struct peer *device_first_peer(const struct device *device); /* then peer->next */
const struct peer *device_find_peer(const struct device *device, const struct public_key *key);
size_t device_peer_count(const struct device *device);
const struct peer *device_route(const struct device *device, const struct ip_address *destination);

#endif
