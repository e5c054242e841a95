/*
 * Regression 23. Bookkeeping: what went into a device came out of it, or waits in it, or was
 * dropped for a reason that was counted.
 */
#include "sim/watch_inside.h"

#include "device/state.h"
#include "sim/world.h"

#define BLOCKS_OWN	4 /* identity and the like, whatever the number of peers */
#define BLOCKS_PER_PEER 5 /* remote, pending, three sessions */

void watch_given(struct world *w, const struct node *node, const struct burst *burst)
{
	w->watch.books[node->index].inner += burst->count;
}

static void trace_drops(struct world *w, const struct node *node)
{
	const struct drop_counters *drops = device_drops(node->device);
	struct drop_counters *seen = &w->watch.drops[node->index];
	for (int i = 0; i < DROP_REASON_COUNT; i++) {
		uint64_t more = drops->count[i] - seen->count[i];
		if (more)
			world_trace(w, "node %u dropped %llu: %s", node->index,
				(unsigned long long)more, drop_reason_meaning((enum drop_reason)i));
	}
	*seen = *drops;
}

/* Regression 2: every index is of a session or a handshake that lives, or it leaked. */
static void check_indices(struct world *w, const struct node *node)
{
	size_t count = 0;
	const struct peer *peer = device_first_peer(node->device);
	for (; peer; peer = peer->next) {
		const struct keyring *ring = &peer->keyring;
		const void *const holders[] = {
			ring->previous, ring->current, ring->next, peer->pending};
		for (size_t i = 0; i < sizeof holders / sizeof *holders; i++)
			count += holders[i] != NULL;
	}
	if (count != node->device->indices.count)
		world_break(w, "node %u: %zu indices for %zu sessions and handshakes", node->index,
			node->device->indices.count, count);
}

/* Packets that went in, and those whose fate is known. */
static int64_t balance(const struct world *w, const struct node *node, size_t *peers)
{
	const struct books *books = &w->watch.books[node->index];
	const struct drop_counters *drops = device_drops(node->device);
	uint64_t in = books->datagrams + books->inner + books->keepalives_made;
	uint64_t out = books->delivered + books->keepalives + books->sent + books->responses +
		       books->sessions + w->watch.intakes[node->index].waiting;
	for (int i = 0; i < DROP_REASON_COUNT; i++)
		out += drops->count[i];
	const struct peer *peer = device_first_peer(node->device);
	for (*peers = 0; peer; peer = peer->next, ++*peers)
		out += peer->staged.count;
	return (int64_t)(in - out);
}

static void check_memory(struct world *w, const struct node *node, size_t peers)
{
	if (node->pool.bytes_out)
		world_break(w, "node %u: %zu bytes of bursts are out, but no job is", node->index,
			node->pool.bytes_out);
	size_t blocks = node->arena.blocks_out - node->hoard_count;
	if (blocks > BLOCKS_OWN + BLOCKS_PER_PEER * peers)
		world_break(w, "node %u: %zu secrets for %zu peers", node->index, blocks, peers);
}

/* Exact, but for cookie replies that may have been taken. */
void watch_balance(struct world *w, const struct node *node)
{
	struct books *books = &w->watch.books[node->index];
	bool is_vague = w->is_short || !w->reads_events || w->watch.intakes[node->index].is_vague;
	size_t peers;
	if (w->is_verbose)
		trace_drops(w, node);
	check_indices(w, node);
	if (node->pool.bytes_out > node->pool.bytes_max)
		world_break(w, "node %u has more bursts out than its pool's bound", node->index);
	if (node->job_count)
		return;
	int64_t lost = balance(w, node, &peers);
	check_memory(w, node, peers);
	if (is_vague || books->is_vague) {
		books->lost = lost;
		books->is_vague = is_vague;
		return;
	}
	int64_t excess = lost - books->lost;
	if (excess < 0 || excess > (int64_t)books->cookies_max)
		world_break(
			w, "node %u: %lld packets went nowhere", node->index, (long long)excess);
}
