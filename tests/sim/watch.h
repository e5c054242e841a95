/*
 * The invariants. The watch sees everything that goes into and comes out of the
 * devices, and looks into their peers after each step; what it concludes never
 * depends on the device's own bookkeeping, or on its numbers (law.h), where it
 * can be seen from outside. A violation ends the run.
 *
 *   watch.c         peers, endpoints, what comes out, queues; life and death
 *   watch_keys.c    each (key, counter) once, no key too old, none left in memory
 *   watch_talk.c    handshakes, cookies, load: who is answered, when, and how often
 *   watch_books.c   every packet is accounted for
 */
#ifndef ADIT_SIM_WATCH_H
#define ADIT_SIM_WATCH_H

#include "device/device.h"
#include "sim/admin.h"
#include "sim/network.h"

#define HELD_MAX 24

struct key_record { /* a session's key, at the node that seals or opens with it */
	struct aead_key key;
	uint32_t node;
	nanos birth; /* the node's time */
	bool is_sealing;
	bool is_void; /* the private key has changed since */
	uint32_t remote_index;
	uint64_t next_sealed; /* counters below were given to jobs */
	uint64_t next_sent;   /* counters below were on the wire, or never will be */
	uint64_t *opened;     /* a bit for each counter */
	size_t opened_count;
	size_t next; /* record with this hash, plus one */
};

/* Messages with a valid mac1 that came from an address and were not answered with a cookie. */
struct credit {
	uint32_t epoch; /* of a home; else 0 */
	uint32_t count;
	nanos cookie; /* the last one was sent, by the node's time; NANOS_NEVER: none */
};

#define CREDITS_PER_HOME 4

struct secret {
	uint8_t bytes[AEAD_KEY_LEN];
	nanos since; /* the node's time */
};

struct sight { /* what was seen of one node's dealings with one peer; times are the node's */
	struct acquaintance wanted;
	const struct peer *peer;      /* NULL: it is none */
	struct public_key key;	      /* that the node knows it by */
	struct public_key policy_key; /* of whom the node was told which key exchange */
	struct preshared_key preshared_key;
	uint16_t keepalive_seconds;
	struct endpoint endpoint;
	uint32_t life;	/* how often it became a peer */
	bool is_misled; /* its endpoint is wrong on purpose */

	nanos attempt_began, last_initiation; /* NANOS_NEVER: none */
	nanos newest_birth;		      /* of its sessions with it; NANOS_NEVER: none */
	nanos pending_since;		      /* it has this ephemeral key; NANOS_NEVER: none */
	uint64_t bytes_sent;
	uint64_t responses_sent, initiations_taken; /* theirs, genuine and new */
	nanos last_response;
	uint64_t homes_proved;	  /* bit e % 64: something genuine and new came from its home e */
	struct tai64n last_stamp; /* that could be read */
	struct tai64n message_stamp; /* of the last initiation; greatest: it could not */
	struct public_key last_ephemeral;
	struct credit credits[CREDITS_PER_HOME]; /* of its homes, by epoch */
	nanos last_delivery;	      /* in the world's time: an inner packet came from it */
	uint64_t cookies_heard;	      /* genuine cookie replies of its that came */
	struct secret held[HELD_MAX]; /* that it has, or had and may yet use */
	uint32_t held_count;
};

struct books { /* of one device: packets in, packets out, since its life began */
	uint64_t datagrams, inner, keepalives_made;
	uint64_t delivered, keepalives, sent, responses, sessions;
	uint64_t cookies_max; /* genuine cookie replies that came: at most so many were taken */
	int64_t lost;	      /* what nobody can account for, since it was vague */
	bool is_vague;	      /* memory was short, or counters were moved */
};

#define STRANGERS_MAX 256

struct intake { /* what a node's queue of handshakes must be like, seen from outside */
	uint32_t waiting, turn_left;
	uint64_t overflowed;
	nanos load_until;
	/* If all were in vain: the bucket's end, and until when there may be load by that. */
	nanos wasted_until, maybe_until;
	bool is_vague;				   /* memory was short: less may wait */
	uint32_t processed_calm, processed_loaded; /* by the call under way */
	struct credit strangers[STRANGERS_MAX];
};

struct watch {
	struct key_record *records;
	size_t record_count, record_capacity;
	size_t record_heads[256];	 /* by the key's first byte; plus one, 0: none */
	size_t last_sent;		 /* the record of the last datagram that was sent */
	struct sight *sights[NODES_MAX]; /* [who][whom] */
	uint8_t owners[NODES_MAX][NETWORKS_MAX];
	struct books books[NODES_MAX];
	struct intake intakes[NODES_MAX];
	struct drop_counters drops[NODES_MAX]; /* that the trace told */
	uint64_t marks_sent;		       /* data with an ECN mark outside */
	uint64_t events[EVENT_REFUSED + 1];    /* of each kind, over all nodes */
};

struct world;

void watch_wipe(struct watch *watch);
void watch_create(struct world *w, const struct node *node);
void watch_begin_life(struct world *w, const struct node *node);
void watch_destroy(struct world *w, const struct node *node);

/* It has lost its stamps. */
void watch_amnesia(struct world *w, struct node *node);

/* The administrator was here. */
void watch_add_peer(struct world *w, const struct node *node, const struct node *peer,
	const struct endpoint *endpoint);
void watch_remove_peer(struct world *w, const struct node *node, const struct node *peer);
void watch_private_key(struct world *w, struct node *node, const struct private_key *key);
/* The device must be configured as the watch was told. */
void watch_config(struct world *w, const struct node *node);

void watch_link_down(struct world *w, const struct node *node);
void watch_roam(struct world *w, const struct node *node);

/* An undamaged datagram of another node is about to arrive. */
void watch_arrival(struct world *w, const struct node *node, const struct datagram *datagram);

/* Bursts are about to be given to a device. */
void watch_given(struct world *w, const struct node *node, const struct burst *burst);
void watch_hit(struct world *w, const struct node *node, const struct burst *burst,
	const struct endpoint *from);
void watch_turn(struct world *w, const struct node *node);

/* A job was just made; one was run and goes back. */
void watch_job(struct world *w, const struct node *node, const struct job *job);
void watch_job_done(struct world *w, const struct node *node, const struct job *job);

/* A datagram leaves. */
void watch_send(struct world *w, struct node *node, const struct device_send *send, uint32_t slot);

/* An inner packet came out. */
void watch_inner(struct world *w, const struct node *node, const uint8_t *packet, uint32_t len);

void watch_event(struct world *w, const struct node *node, const struct event *event);

/* The node seems to be under load, or to have been so until just now. */
bool watch_is_busy(const struct world *w, const struct node *node);

/* After each step. */
void watch_step(struct world *w);

#endif
