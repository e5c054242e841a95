/*
 * The world of one run: nodes, network, traffic, strangers and a virtual clock.
 * A step goes to the next moment at which anything is due, lets it happen and
 * checks the invariants. Everything follows from the seed: two runs of a seed
 * have the same digest.
 */
#ifndef ADIT_SIM_WORLD_H
#define ADIT_SIM_WORLD_H

#include "sim/admin.h"
#include "sim/dice.h"
#include "sim/inner.h"
#include "sim/jobs.h"
#include "sim/law.h"
#include "sim/memory.h"
#include "sim/network.h"
#include "sim/node.h"
#include "sim/stranger.h"
#include "sim/traffic.h"
#include "sim/watch.h"

struct counts {
	nanos time;
	uint64_t handshakes, offered, delivered, datagrams, cookies, misfortunes, recoveries;
	uint64_t faults[FAULT_COUNT];
};

struct world {
	uint64_t seed;
	bool is_verbose, is_broken;
	char why[300]; /* the invariant that broke */
	nanos time;    /* since the start */
	uint64_t digest;
	struct dice dice;
	struct node nodes[NODES_MAX];
	uint32_t node_count;
	struct network network;
	struct traffic traffic;
	struct strangers strangers;
	struct ledger ledger;
	struct watch watch;
	nanos jobs_due, jobs_delay_max; /* workers take so long */
	nanos tick_late_max;
	nanos turn_time;      /* from one turn to the next while handshakes wait */
	nanos disk_delay_max; /* of granting stamps */
	uint32_t hours;	      /* of a long run */
	bool reads_events;    /* if not, events pile up in the devices */
	nanos patrol;	      /* the next */
	bool is_short;	      /* of memory: changes may fail, bursts may be lost */
	struct counts counts;
};

struct world *world_create(uint64_t seed, bool is_verbose);
/* Ends all devices, which may still break an invariant. */
void world_close(struct world *w);
void world_destroy(struct world *w);

/* Until then, or until an invariant breaks. */
void world_run(struct world *w, nanos duration);

/* Notes a broken invariant; only the first counts. */
void world_break(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line of the event trace, with --verbose. */
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Mixes an observable fact into the digest. */
void world_digest(struct world *w, uint64_t fact);

#endif
