/*
 * The device's inside, shared by the files of this folder only: its tables, its
 * output queues, and the carriers that take a burst through begin, run, finish
 * and send. Nothing here decides anything about the protocol.
 */
#ifndef ADIT_DEVICE_STATE_H
#define ADIT_DEVICE_STATE_H

#include "device/deadline_heap.h"
#include "device/device.h"
#include "device/index_table.h"
#include "device/peer_table.h"
#include "device/policies.h"
#include "device/remote_table.h"
#include "session/cookie.h"
#include "session/ratelimit.h"

/*
 * A burst under way. As a job it pins its peer and session; as a send or an
 * inner burst waiting to be taken it pins nothing.
 */
struct carrier {
	struct job job; /* first member: a job that comes back is its carrier */
	struct peer *peer;
	struct session *session;
	struct endpoint from; /* JOB_OPEN: where the datagrams came from */
	struct device_send send;
	struct carrier *next;
};

struct carrier_queue {
	struct carrier *first, *last;
};

struct event_queue {
	struct event events[DEVICE_EVENTS_MAX];
	uint32_t first, count;
};

struct waiting_message { /* a handshake message whose turn has not come */
	struct waiting_message *next;
	struct endpoint from;
	uint32_t len;
	uint8_t bytes[];
};

struct backlog {
	struct waiting_message *first, *last;
	uint32_t count;	    /* at most BACKLOG_MAX */
	uint32_t turn_left; /* handshakes that may still be processed this turn */
	nanos wasted_until; /* when what was processed in vain is forgotten */
	nanos load_until;   /* we are under load before this time */
};

struct device {
	struct secret_arena *arena;
	struct burst_pool *pool;
	struct rng rng;
	struct local_identity *us; /* in the arena; NULL: no private key */
	struct tai64n sent_stamp;  /* the greatest: the next is greater, whatever the clock */
	struct tai64n stamp_limit; /* none is sent beyond it, see device_grant_stamps */
	bool wants_stamps;	   /* an initiation waits for a grant */
	bool is_up;
	uint32_t mtu;
	uint32_t ifindex; /* of the TUN; 0: unknown */
	size_t staged_bytes, staged_bytes_max;
	struct staged_packet *staged_oldest, *staged_newest; /* see staging.h */

	struct peer_table peers;
	struct index_table indices;
	struct remote_table remotes;
	struct policies policies;
	struct deadline_heap deadlines;
	struct allowedips allowed_ips;
	struct drop_counters drops;
	struct backlog backlog;
	struct cookie_baker *baker; /* in the arena */
	struct ratelimit ratelimit;
	uint64_t nesting_epoch; /* what peers saw in another one is void, see nesting.h */
	nanos unreachable_full; /* when the share of ICMP errors is whole again */

	struct carrier_queue jobs, sends, inner;
	struct carrier *free_carriers;
	struct event_queue events;
};

/* Counts packets dropped, at the device and at the peer if it is known (not NULL). */
void device_drop(struct device *d, struct peer *peer, enum drop_reason reason, uint64_t packets);

/* The same for all packets of a burst, which goes back to the pool. */
void device_drop_burst(
	struct device *d, struct peer *peer, enum drop_reason reason, struct burst *burst);

/* The newest is lost when nobody takes them: events inform, they do not control. */
void device_tell(struct device *d, const struct event *event);

/* A zeroed carrier that holds `burst`; NULL: no memory, the burst stays the caller's. */
struct carrier *carrier_create(struct device *d, struct burst *burst);
void carrier_recycle(struct device *d, struct carrier *carrier);
void carrier_push(struct carrier_queue *queue, struct carrier *carrier);
struct carrier *carrier_pop(struct carrier_queue *queue);

/* Pins peer and session and queues the carrier as a job. */
void carrier_queue_job(struct device *d, struct carrier *carrier);

/*
 * There is nothing to finish the job for: the peer is gone, or its keys had to go. A
 * session that newer ones have pushed out is another matter: what was received or
 * sealed under it before that is good.
 */
bool carrier_is_void(const struct carrier *carrier);

/* A job of theirs is finished: frees a session or peer that was only waiting for it. */
void device_unpin(struct device *d, struct peer *peer, struct session *session);

/*
 * Queues the carrier's burst of data for the peer's endpoint. Takes the carrier.
 */
void carrier_queue_send(struct device *d, struct carrier *carrier, const struct peer *peer);

/* Takes sessions out of the tables and frees them now or at their last unpin. */
void device_retire_sessions(struct device *d, const struct keyring_retired *retired);

/* The same for all sessions of a peer, whose jobs are then void. */
void device_end_sessions(struct device *d, struct peer *peer);

/* Ends a handshake that waits for its response, if there is one. */
void device_forget_pending(struct device *d, struct peer *peer);

/* To be called after anything that may have armed a timer of the peer. */
static inline void device_touch(struct device *d, struct peer *peer)
{
	deadline_heap_touch(&d->deadlines, peer);
}

/* 0..REKEY_JITTER_MAX */
nanos device_draw_jitter(const struct device *d);

/* An event about a peer, ready to be told. */
struct event device_event(enum event_kind kind, const struct peer *peer);

#endif
