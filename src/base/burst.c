#include "base/burst.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Free bursts kept for reuse, the last one used first: as many as one turn of the loop
 * uses of lone packets, so that those cost no allocation. The rest goes back to the
 * system. What of a buffer was never written costs no memory.
 */
#define SMALL_FREE_MAX 64
#define LARGE_FREE_MAX 32

void burst_pool_init(struct burst_pool *pool, size_t bytes_max)
{
	*pool = (struct burst_pool){.bytes_max = bytes_max};
}

static void free_list(struct burst *burst)
{
	while (burst) {
		struct burst *next = burst->next;
		free(burst);
		burst = next;
	}
}

void burst_pool_wipe(struct burst_pool *pool)
{
	assert(pool->bytes_out == 0);
	free_list(pool->small_free);
	free_list(pool->large_free);
	*pool = (struct burst_pool){0};
}

/* The bytes lie right behind the struct, so that one allocation holds both. */
static struct burst *burst_create(uint32_t capacity)
{
	struct burst *burst = malloc(sizeof *burst + capacity);
	if (!burst)
		return NULL;
	burst->bytes = (uint8_t *)(burst + 1);
	burst->capacity = capacity;
	return burst;
}

static struct burst *take_free(struct burst **list, size_t *count)
{
	struct burst *burst = *list;
	if (burst) {
		*list = burst->next;
		--*count;
	}
	return burst;
}

struct burst *burst_pool_get(struct burst_pool *pool, uint32_t capacity)
{
	assert(capacity <= BURST_LARGE);
	capacity = capacity <= BURST_SMALL ? BURST_SMALL : BURST_LARGE;
	if (capacity > pool->bytes_max - pool->bytes_out)
		return NULL;

	struct burst *burst = capacity == BURST_SMALL
				      ? take_free(&pool->small_free, &pool->small_free_count)
				      : take_free(&pool->large_free, &pool->large_free_count);
	if (!burst)
		burst = burst_create(capacity);
	if (!burst)
		return NULL;
	burst->next = NULL;
	burst->stride = capacity;
	burst->count = 0;
	burst->tos = 0;
	pool->bytes_out += capacity;
	return burst;
}

static void give_free(struct burst **list, size_t *count, size_t max, struct burst *burst)
{
	if (*count == max) {
		free(burst);
		return;
	}
	burst->next = *list;
	*list = burst;
	++*count;
}

void burst_pool_put(struct burst_pool *pool, struct burst *burst)
{
	if (!burst)
		return;
	assert(pool->bytes_out >= burst->capacity);
	pool->bytes_out -= burst->capacity;
	if (burst->capacity == BURST_SMALL)
		give_free(&pool->small_free, &pool->small_free_count, SMALL_FREE_MAX, burst);
	else
		give_free(&pool->large_free, &pool->large_free_count, LARGE_FREE_MAX, burst);
}
