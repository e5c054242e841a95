/*
 * The invariants. The watch sees everything that goes into and comes out of the
 * devices, and looks into their peers after each step; what it concludes never
 * depends on the device's own bookkeeping where it can be seen from outside. A
 * violation ends the run.
 */
#ifndef ADIT_SIM_WATCH_H
#define ADIT_SIM_WATCH_H

#include "device/device.h"
#include "sim/network.h"

struct sealing { /* a key that seals, and how far it got */
	struct aead_key key;
	uint32_t node, remote_index;
	uint64_t next_sealed; /* counters below were given to jobs */
	uint64_t next_sent;   /* counters below were on the wire, or never will be */
};

struct sight { /* what was seen of one node's dealings with one peer; times are the node's */
	nanos attempt_began, last_initiation; /* NANOS_NEVER: none */
	nanos newest_birth;		      /* of its sessions with it; NANOS_NEVER: none */
	uint64_t bytes_sent;
	uint64_t responses_sent, initiations_taken; /* theirs, genuine and new */
	uint64_t homes_proved; /* bit e: something genuine and new came from its home e */
	struct endpoint endpoint;
	nanos last_delivery; /* in the world's time: an inner packet came from it */
};

struct watch {
	struct sealing *sealings;
	size_t count, capacity;
	struct sight sights[NODES_MAX][NODES_MAX]; /* [who][whom] */
	struct drop_counters drops[NODES_MAX];	   /* that the trace told */
	uint64_t events[EVENT_REFUSED + 1];	   /* of each kind, over all nodes */
};

struct world;
struct node;

void watch_init(struct watch *watch);
void watch_wipe(struct watch *watch);

/* A job was just made. */
void watch_job(struct world *w, const struct node *node, const struct job *job);

/* A datagram leaves. */
void watch_send(struct world *w, const struct node *node, const struct device_send *send,
	const uint8_t *bytes, uint32_t len);

/* An undamaged datagram of this node is about to arrive. */
void watch_arrival(struct world *w, const struct node *node, const struct datagram *datagram);

/* An inner packet came out. */
void watch_inner(struct world *w, const struct node *node, const uint8_t *packet, uint32_t len);

void watch_event(struct world *w, const struct node *node, const struct event *event);

/* All attempts end with it, and it may try anew at once. */
void watch_link_down(struct world *w, const struct node *node);

/* After each step. */
void watch_step(struct world *w);

#endif
