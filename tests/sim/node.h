/*
 * A node: one device with all that a machine would give it: memory, randomness,
 * clocks, an address, and workers that run its jobs in their own time.
 */
#ifndef ADIT_SIM_NODE_H
#define ADIT_SIM_NODE_H

#include "device/device.h"
#include "sim/dice.h"

#define NODE_MTU 1420

struct node {
	uint32_t index;
	struct device *device;
	struct burst_pool pool;
	struct secret_arena arena;
	uint8_t *arena_bytes;
	size_t staged_bytes_max;
	struct dice entropy;
	struct private_key private_key;
	struct public_key public_key;
	nanos boot_offset, real_offset; /* its clocks are the world's plus these */
	nanos late;			/* the next tick comes so much after its deadline */
	uint32_t epoch;			/* of its home address; counts roams */
	bool is_up;
	bool is_stranger; /* knows the others, who do not know it */
	struct job *jobs; /* taken from the device, not yet run; in order */
	uint32_t job_count;
};

/* How one node knows another. */
struct acquaintance {
	bool knows_endpoint;
	uint16_t keepalive_seconds;
	struct preshared_key preshared_key;
};

struct world;

void node_create(struct world *w, uint32_t index, bool is_stranger);
void node_introduce(struct world *w, struct node *node, const struct node *peer,
	const struct acquaintance *how);
/* Finishes what is under way, destroys the device and looks for leaks. */
void node_destroy(struct world *w, struct node *node);

struct now node_now(const struct world *w, const struct node *node);
const struct peer *node_peer(const struct world *w, uint32_t node, uint32_t peer);

void node_set_link(struct world *w, struct node *node, bool is_up);
void node_put_inner(struct world *w, struct node *node, struct burst *burst);
void node_put_datagrams(
	struct world *w, struct node *node, struct burst *burst, const struct endpoint *from);
void node_tick(struct world *w, struct node *node);
nanos node_deadline(const struct node *node); /* in the world's time */

/*
 * Runs a batch of jobs, picked at random over all nodes but in order within each
 * session, and gives them back.
 */
void node_run_some_jobs(struct world *w);

#endif
