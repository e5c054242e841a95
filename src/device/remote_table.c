#include "device/remote_table.h"

#include <stdlib.h>

#include "base/bytes.h"

#define INITIAL_BUCKETS 64

bool remote_table_init(struct remote_table *table, const struct rng *rng)
{
	*table = (struct remote_table){.bucket_count = INITIAL_BUCKETS};
	table->buckets = calloc(INITIAL_BUCKETS, sizeof(struct session *));
	rng_fill(rng, table->key.bytes, sizeof table->key.bytes);
	return table->buckets;
}

void remote_table_wipe(struct remote_table *table)
{
	free(table->buckets);
	*table = (struct remote_table){0};
}

static struct session **bucket_of(const struct remote_table *table, uint32_t remote_index)
{
	uint8_t bytes[4];
	store_le32(bytes, remote_index);
	uint64_t hash = siphash24(&table->key, bytes, sizeof bytes);
	return &table->buckets[hash & (table->bucket_count - 1)];
}

static void put_into_bucket(struct remote_table *table, struct session *session)
{
	struct session **bucket = bucket_of(table, session->remote_index);
	session->same_bucket = *bucket;
	*bucket = session;
}

static void grow(struct remote_table *table)
{
	struct remote_table old = *table;
	struct session **bigger = calloc(2 * old.bucket_count, sizeof(struct session *));
	if (!bigger)
		return;
	table->buckets = bigger;
	table->bucket_count = 2 * old.bucket_count;
	for (size_t i = 0; i < old.bucket_count; i++) {
		for (struct session *session = old.buckets[i], *next; session; session = next) {
			next = session->same_bucket;
			put_into_bucket(table, session);
		}
	}
	free(old.buckets);
}

void remote_table_add(struct remote_table *table, struct session *session)
{
	if (table->count >= table->bucket_count)
		grow(table);
	put_into_bucket(table, session);
	table->count++;
}

void remote_table_remove(struct remote_table *table, struct session *session)
{
	struct session **link = bucket_of(table, session->remote_index);
	while (*link != session)
		link = &(*link)->same_bucket;
	*link = session->same_bucket;
	table->count--;
}

struct session *remote_table_next(
	const struct remote_table *table, uint32_t remote_index, const struct session *after)
{
	struct session *session = after ? after->same_bucket : *bucket_of(table, remote_index);
	while (session && session->remote_index != remote_index)
		session = session->same_bucket;
	return session;
}
