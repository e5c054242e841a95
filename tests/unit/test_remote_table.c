#include "device/remote_table.h"

#include "unit/ends.h"
#include "unit/short_memory.h"
#include "unit/test.h"

#define MANY 1000

static struct session sessions[MANY];

static bool init(struct remote_table *table)
{
	struct stream stream = {.seed = 8};
	struct rng rng = {stream_fill, &stream};
	return remote_table_init(table, &rng);
}

static bool has(const struct remote_table *table, const struct session *session)
{
	const struct session *found = NULL;
	uint32_t count = 0;
	while ((found = remote_table_next(table, session->remote_index, found)))
		count += found == session;
	return count == 1;
}

/* Every fifth has the index of another: peers choose as they like. */
static bool carries_many(struct remote_table *table)
{
	for (uint32_t i = 0; i < MANY; i++) {
		sessions[i].remote_index = (i % 5 ? i : 0) * 4096;
		remote_table_add(table, &sessions[i]);
	}
	for (uint32_t i = 0; i < MANY; i++)
		if (!has(table, &sessions[i]))
			return false;
	for (uint32_t i = 0; i < MANY; i += 2)
		remote_table_remove(table, &sessions[i]);
	for (uint32_t i = 0; i < MANY; i++)
		if (has(table, &sessions[i]) != (i % 2))
			return false;
	return table->count == MANY / 2 && !remote_table_next(table, 3, NULL);
}

TEST(remote_table_finds_every_session)
{
	struct remote_table table;
	CHECK(init(&table));
	CHECK(carries_many(&table));
	CHECK_EQ(1024, table.bucket_count);
	remote_table_wipe(&table);
	CHECK(!table.buckets && !table.count);
}

TEST(remote_table_without_memory)
{
	struct remote_table table;
	short_memory_begin(1);
	CHECK(!init(&table));
	short_memory_end();
	CHECK(init(&table));
	short_memory_begin(1);
	bool ok = carries_many(&table);
	short_memory_end();
	CHECK(ok);
	CHECK_EQ(64, table.bucket_count);
	remote_table_wipe(&table);
}
