/*
 * The way from one state of a link to another: the least steps, in an order in
 * which what is new comes before the old goes, so that no packet takes a way that
 * neither state means. What is in both is in no step. Pure; the caller's function
 * carries a step out, or prints it.
 */
#ifndef ADIT_MANAGE_LINK_PLAN_H
#define ADIT_MANAGE_LINK_PLAN_H

#include "manage/link_state.h"

#define LINK_LINE_MAX 128 /* bytes of a step's line, its end included */

enum link_change { LINK_ADD, LINK_REMOVE, LINK_ALTER };

struct link_step {
	enum link_change change;
	struct link_item item;
	uint32_t before;		 /* with LINK_ALTER: the item's number, as it was */
	const struct link_state *target; /* which the step is on the way to */
};

struct link_plan {
	struct link_step *steps;
	size_t count;
	const struct link_state *from;
};

/*
 * The states must stay as long as the plan. false: no memory. link_plan_wipe is
 * the caller's in any case.
 */
bool link_plan_make(
	struct link_plan *plan, const struct link_state *from, const struct link_state *to);
void link_plan_wipe(struct link_plan *plan);

/* What undoes the step. */
struct link_step link_step_opposite(const struct link_plan *plan, const struct link_step *step);

/*
 * Has `run` carry out each step: 0 or -errno. When one fails those before it are
 * undone, the last first, whatever `run` says of that, and the error is returned.
 */
int link_plan_run(const struct link_plan *plan,
	int (*run)(void *context, const struct link_step *step), void *context);

/* For people: "+ route 10.0.0.0/8", "- address 10.7.0.1/24", "~ mtu 1420 -> 1380". */
void link_step_write(char text[static LINK_LINE_MAX], const struct link_step *step);

#endif
