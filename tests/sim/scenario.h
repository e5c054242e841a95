/*
 * The scenarios, each a story with an end that must be true, besides all that
 * the watch checks in every step.
 */
#ifndef ADIT_SIM_SCENARIO_H
#define ADIT_SIM_SCENARIO_H

#include "sim/world.h"

struct scenario {
	const char *name;
	const char *claim;
	uint32_t seeds; /* in a default run: 1 to this; 0: as many as --seeds says */
	void (*run)(struct world *w);
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* fair.c */
void scenario_initiator_sends(struct world *w);
void scenario_responder_sends(struct world *w);
void scenario_both_initiate(struct world *w);
void scenario_reordering(struct world *w);
void scenario_roaming(struct world *w);
void scenario_message_limits(struct world *w);
void scenario_strangers(struct world *w);
/* idle.c */
void scenario_black_hole(struct world *w);
void scenario_wrong_key(struct world *w);
void scenario_idle(struct world *w);
void scenario_keepalive(struct world *w);
void scenario_responder_keepalive(struct world *w);
void scenario_erasure(struct world *w);
/* load.c */
void scenario_flood(struct world *w);
void scenario_overflow(struct world *w);
void scenario_cookie_place(struct world *w);
void scenario_cookie_age(struct world *w);
void scenario_cookie_flood(struct world *w);
/* middle.c */
void scenario_downgrade(struct world *w);
void scenario_splices(struct world *w);
/* life.c */
void scenario_hub(struct world *w);
void scenario_nat(struct world *w);
void scenario_clock(struct world *w);
void scenario_live_changes(struct world *w);
void scenario_low_order(struct world *w);
void scenario_no_memory(struct world *w);

#endif
