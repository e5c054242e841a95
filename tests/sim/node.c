#include "sim/node.h"

#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN  64
#define STAMPS_AHEAD SECONDS(60) /* of a block that is granted */
#define STAMPS_LEFT  SECONDS(20) /* and asked for so early */

struct now node_now(const struct world *w, const struct node *node)
{
	return (struct now){w->time + node->boot_offset, w->time + node->real_offset};
}

const struct peer *node_peer(const struct world *w, uint32_t node, uint32_t peer)
{
	return w->watch.sights[node][peer].peer;
}

bool node_is_alive(const struct node *node)
{
	return node->is_up && !node->is_asleep;
}

/* ------------------------------------------------------------------ the disk */

static void grant(struct world *w, struct node *node)
{
	struct now now = node_now(w, node);
	struct tai64n limit = tai64n_from_realtime(node->disk.mark);
	device_grant_stamps(node->device, &limit, &now);
}

/* Asks for a block when the last one comes to its end; grants it when it is written. */
static void disk_step(struct world *w, struct node *node)
{
	struct disk *disk = &node->disk;
	if (!disk->is_there)
		return;
	nanos sent = tai64n_to_realtime(device_sent_stamp(node->device));
	nanos real = node_now(w, node).realtime, last = sent > real ? sent : real;
	if (disk->writing == NANOS_NEVER && last + STAMPS_LEFT > disk->mark) {
		disk->writing = last + STAMPS_AHEAD;
		disk->written = w->time + dice_below(&w->dice, w->disk_delay_max + 1);
	}
	if (disk->writing != NANOS_NEVER && nanos_is_due(disk->written, w->time)) {
		disk->mark = disk->writing;
		disk->writing = NANOS_NEVER;
		grant(w, node);
	}
}

/* ------------------------------------------------------------------ outputs */

static void take_inner(struct world *w, struct node *node)
{
	for (struct burst *burst; (burst = device_take_inner(node->device));) {
		if (burst->count > LAW_BURST)
			world_break(w, "a burst of %u packets", burst->count);
		for (uint32_t i = 0; i < burst->count && !w->is_broken; i++) {
			if (burst->len[i])
				watch_inner(w, node, burst_inner(burst, i), burst->len[i]);
		}
		burst_pool_put(&node->pool, burst);
	}
}

static void take_events(struct world *w, struct node *node)
{
	uint32_t count = 0;
	for (struct event event; device_take_event(node->device, &event); count++)
		watch_event(w, node, &event);
	if (count > LAW_EVENTS)
		world_break(w, "node %u: %u events waited, the bound is %u", node->index, count,
			LAW_EVENTS);
}

static void take_all(struct world *w, struct node *node)
{
	struct device_send send;
	if (w->reads_events)
		take_events(w, node);
	jobs_take(w, node);
	while (device_take_send(node->device, &send))
		network_send(w, node, &send);
	take_inner(w, node);
}

void node_pump(struct world *w, struct node *node)
{
	node->is_dirty = true;
	take_all(w, node);
	disk_step(w, node);
	take_all(w, node); /* what waited for a grant */
	if (device_deadline(node->device))
		node->next_turn = NANOS_NEVER;
	else if (node->next_turn == NANOS_NEVER)
		node->next_turn = w->time + w->turn_time;
}

/* ------------------------------------------------------------------ inputs */

void node_set_link(struct world *w, struct node *node, bool is_up)
{
	struct now now = node_now(w, node);
	world_trace(w, "node %u: link %s", node->index, is_up ? "up" : "down");
	node->is_up = is_up;
	if (!is_up)
		watch_link_down(w, node);
	device_set_link(node->device, is_up, &now);
	node_pump(w, node);
}

void node_set_mtu(struct world *w, struct node *node, uint32_t mtu)
{
	world_trace(w, "node %u: MTU %u", node->index, mtu);
	node->mtu_before = node->mtu;
	node->mtu = mtu;
	device_set_mtu(node->device, mtu);
	node_pump(w, node);
}

void node_set_asleep(struct world *w, struct node *node, bool is_asleep)
{
	world_trace(w, "node %u %s", node->index, is_asleep ? "falls asleep" : "wakes up");
	node->is_asleep = is_asleep;
	if (!is_asleep)
		node_pump(w, node);
}

void node_roam(struct world *w, struct node *node)
{
	node->epoch++;
	world_trace(w, "node %u roams", node->index);
	watch_roam(w, node);
}

void node_fill_arena(struct node *node)
{
	node->arena.len = node->arena.used;
	for (size_t len = ARENA_ALIGN; len <= ARENA_ALIGN * SECRET_CLASSES; len += ARENA_ALIGN) {
		for (struct hoarded *block; (block = secret_alloc(&node->arena, len));) {
			*block = (struct hoarded){node->hoard, len};
			node->hoard = block;
			node->hoard_count++;
		}
	}
}

void node_free_arena(struct node *node)
{
	node->arena.len = NODE_ARENA_LEN;
	for (struct hoarded *block; (block = node->hoard);) {
		node->hoard = block->next;
		secret_free(&node->arena, block, block->len);
	}
	node->hoard_count = 0;
}

