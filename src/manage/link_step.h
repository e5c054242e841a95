/*
 * Carrying out one step of a link's plan. No policy: which steps, and in which
 * order, is manage/link_plan.h's. What is to be set and is there already, left by
 * an earlier life, is no failure; nor is what is to go and is not there.
 */
#ifndef ADIT_MANAGE_LINK_STEP_H
#define ADIT_MANAGE_LINK_STEP_H

#include "manage/link_plan.h"
#include "manage/netlink.h"

struct link_worker {
	struct netlink *n;
	const char *name; /* of the interface, also where it is no more */
	uint32_t ifindex;
};

/*
 * For link_plan_run, `context` being a struct link_worker. 0 or -errno,
 * netlink_explain has words for it.
 */
int link_step_run(void *context, const struct link_step *step);

/*
 * The metric of an interface's guards: worse than any that a person gives, and of
 * one interface only (two names in 2^28 share theirs), so that it tells whose they
 * are, and two interfaces may guard the same prefix.
 */
uint32_t link_guard_metric(const char *name);

#endif
