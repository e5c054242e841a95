/*
 * What the machines behind the tunnels say to each other: flows of bursts.
 */
#ifndef ADIT_SIM_TRAFFIC_H
#define ADIT_SIM_TRAFFIC_H

#include "base/nanos.h"

#include <stdint.h>

#define FLOWS_MAX 16

struct flow {
	uint32_t from, to;
	nanos interval; /* between two bursts, on average; at most half as much more */
	uint32_t burst_max;
	nanos next;
};

struct traffic {
	struct flow flows[FLOWS_MAX];
	uint32_t count;
	uint32_t spoof_permille; /* bursts with a source that is not the sender's */
};

struct world;

/* Begins at once. */
void traffic_start(struct world *w, uint32_t from, uint32_t to, nanos interval, uint32_t burst_max);
void traffic_stop(struct world *w);

/* One burst of up to `count` packets of random sizes to network `to`, now. Returns how many
 * went in. */
uint32_t traffic_offer(struct world *w, uint32_t from, uint32_t to, uint32_t count);

void traffic_step(struct world *w);
nanos traffic_deadline(const struct traffic *traffic);

#endif
