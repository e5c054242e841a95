/*
 * What scenarios are made of: nodes that know each other, weather, patterns of
 * traffic, misfortunes, and what must be true afterwards.
 */
#ifndef ADIT_SIM_SETTING_H
#define ADIT_SIM_SETTING_H

#include "sim/world.h"

struct setting {
	uint32_t node_count;	    /* that all know each other */
	bool has_preshared_keys;    /* else none */
	bool is_one_key_wrong;	    /* node 1's */
	bool only_later_know_where; /* node i knows the endpoint of node j only if i > j */
	bool has_impostor;	    /* one more node, that nobody knows and that wants in */
	uint16_t keepalive_seconds; /* the last node's, for node 0 */
};

extern const struct setting setting_two_nodes; /* with a preshared key, no more */

void setting_make(struct world *w, const struct setting *setting);

/* Random delays of workers and ticks, within bounds that hurt no deadline of a scenario. */
void setting_make_sloppy(struct world *w);

nanos setting_any_delay(struct world *w);
void setting_fair_weather(struct world *w, nanos delay);
void setting_foul_weather(struct world *w);

/* A few random flows among the nodes that know each other. */
void setting_any_traffic(struct world *w, uint32_t node_count);

/* Something happens to two random nodes under traffic; after it data must flow again. */
void setting_any_misfortune(struct world *w, uint32_t node_count);

/* Ends the traffic in fair weather; then all must become silent, and all keys must go. */
void setting_expect_silence(struct world *w);

/* All that was offered came out, but for what is forbidden. */
void setting_expect_all_delivered(struct world *w);

/* Keepalive-Timeout + Rekey-Timeout, jitter, and what this world adds. */
nanos setting_recovery_time(const struct world *w);

#endif