bool node_apply(struct world *w, struct node *node, const struct change *change)
{
	struct now now = node_now(w, node);
	bool ok = device_apply(node->device, change, &now);
	if (!ok && !w->is_short)
		world_break(w, "node %u: a change was refused", node->index);
	return ok;
}

void node_put_inner(struct world *w, struct node *node, struct burst *burst)
{
	struct now now = node_now(w, node);
	watch_given(w, node, burst);
	device_put_inner(node->device, burst, &now);
	node_pump(w, node);
}

void node_put_datagrams(
	struct world *w, struct node *node, struct burst *burst, const struct endpoint *from)
{
	struct now now = node_now(w, node);
	struct endpoint hit = *from;
	hit.source = network_home(node->index, node->epoch).address;
	if (hit.source.family != from->address.family)
		hit.source = (struct ip_address){0};
	watch_hit(w, node, burst, from);
	device_put_datagrams(node->device, burst, &hit, &now);
	node_pump(w, node);
}

nanos node_deadline(const struct node *node)
{
	nanos deadline = device_deadline(node->device);
	nanos written = node->disk.writing == NANOS_NEVER ? NANOS_NEVER : node->disk.written;
	if (node->is_asleep)
		return NANOS_NEVER;
	if (!deadline)
		return nanos_min(written, node->next_turn);
	if (deadline == NANOS_NEVER)
		return written;
	deadline = deadline > node->boot_offset ? deadline - node->boot_offset : 0;
	return nanos_min(written, nanos_add(deadline, node->late));
}

void node_tick(struct world *w, struct node *node)
{
	struct now now = node_now(w, node);
	watch_turn(w, node);
	device_tick(node->device, &now);
	node->late = dice_below(&w->dice, w->tick_late_max + 1);
	node->next_turn = NANOS_NEVER;
	node_pump(w, node);
}

/* ------------------------------------------------------------------ a life */

static void begin_life(struct world *w, struct node *node)
{
	struct change change;
	uint8_t *arena = node->memory + -(uintptr_t)node->memory % ARENA_ALIGN;
	memset(arena, 0, NODE_ARENA_LEN);
	secret_arena_init(&node->arena, arena, NODE_ARENA_LEN);
	burst_pool_init(&node->pool, NODE_POOL_MAX);
	struct device_setup setup = {
		.arena = &node->arena,
		.pool = &node->pool,
		.rng = {dice_fill, &node->entropy},
		.staged_bytes_max = node->staged_bytes_max,
	};
	while (!(node->device = device_create(&setup)))
		; /* memory was short: started again */
	watch_begin_life(w, node);
	device_set_mtu(node->device, node->mtu);
	change_init(&change);
	change.has_private_key = true;
	change.private_key = node->us.private_key;
	while (!node_apply(w, node, &change) && !w->is_broken)
		;
	change_wipe(&change);
	node->disk.writing = NANOS_NEVER;
	if (node->disk.is_there) {
		struct tai64n floor = tai64n_from_realtime(node->disk.mark);
		device_set_stamp_floor(node->device, &floor);
		grant(w, node);
	}
	node_set_link(w, node, true);
}

static void end_life(struct world *w, struct node *node)
{
	node_free_arena(node);
	jobs_finish(w, node);
	take_events(w, node);
	device_destroy(node->device);
	if (node->pool.bytes_out)
		world_break(w, "node %u: %zu bytes of bursts leaked", node->index,
			node->pool.bytes_out);
	else
		burst_pool_wipe(&node->pool);
	if (node->arena.blocks_out)
		world_break(w, "node %u: %zu secrets leaked", node->index, node->arena.blocks_out);
}

void node_create(struct world *w, uint32_t index, bool is_stranger)
{
	assert(index == w->node_count && index < NODES_MAX);
	struct node *node = &w->nodes[w->node_count++];
	*node = (struct node){.index = index,
		.is_stranger = is_stranger,
		.mtu = NODE_MTU,
		.mtu_before = NODE_MTU,
		.next_turn = NANOS_NEVER};
	dice_init(&node->entropy, w->seed, index);
	node->boot_offset = SECONDS(1 + dice_below(&w->dice, 100000));
	node->real_offset = SECONDS(1700000000 + dice_below(&w->dice, 100000));
	node->staged_bytes_max = dice_chance(&w->dice, 500) ? 64 * 1024 : 1024 * 1024;
	node->disk.is_there = dice_chance(&w->dice, 500);
	node->memory = memory_grow(NULL, 0, NODE_ARENA_LEN + ARENA_ALIGN);
	struct private_key key;
	struct rng rng = {dice_fill, &node->entropy};
	private_key_generate(&key, &rng);
	local_identity_init(&node->us, &key);
	watch_create(w, node);
	begin_life(w, node);
}

void node_restart(struct world *w, struct node *node, bool keeps_state)
{
	world_trace(w, "node %u restarts %s", node->index,
		keeps_state && node->disk.is_there ? "with its stamps" : "and forgets its stamps");
	end_life(w, node);
	if (!keeps_state)
		node->disk.mark = 0;
	if (!node->disk.is_there || !node->disk.mark)
		watch_amnesia(w, node);
	begin_life(w, node);
}

void node_destroy(struct world *w, struct node *node)
{
	end_life(w, node);
	watch_destroy(w, node);
	free(node->memory);
	secret_wipe(&node->us, sizeof node->us);
}
