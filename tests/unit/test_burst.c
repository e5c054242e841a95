#include "base/burst.h"

#include "unit/test.h"

TEST(burst_sizes)
{
	static const struct {
		uint32_t asked, given;
	} rows[] = {
		{0, BURST_SMALL},
		{1, BURST_SMALL},
		{BURST_SMALL, BURST_SMALL},
		{BURST_SMALL + 1, BURST_LARGE},
		{BURST_LARGE, BURST_LARGE},
	};
	struct burst_pool pool;
	burst_pool_init(&pool, BURST_LARGE);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct burst *burst = burst_pool_get(&pool, rows[i].asked);
		CHECK(burst);
		CHECK_EQ(rows[i].given, burst->capacity);
		CHECK_EQ(rows[i].given, pool.bytes_out);
		memset(burst->bytes, 0xff, burst->capacity); /* the sanitizer knows the end */
		burst_pool_put(&pool, burst);
		CHECK_EQ(0, pool.bytes_out);
	}
	burst_pool_wipe(&pool);
}

TEST(burst_reused_is_empty)
{
	struct burst_pool pool;
	burst_pool_init(&pool, 2 * BURST_SMALL);
	struct burst *first = burst_pool_get(&pool, 1), *last = burst_pool_get(&pool, 1);
	CHECK(first && last && first != last);
	last->stride = 1452;
	last->count = BURST_PACKETS_MAX;
	last->tos = 0xb8;
	burst_pool_put(&pool, first);
	burst_pool_put(&pool, last);
	burst_pool_put(&pool, NULL);
	CHECK_EQ(2, pool.small_free_count);
	CHECK(burst_pool_get(&pool, 1) == last);
	CHECK_EQ(1, pool.small_free_count);
	CHECK(!last->next && last->count == 0 && last->tos == 0);
	CHECK_EQ(BURST_SMALL, last->stride);
	burst_pool_put(&pool, last);
	burst_pool_wipe(&pool);
}

TEST(burst_cap)
{
	struct burst_pool pool;
	burst_pool_init(&pool, 2 * BURST_SMALL + BURST_LARGE - 1);
	struct burst *a = burst_pool_get(&pool, BURST_SMALL), *b = burst_pool_get(&pool, 1);
	CHECK(a && b && burst_pool_is_short(&pool));
	CHECK(!burst_pool_get(&pool, BURST_LARGE)); /* one byte too many */
	CHECK_EQ(2 * BURST_SMALL, pool.bytes_out);
	burst_pool_put(&pool, a);
	CHECK(!burst_pool_is_short(&pool));
	a = burst_pool_get(&pool, BURST_LARGE);
	CHECK(a && !burst_pool_get(&pool, 1));
	burst_pool_put(&pool, b);
	b = burst_pool_get(&pool, 1);
	CHECK(b);
	burst_pool_put(&pool, a);
	burst_pool_put(&pool, b);
	burst_pool_wipe(&pool);

	burst_pool_init(&pool, 0);
	CHECK(!burst_pool_get(&pool, 1));
}

TEST(burst_free_lists_are_bounded)
{
	struct burst_pool pool;
	struct burst *bursts[120];
	burst_pool_init(&pool, SIZE_MAX);
	for (int i = 0; i < 120; i++) {
		bursts[i] = burst_pool_get(&pool, i < 80 ? BURST_SMALL : BURST_LARGE);
		CHECK(bursts[i]);
	}
	for (int i = 0; i < 120; i++)
		burst_pool_put(&pool, bursts[i]);
	CHECK_EQ(64, pool.small_free_count);
	CHECK_EQ(32, pool.large_free_count);
	CHECK_EQ(0, pool.bytes_out);
	burst_pool_wipe(&pool);
	CHECK(!pool.small_free && !pool.large_free && pool.small_free_count == 0);
}

TEST(burst_slots)
{
	uint8_t bytes[4400];
	struct burst burst = {.bytes = bytes, .stride = 1452};
	CHECK(burst_datagram(&burst, 0) == bytes);
	CHECK(burst_datagram(&burst, 3) == bytes + 4356);
	CHECK(burst_inner(&burst, 3) == bytes + 4372);
}
