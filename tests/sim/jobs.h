/*
 * The workers of all nodes: they take jobs, run them in batches, and give them
 * back in an order that only keeps to what device.h demands.
 */
#ifndef ADIT_SIM_JOBS_H
#define ADIT_SIM_JOBS_H

struct world;
struct node;

/* What the device has made, to the end of the node's queue. */
void jobs_take(struct world *w, struct node *node);

/*
 * Runs a batch of jobs, picked at random over all nodes but in order within each
 * session, and gives them back.
 */
void jobs_run_some(struct world *w);

/* The node's own, to the last. */
void jobs_finish(struct world *w, struct node *node);

#endif
