#include "device/peer_table.h"

#include <stdlib.h>
#include <string.h>

#define INITIAL_BUCKETS 64

bool peer_table_init(struct peer_table *table, const struct rng *rng)
{
	*table = (struct peer_table){.bucket_count = INITIAL_BUCKETS};
	table->buckets = calloc(INITIAL_BUCKETS, sizeof *table->buckets);
	rng_fill(rng, table->key.bytes, sizeof table->key.bytes);
	return table->buckets;
}

void peer_table_wipe(struct peer_table *table)
{
	free(table->buckets);
	*table = (struct peer_table){0};
}

static struct peer **bucket_of(const struct peer_table *table, const struct public_key *key)
{
	uint64_t hash = siphash24(&table->key, key->bytes, sizeof key->bytes);
	return &table->buckets[hash & (table->bucket_count - 1)];
}

struct peer *peer_table_find(const struct peer_table *table, const struct public_key *key)
{
	struct peer *peer = *bucket_of(table, key);
	while (peer && memcmp(&peer->public_key, key, sizeof *key))
		peer = peer->same_bucket;
	return peer;
}

static void put_into_bucket(struct peer_table *table, struct peer *peer)
{
	struct peer **bucket = bucket_of(table, &peer->public_key);
	peer->same_bucket = *bucket;
	*bucket = peer;
}

static void grow(struct peer_table *table)
{
	struct peer **bigger = calloc(2 * table->bucket_count, sizeof(struct peer *));
	if (!bigger)
		return;
	free(table->buckets);
	table->buckets = bigger;
	table->bucket_count *= 2;
	for (struct peer *peer = table->first; peer; peer = peer->next)
		put_into_bucket(table, peer);
}

void peer_table_add(struct peer_table *table, struct peer *peer)
{
	if (table->count >= table->bucket_count)
		grow(table);
	put_into_bucket(table, peer);
	peer->next = NULL;
	peer->previous = table->last;
	if (table->last)
		table->last->next = peer;
	else
		table->first = peer;
	table->last = peer;
	table->count++;
}

void peer_table_remove(struct peer_table *table, struct peer *peer)
{
	struct peer **link = bucket_of(table, &peer->public_key);
	while (*link != peer)
		link = &(*link)->same_bucket;
	*link = peer->same_bucket;
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		table->first = peer->next;
	if (peer->next)
		peer->next->previous = peer->previous;
	else
		table->last = peer->previous;
	table->count--;
}
