/*
 * Carrying out one step of a link's plan, with netlink. No policy: which steps,
 * and in which order, is manage/link_plan.h's.
 */
#ifndef ADIT_MANAGE_LINK_STEP_H
#define ADIT_MANAGE_LINK_STEP_H

#include "manage/link_plan.h"
#include "manage/netlink.h"

struct link_worker {
	struct netlink *n;
	uint32_t ifindex;
};

/*
 * For link_plan_run, `context` being a struct link_worker. What is to go and is
 * not there is no failure. 0 or -errno, netlink_explain has words for it.
 */
int link_step_run(void *context, const struct link_step *step);

#endif
