/*
 * Which peer's timer is next: a binary heap of peers. It is lazy: a deadline
 * that moves earlier is entered at once, one that moves later is found out when
 * the old one comes. So a packet, which moves deadlines later, costs nothing here.
 */
#ifndef ADIT_DEVICE_DEADLINE_HEAP_H
#define ADIT_DEVICE_DEADLINE_HEAP_H

#include "peer/peer.h"

#define HEAP_NO_SLOT SIZE_MAX /* peer->heap_slot of a peer that is in no heap */

struct deadline_heap {
	struct peer **peers;
	size_t count, capacity;
};

void deadline_heap_init(struct deadline_heap *heap);
void deadline_heap_wipe(struct deadline_heap *heap);

/* Room for `count` peers in all. false: no memory, nothing changed. */
bool deadline_heap_reserve(struct deadline_heap *heap, size_t count);

/* Needs room reserved before. */
void deadline_heap_add(struct deadline_heap *heap, struct peer *peer);
void deadline_heap_remove(struct deadline_heap *heap, struct peer *peer);

/* To be called whenever the peer's timers may have moved earlier. */
void deadline_heap_touch(struct deadline_heap *heap, struct peer *peer);

/* The next deadline, perhaps too early, never too late; NANOS_NEVER: none. */
nanos deadline_heap_next(const struct deadline_heap *heap);

/* A peer whose timer is due at `boottime`, or NULL. Corrects entries that were too early. */
struct peer *deadline_heap_due(struct deadline_heap *heap, nanos boottime);

#endif
