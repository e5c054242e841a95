#include "sim/node.h"

#include "sim/world.h"

#include <assert.h>
#include <stdlib.h>

#define ARENA_LEN      (256 * 1024)
#define POOL_BYTES_MAX (16 * 1024 * 1024)
#define JOBS_BATCH_MAX 24

struct now node_now(const struct world *w, const struct node *node)
{
	return (struct now){w->time + node->boot_offset, w->time + node->real_offset};
}

const struct peer *node_peer(const struct world *w, uint32_t node, uint32_t peer)
{
	return device_find_peer(w->nodes[node].device, &w->nodes[peer].public_key);
}

static void set_private_key(struct world *w, struct node *node)
{
	struct rng rng = {dice_fill, &node->entropy};
	struct change change;
	struct now now = node_now(w, node);

	private_key_generate(&node->private_key, &rng);
	public_key_derive(&node->public_key, &node->private_key);
	change_init(&change);
	change.has_private_key = true;
	change.private_key = node->private_key;
	if (!device_apply(node->device, &change, &now))
		world_break(w, "node %u: its private key was refused", node->index);
	change_wipe(&change);
}

void node_create(struct world *w, uint32_t index, bool is_stranger)
{
	assert(index == w->node_count && index < NODES_MAX);
	struct node *node = &w->nodes[w->node_count++];
	*node = (struct node){.index = index, .is_stranger = is_stranger};
	dice_init(&node->entropy, w->seed, index);
	node->boot_offset = SECONDS(1 + dice_below(&w->dice, 100000));
	node->real_offset = SECONDS(1700000000 + dice_below(&w->dice, 100000));
	node->staged_bytes_max = dice_chance(&w->dice, 500) ? 64 * 1024 : 1024 * 1024;
	node->arena_bytes = aligned_alloc(64, ARENA_LEN);
	assert(node->arena_bytes);
	for (size_t i = 0; i < ARENA_LEN; i++)
		node->arena_bytes[i] = 0;
	secret_arena_init(&node->arena, node->arena_bytes, ARENA_LEN);
	burst_pool_init(&node->pool, POOL_BYTES_MAX);

	struct device_setup setup = {
		.arena = &node->arena,
		.pool = &node->pool,
		.rng = {dice_fill, &node->entropy},
		.staged_bytes_max = node->staged_bytes_max,
	};
	node->device = device_create(&setup);
	assert(node->device);
	device_set_mtu(node->device, NODE_MTU);
	set_private_key(w, node);
	node_set_link(w, node, true);
}

static bool add_prefix(struct change_peer *entry, uint32_t node, bool is_v6, uint8_t len)
{
	struct ip_prefix prefix = {inner_address(node, is_v6, 0), len};
	return change_peer_add_allowed_ip(entry, &prefix, false);
}

/* Its own networks; node 0 has the whole space as well, where nobody owns a part of it. */
static bool add_prefixes(struct change_peer *entry, const struct node *peer)
{
	bool ok = add_prefix(entry, peer->index, false, 24);
	ok = ok && add_prefix(entry, peer->index, true, 64);
	if (!peer->index) {
		ok = ok && add_prefix(entry, 0, false, 17);
		ok = ok && add_prefix(entry, 0, true, 57);
	}
	return ok;
}

static void node_pump(struct world *w, struct node *node);

void node_introduce(
	struct world *w, struct node *node, const struct node *peer, const struct acquaintance *how)
{
	struct change change;
	struct now now = node_now(w, node);
	change_init(&change);
	struct change_peer *entry = change_add_peer(&change, &peer->public_key);
	assert(entry);
	entry->has_preshared_key = true;
	entry->preshared_key = how->preshared_key;
	entry->has_keepalive = true;
	entry->keepalive_seconds = how->keepalive_seconds;
	entry->has_endpoint = how->knows_endpoint;
	entry->endpoint = network_home(peer->index, peer->epoch);
	if (how->knows_endpoint)
		w->watch.sights[node->index][peer->index].endpoint = entry->endpoint;
	if (!add_prefixes(entry, peer) || !device_apply(node->device, &change, &now))
		world_break(w, "node %u: peer %u was refused", node->index, peer->index);
	change_wipe(&change);
	node_pump(w, node);
}

/* ------------------------------------------------------------------ outputs */

static void take_jobs(struct world *w, struct node *node)
{
	struct job **end = &node->jobs;
	while (*end)
		end = &(*end)->next;
	for (struct job *job; (job = device_take_job(node->device)); end = &job->next) {
		watch_job(w, node, job);
		job->next = NULL;
		*end = job;
		node->job_count++;
	}
	if (node->jobs && w->jobs_due == NANOS_NEVER)
		w->jobs_due = w->time + dice_below(&w->dice, w->jobs_delay_max + 1);
}

