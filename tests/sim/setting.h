/*
 * What scenarios are made of: nodes that know each other, weather, patterns of
 * traffic, and what must be true afterwards.
 */
#ifndef ADIT_SIM_SETTING_H
#define ADIT_SIM_SETTING_H

#include "sim/world.h"

struct setting {
	uint32_t node_count;
	bool is_hub;		    /* all know node 0 and nobody else; else all know all */
	bool has_preshared_keys;    /* else none */
	bool is_one_key_wrong;	    /* node 1's */
	bool is_all_hybrid;	    /* else every second pair is */
	bool only_later_know_where; /* node i knows the endpoint of node j only if i > j */
	bool has_impostor;	    /* one more node, that nobody knows and that wants in */
	uint16_t keepalive_seconds; /* the last node's, for node 0 */
};

extern const struct setting setting_two_nodes; /* with a preshared key, no more */

void setting_make(struct world *w, const struct setting *setting);

/* Random delays of workers, ticks, turns and disks, that hurt no deadline of a scenario. */
void setting_make_sloppy(struct world *w);

nanos setting_any_delay(struct world *w);
void setting_fair_weather(struct world *w, nanos delay);
void setting_foul_weather(struct world *w);

/* Two nodes that know each other. */
void setting_any_pair(struct world *w, uint32_t *a, uint32_t *b);

/* A few random flows among the nodes that know each other. */
void setting_any_traffic(struct world *w);

/* Ends the traffic in fair weather; then all must become silent, and all keys must go. */
void setting_expect_silence(struct world *w);

/* All that was offered came out, but for what is forbidden. */
void setting_expect_all_delivered(struct world *w);

/* What it has dropped for this reason. */
uint64_t setting_drops(const struct world *w, uint32_t node, enum drop_reason reason);

#endif
