#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/peer_table.h"
#include "unit/ends.h"

#define COUNT 1000

static struct peer *make_peers(uint32_t count)
{
	struct peer *peers = calloc(count, sizeof *peers);
	for (uint32_t i = 0; peers && i < count; i++)
		store_le32(peers[i].public_key.bytes, i);
	return peers;
}

static struct peer_table make_table(void)
{
	static struct stream stream;
	struct rng rng = {stream_fill, &stream};
	struct peer_table table;
	stream = (struct stream){.seed = 3};
	if (!peer_table_init(&table, &rng))
		abort();
	return table;
}

TEST(peer_table_empty_finds_nothing)
{
	struct peer_table table = make_table();
	struct public_key key = {{1}};
	CHECK(!peer_table_find(&table, &key));
	CHECK_EQ(0, table.count);
	CHECK(!table.first && !table.last);
	peer_table_wipe(&table);
}

TEST(peer_table_finds_each_while_it_grows)
{
	struct peer_table table = make_table();
	struct peer *peers = make_peers(COUNT);
	struct public_key key;
	for (uint32_t i = 0; i < COUNT; i++) {
		key = peers[i].public_key;
		CHECK(!peer_table_find(&table, &key));
		peer_table_add(&table, &peers[i]);
		CHECK(peer_table_find(&table, &key) == &peers[i]);
		CHECK(table.count <= table.bucket_count);
	}
	for (uint32_t i = 0; i < COUNT; i++) {
		key = peers[i].public_key;
		CHECK(peer_table_find(&table, &key) == &peers[i]);
		key.bytes[31] ^= 1; /* all 32 bytes count */
		CHECK(!peer_table_find(&table, &key));
	}
	CHECK_EQ(COUNT, table.count);
	peer_table_wipe(&table);
	free(peers);
}

/* Whether the list, both ways, is exactly the peers of which bit i % 8 of `kept` is set. */
static bool is_list(const struct peer_table *table, const struct peer *peers, unsigned kept)
{
	const struct peer *at = table->first, *before = NULL;
	for (uint32_t i = 0; i < COUNT; i++) {
		if (!(kept >> i % 8 & 1))
			continue;
		if (at != &peers[i] || at->previous != before)
			return false;
		before = at;
		at = at->next;
	}
	return !at && table->last == before;
}

TEST(peer_table_list_is_in_order_of_creation)
{
	struct peer_table table = make_table();
	struct peer *peers = make_peers(COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		peer_table_add(&table, &peers[i]);
	CHECK(is_list(&table, peers, 0xff));
	unsigned kept = 0xff;
	static const unsigned order[] = {0, 7, 3, 4, 2, 1, 6, 5}; /* ends and middle */
	for (int k = 0; k < 8; k++) {
		for (uint32_t i = order[k]; i < COUNT; i += 8) {
			peer_table_remove(&table, &peers[i]);
			CHECK(!peer_table_find(&table, &peers[i].public_key));
		}
		kept &= ~(1u << order[k]);
		CHECK(is_list(&table, peers, kept));
	}
	CHECK_EQ(0, table.count);
	peer_table_add(&table, &peers[5]); /* an emptied table takes them again */
	CHECK(table.first == &peers[5] && table.last == &peers[5]);
	CHECK(peer_table_find(&table, &peers[5].public_key) == &peers[5]);
	peer_table_wipe(&table);
	free(peers);
}

TEST(peer_table_hash_depends_on_the_rng)
{
	struct stream streams[2] = {{.seed = 1}, {.seed = 2}};
	struct peer_table tables[2];
	for (int i = 0; i < 2; i++) {
		struct rng rng = {stream_fill, &streams[i]};
		CHECK(peer_table_init(&tables[i], &rng));
	}
	CHECK(memcmp(&tables[0].key, &tables[1].key, sizeof tables[0].key));
	peer_table_wipe(&tables[0]);
	peer_table_wipe(&tables[1]);
}
