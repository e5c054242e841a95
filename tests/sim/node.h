/*
 * A node: one device with all that a machine would give it: memory, randomness,
 * clocks, an address, a disk for its stamps, and workers that run its jobs in
 * their own time. It has many lives: a restart ends one device and makes another.
 */
#ifndef ADIT_SIM_NODE_H
#define ADIT_SIM_NODE_H

#include "device/device.h"
#include "sim/dice.h"

#define NODES_MAX      52 /* a hub, 50 spokes, and an impostor */
#define NODE_MTU       1420
#define NODE_ARENA_LEN (64 * 1024)
#define NODE_POOL_MAX  (16 * 1024 * 1024)

/*
 * The state file: stamps are granted a block ahead, and a block only counts once
 * it is written. Without one, nothing bounds the stamps.
 */
struct disk {
	bool is_there;
	nanos mark;    /* realtime: no stamp beyond it was ever granted; 0: lost */
	nanos writing; /* the next mark, NANOS_NEVER: none is being written */
	nanos written; /* when it will be, in the world's time */
};

struct hoarded {
	struct hoarded *next;
	size_t len;
};

struct node {
	uint32_t index;
	struct device *device;
	struct burst_pool pool;
	struct secret_arena arena;
	uint8_t *memory;       /* that the arena lies in */
	struct hoarded *hoard; /* blocks of it that are kept from the device */
	size_t hoard_count;
	size_t staged_bytes_max;
	struct dice entropy;
	struct local_identity us;
	struct disk disk;
	struct tai64n greatest_stamp;	/* that it sent, and has not forgotten */
	struct tai64n known_stamp;	/* the greatest that its peers may know */
	nanos boot_offset, real_offset; /* its clocks are the world's plus these */
	nanos late;			/* the next tick comes so much after its deadline */
	nanos next_turn;		/* when handshakes wait; NANOS_NEVER: none do */
	uint32_t epoch;			/* of its home address; counts roams */
	nanos nat_timeout, nat_used;	/* 0: it is behind no NAT that forgets */
	uint32_t mtu, mtu_before;
	bool is_up, is_asleep;
	bool is_stranger; /* knows the others, who do not know it */
	bool is_dirty;	  /* something happened to it in this step */
	struct job *jobs; /* taken from the device, not yet run; in order */
	uint32_t job_count;
};

struct world;

void node_create(struct world *w, uint32_t index, bool is_stranger);
/* Ends its life and looks for leaks. */
void node_destroy(struct world *w, struct node *node);

/* Ends the device and makes another, with no peers. What is in flight stays so. */
void node_restart(struct world *w, struct node *node, bool keeps_state);

struct now node_now(const struct world *w, const struct node *node);
const struct peer *node_peer(const struct world *w, uint32_t node, uint32_t peer);
/* Neither down nor asleep. */
bool node_is_alive(const struct node *node);

void node_set_link(struct world *w, struct node *node, bool is_up);
void node_set_mtu(struct world *w, struct node *node, uint32_t mtu);
/* Asleep it hears nothing and does nothing, but its clocks go on. */
void node_set_asleep(struct world *w, struct node *node, bool is_asleep);
/* A new address, as when a NAT maps it anew. */
void node_roam(struct world *w, struct node *node);

/* Leaves no secret memory but what the device gives back; or all of it. */
void node_fill_arena(struct node *node);
void node_free_arena(struct node *node);

bool node_apply(struct world *w, struct node *node, const struct change *change);
void node_put_inner(struct world *w, struct node *node, struct burst *burst);
void node_put_datagrams(
	struct world *w, struct node *node, struct burst *burst, const struct endpoint *from);
void node_tick(struct world *w, struct node *node);
nanos node_deadline(const struct node *node); /* in the world's time */

/* Takes all outputs, as the device wants it after each input. */
void node_pump(struct world *w, struct node *node);

#endif
