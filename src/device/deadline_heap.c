#include "device/deadline_heap.h"

#include <stdlib.h>
#include <string.h>

#define INITIAL_CAPACITY 16

void deadline_heap_init(struct deadline_heap *heap)
{
	*heap = (struct deadline_heap){0};
}

void deadline_heap_wipe(struct deadline_heap *heap)
{
	free(heap->peers);
	deadline_heap_init(heap);
}

bool deadline_heap_reserve(struct deadline_heap *heap, size_t count)
{
	if (count <= heap->capacity)
		return true;
	size_t capacity = heap->capacity ? heap->capacity : INITIAL_CAPACITY;
	while (capacity < count)
		capacity *= 2;
	struct peer **peers = calloc(capacity, sizeof *peers);
	if (!peers)
		return false;
	if (heap->count)
		memcpy(peers, heap->peers, heap->count * sizeof *peers);
	free(heap->peers);
	heap->peers = peers;
	heap->capacity = capacity;
	return true;
}

static void place(struct deadline_heap *heap, struct peer *peer, size_t slot)
{
	heap->peers[slot] = peer;
	peer->heap_slot = slot;
}

static void sift_up(struct deadline_heap *heap, struct peer *peer)
{
	size_t slot = peer->heap_slot;
	while (slot > 0) {
		size_t parent = (slot - 1) / 2;
		if (heap->peers[parent]->heap_deadline <= peer->heap_deadline)
			break;
		place(heap, heap->peers[parent], slot);
		slot = parent;
	}
	place(heap, peer, slot);
}

static void sift_down(struct deadline_heap *heap, struct peer *peer)
{
	size_t slot = peer->heap_slot;
	for (;;) {
		size_t child = 2 * slot + 1;
		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
			heap->peers[child + 1]->heap_deadline < heap->peers[child]->heap_deadline)
			child++;
		if (peer->heap_deadline <= heap->peers[child]->heap_deadline)
			break;
		place(heap, heap->peers[child], slot);
		slot = child;
	}
	place(heap, peer, slot);
}

void deadline_heap_add(struct deadline_heap *heap, struct peer *peer)
{
	peer->heap_deadline = timers_next(&peer->timers);
	place(heap, peer, heap->count++);
	sift_up(heap, peer);
}

void deadline_heap_remove(struct deadline_heap *heap, struct peer *peer)
{
	struct peer *last = heap->peers[--heap->count];
	if (last != peer) {
		place(heap, last, peer->heap_slot);
		sift_up(heap, last);
		sift_down(heap, last);
	}
	peer->heap_slot = HEAP_NO_SLOT;
}

void deadline_heap_touch(struct deadline_heap *heap, struct peer *peer)
{
	nanos next = timers_next(&peer->timers);
	if (peer->heap_slot == HEAP_NO_SLOT || next >= peer->heap_deadline)
		return;
	peer->heap_deadline = next;
	sift_up(heap, peer);
}

nanos deadline_heap_next(const struct deadline_heap *heap)
{
	return heap->count ? heap->peers[0]->heap_deadline : NANOS_NEVER;
}

struct peer *deadline_heap_due(struct deadline_heap *heap, nanos boottime)
{
	while (heap->count && nanos_is_due(heap->peers[0]->heap_deadline, boottime)) {
		struct peer *peer = heap->peers[0];
		nanos next = timers_next(&peer->timers);
		if (nanos_is_due(next, boottime))
			return peer;
		peer->heap_deadline = next;
		sift_down(heap, peer);
	}
	return NULL;
}
