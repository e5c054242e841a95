/*
 * A peer: who it is, where it is, what we share with it, what waits for it. The
 * device owns peers and decides; this module holds the state and its small
 * operations. Secrets lie in the arena, everything else on the heap.
 */
#ifndef ADIT_PEER_PEER_H
#define ADIT_PEER_PEER_H

#include "base/burst.h"
#include "noise/handshake.h"
#include "peer/drop.h"
#include "peer/endpoint.h"
#include "peer/timers.h"
#include "session/cookie.h"
#include "session/keyring.h"

struct allowedips_node; /* of route/ */
struct policy;		/* of the device */

struct staged_packet { /* an inner packet that waits for a session */
	struct staged_packet *next;
	struct staged_packet *older, *newer; /* over all peers; these and `peer` are the device's */
	struct peer *peer;
	uint32_t len;
	uint8_t bytes[];
};

struct staged_queue {
	struct staged_packet *first, *last;
	uint32_t count; /* at most STAGED_PACKETS_MAX */
};

struct peer {
	struct peer *next, *previous; /* the device's list, in order of creation */
	struct peer *same_bucket;     /* the device's table by public key */
	struct public_key public_key;
	enum key_exchange key_exchange; /* the only one: no other is sent, none other accepted */
	struct policy
		*policy; /* what was said of it; NULL: the interface's default. The device's */
	struct remote_identity *remote;	   /* in the arena */
	struct pending_handshake *pending; /* in the arena; NULL: none */
	struct keyring keyring;
	struct endpoint endpoint;
	struct cookie_jar cookie_jar;
	struct timers timers;
	struct staged_queue staged;
	struct tai64n sent_stamp;	 /* the greatest we sent it; zeros at first */
	struct tai64n latest_stamp;	 /* the greatest accepted from it; zeros at first */
	nanos latest_initiation;	 /* boottime when accepted; 0 at first */
	nanos latest_handshake_realtime; /* completed; 0: never */
	uint64_t rx_bytes, tx_bytes;	 /* UDP payload of authentic packets, handshakes included */
	uint16_t keepalive_seconds;	 /* 0: off */
	uint32_t attempt_count;		 /* initiations of the present attempt */
	bool is_answer_forged; /* to the latest of them a response came, but a wrong one */
	bool is_given_up;      /* no session since an attempt was given up */
	struct allowedips_node *allowed_ips, *allowed_ips_last; /* written by route/ only */
	uint32_t pins;						/* jobs out */
	struct peer *nested_in; /* whose tunnel its datagrams go into; the device's nesting.h */
	nanos nested_until;
	uint64_t nesting_epoch;
	bool is_removed;  /* in no table any more; freed when pins reaches 0 */
	size_t heap_slot; /* the device's heap of deadlines */
	nanos heap_deadline;
	struct drop_counters drops;
};

/* NULL when memory or the arena is short. `remote` is filled later by the device. */
struct peer *peer_create(struct secret_arena *arena, const struct public_key *key);

/* The ring must be empty, nothing pinned, no prefixes left. NULL is allowed. */
void peer_destroy(struct peer *peer, struct secret_arena *arena);

/* Copies the packet to the end. false: no memory. The caller keeps to the limits. */
bool staged_push(struct staged_queue *queue, const uint8_t *packet, uint32_t len);

/* Takes the oldest off, NULL when empty; the caller frees it. */
struct staged_packet *staged_pop(struct staged_queue *queue);

#endif
