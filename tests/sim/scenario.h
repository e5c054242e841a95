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

#endif