static void take_inner(struct world *w, struct node *node)
{
	for (struct burst *burst; (burst = device_take_inner(node->device));) {
		if (burst->count > BURST_PACKETS_MAX)
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
	if (count > DEVICE_EVENTS_MAX)
		world_break(w, "node %u: %u events waited, the bound is %u", node->index, count,
			DEVICE_EVENTS_MAX);
}

/* Takes all outputs, as the device wants it after each input. */
static void node_pump(struct world *w, struct node *node)
{
	struct device_send send;
	if (w->reads_events)
		take_events(w, node);
	take_jobs(w, node);
	while (device_take_send(node->device, &send))
		network_send(w, node, &send);
	take_inner(w, node);
}

/* ------------------------------------------------------------------ inputs */

void node_set_link(struct world *w, struct node *node, bool is_up)
{
	struct now now = node_now(w, node);
	world_trace(w, "node %u: link %s", node->index, is_up ? "up" : "down");
	node->is_up = is_up;
	device_set_link(node->device, is_up, &now);
	if (!is_up)
		watch_link_down(w, node);
	node_pump(w, node);
}

void node_put_inner(struct world *w, struct node *node, struct burst *burst)
{
	struct now now = node_now(w, node);
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
	device_put_datagrams(node->device, burst, &hit, &now);
	node_pump(w, node);
}

nanos node_deadline(const struct node *node)
{
	nanos deadline = device_deadline(node->device);
	if (deadline == NANOS_NEVER)
		return NANOS_NEVER;
	deadline = deadline > node->boot_offset ? deadline - node->boot_offset : 0;
	return nanos_add(deadline, node->late);
}

void node_tick(struct world *w, struct node *node)
{
	struct now now = node_now(w, node);
	device_tick(node->device, &now);
	node->late = dice_below(&w->dice, w->tick_late_max + 1);
	node_pump(w, node);
}

/* ------------------------------------------------------------------ jobs */

static const struct session_keys *job_session(const struct job *job)
{
	size_t offset = job->kind == JOB_SEAL ? offsetof(struct session_keys, send)
					      : offsetof(struct session_keys, receive);
	return (const void *)((const uint8_t *)job->key - offset);
}

/* Takes off a random job, or rather the first of its session. */
static struct job *take_any_job(struct world *w, struct node *node)
{
	const struct job *chosen = node->jobs;
	for (uint64_t n = dice_below(&w->dice, node->job_count); n; n--)
		chosen = chosen->next;
	struct job **link = &node->jobs;
	while (job_session(*link) != job_session(chosen))
		link = &(*link)->next;
	struct job *job = *link;
	*link = job->next;
	node->job_count--;
	return job;
}

/* A node that has jobs, the busier the likelier; NULL: none has. */
static struct node *any_busy_node(struct world *w)
{
	uint64_t total = 0;
	for (uint32_t i = 0; i < w->node_count; i++)
		total += w->nodes[i].job_count;
	if (!total)
		return NULL;
	uint64_t n = dice_below(&w->dice, total);
	struct node *node = w->nodes;
	for (; n >= node->job_count; node++)
		n -= node->job_count;
	return node;
}

void node_run_some_jobs(struct world *w)
{
	struct job *batch[JOBS_BATCH_MAX];
	struct node *owner[JOBS_BATCH_MAX];
	size_t count = 0, wanted = dice_between(&w->dice, 1, JOBS_BATCH_MAX);

	while (count < wanted && (owner[count] = any_busy_node(w))) {
		batch[count] = take_any_job(w, owner[count]);
		count++;
	}
	job_run_batch(batch, count);
	w->jobs_due = any_busy_node(w) ? w->time + dice_below(&w->dice, w->jobs_delay_max + 1)
				       : NANOS_NEVER;
	for (size_t i = 0; i < count; i++) {
		struct now now = node_now(w, owner[i]);
		device_put_job(owner[i]->device, batch[i], &now);
		node_pump(w, owner[i]);
	}
}

/* ------------------------------------------------------------------ the end */

void node_destroy(struct world *w, struct node *node)
{
	while (node->job_count) {
		struct now now = node_now(w, node);
		struct job *job = take_any_job(w, node);
		job_run_batch(&job, 1);
		device_put_job(node->device, job, &now);
		node_pump(w, node);
	}
	take_events(w, node);
	device_destroy(node->device);
	if (node->pool.bytes_out)
		world_break(w, "node %u: %zu bytes of bursts leaked", node->index,
			node->pool.bytes_out);
	else
		burst_pool_wipe(&node->pool);
	if (node->arena.blocks_out)
		world_break(w, "node %u: %zu secrets leaked", node->index, node->arena.blocks_out);
	free(node->arena_bytes);
	secret_wipe(&node->private_key, sizeof node->private_key);
}
