#include "unit/test.h"

#include <stdlib.h>

#include "device/deadline_heap.h"
#include "unit/ends.h"

#define COUNT 200

static struct peer peers[COUNT];

static void set(size_t i, nanos deadline)
{
	peers[i].timers.deadline[i % TIMER_COUNT] = deadline;
}

static struct deadline_heap make_heap(size_t count)
{
	struct deadline_heap heap;
	deadline_heap_init(&heap);
	if (!deadline_heap_reserve(&heap, count))
		abort();
	memset(peers, 0, sizeof peers);
	for (size_t i = 0; i < count; i++) {
		timers_init(&peers[i].timers);
		set(i, 1000 + 10 * ((i * 37) % count));
		deadline_heap_add(&heap, &peers[i]);
	}
	return heap;
}

static bool is_in_order(const struct deadline_heap *heap)
{
	for (size_t slot = 0; slot < heap->count; slot++) {
		if (heap->peers[slot]->heap_slot != slot)
			return false;
		if (slot && heap->peers[(slot - 1) / 2]->heap_deadline >
				    heap->peers[slot]->heap_deadline)
			return false;
		if (timers_next(&heap->peers[slot]->timers) < heap->peers[slot]->heap_deadline)
			return false; /* it would be late */
	}
	return true;
}

TEST(deadline_heap_empty_is_never_due)
{
	struct deadline_heap heap;
	deadline_heap_init(&heap);
	CHECK_EQ(NANOS_NEVER, deadline_heap_next(&heap));
	CHECK(!deadline_heap_due(&heap, NANOS_NEVER));
	deadline_heap_wipe(&heap);
}

TEST(deadline_heap_reserve_keeps_what_is_there)
{
	struct deadline_heap heap = make_heap(3);
	CHECK_EQ(16, heap.capacity);
	CHECK(deadline_heap_reserve(&heap, 16));
	CHECK_EQ(16, heap.capacity);
	CHECK(deadline_heap_reserve(&heap, 17));
	CHECK_EQ(32, heap.capacity);
	CHECK_EQ(3, heap.count);
	CHECK(is_in_order(&heap));
	deadline_heap_wipe(&heap);
}

TEST(deadline_heap_gives_them_in_order)
{
	struct deadline_heap heap = make_heap(COUNT);
	CHECK(is_in_order(&heap));
	for (size_t k = 0; k < COUNT; k++) {
		nanos deadline = 1000 + 10 * k;
		CHECK_EQ(deadline, deadline_heap_next(&heap));
		CHECK(!deadline_heap_due(&heap, deadline - 1));
		struct peer *peer = deadline_heap_due(&heap, deadline);
		CHECK(peer && (size_t)(peer - peers) * 37 % COUNT == k);
		CHECK(deadline_heap_due(&heap, deadline) == peer); /* until its timer is taken */
		timers_stop(&peer->timers);
		CHECK(!deadline_heap_due(&heap, deadline));
	}
	CHECK_EQ(NANOS_NEVER, deadline_heap_next(&heap));
	CHECK_EQ(COUNT, heap.count);
	deadline_heap_wipe(&heap);
}

TEST(deadline_heap_learns_of_later_ones_when_the_old_one_comes)
{
	struct deadline_heap heap = make_heap(2);
	set(0, 5000);
	deadline_heap_touch(&heap, &peers[0]);
	CHECK_EQ(1000, deadline_heap_next(&heap)); /* too early is allowed */
	CHECK(!deadline_heap_due(&heap, 1000));
	CHECK_EQ(1010, deadline_heap_next(&heap));
	CHECK(deadline_heap_due(&heap, 1010) == &peers[1]);
	deadline_heap_wipe(&heap);
}

TEST(deadline_heap_learns_of_earlier_ones_at_once)
{
	struct deadline_heap heap = make_heap(COUNT);
	set(77, 3);
	deadline_heap_touch(&heap, &peers[77]);
	CHECK_EQ(3, deadline_heap_next(&heap));
	CHECK(deadline_heap_due(&heap, 3) == &peers[77]);
	deadline_heap_wipe(&heap);
}

TEST(deadline_heap_leaves_alone_who_is_not_in_it)
{
	struct deadline_heap heap = make_heap(2);
	deadline_heap_remove(&heap, &peers[1]);
	CHECK_EQ(HEAP_NO_SLOT, peers[1].heap_slot);
	set(1, 1);
	deadline_heap_touch(&heap, &peers[1]);
	CHECK_EQ(1000, deadline_heap_next(&heap));
	deadline_heap_remove(&heap, &peers[0]);
	CHECK_EQ(NANOS_NEVER, deadline_heap_next(&heap));
	deadline_heap_wipe(&heap);
}

/* What is due, found by looking at all. */
static bool is_any_due(const struct deadline_heap *heap, nanos boottime)
{
	for (size_t i = 0; i < COUNT; i++)
		if (peers[i].heap_slot != HEAP_NO_SLOT &&
			nanos_is_due(timers_next(&peers[i].timers), boottime))
			return true;
	return heap->count > COUNT;
}

TEST(deadline_heap_is_as_a_plain_list)
{
	struct stream stream = {.seed = 11};
	struct rng rng = {stream_fill, &stream};
	struct deadline_heap heap = make_heap(COUNT);
	nanos now = 0;
	for (int step = 0; step < 20000; step++) {
		size_t i = rng_u32(&rng) % COUNT;
		if (peers[i].heap_slot == HEAP_NO_SLOT) {
			deadline_heap_add(&heap, &peers[i]);
		} else if (rng_u32(&rng) % 8 == 0) {
			deadline_heap_remove(&heap, &peers[i]);
		} else {
			set(i, now + rng_u32(&rng) % 1000);
			deadline_heap_touch(&heap, &peers[i]);
		}
		now += rng_u32(&rng) % 4;
		struct peer *peer = deadline_heap_due(&heap, now);
		CHECK_EQ(is_any_due(&heap, now), peer != NULL);
		if (peer) {
			CHECK(nanos_is_due(timers_next(&peer->timers), now));
			timers_stop(&peer->timers);
		}
		CHECK(is_in_order(&heap));
	}
	deadline_heap_wipe(&heap);
}
