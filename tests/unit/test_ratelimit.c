#include "session/ratelimit.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/ends.h"
#include "unit/test.h"

#define MS NANOS_PER_MS
#define T0 (1000 * NANOS_PER_SECOND)

static struct ratelimit *fresh(void)
{
	static struct ratelimit limit; /* 200 KiB */
	struct stream stream = {.seed = 5};
	struct rng rng = {stream_fill, &stream};
	ratelimit_init(&limit, &rng);
	return &limit;
}

static struct ip_address v4(uint32_t number)
{
	struct ip_address address = {.family = IP_V4};
	store_be32(address.bytes, number);
	return address;
}

static struct ip_address v6(uint64_t prefix, uint64_t host)
{
	struct ip_address address = {.family = IP_V6};
	store_be64(address.bytes, prefix);
	store_be64(address.bytes + 8, host);
	return address;
}

static uint32_t count_allowed(
	struct ratelimit *limit, struct ip_address source, nanos boottime, uint32_t tries)
{
	uint32_t allowed = 0;
	while (tries--)
		allowed += ratelimit_allows(limit, &source, boottime);
	return allowed;
}

TEST(ratelimit_five_at_once_then_one_each_50_ms)
{
	struct ratelimit *limit = fresh();
	CHECK_EQ(5, count_allowed(limit, v4(1), T0, 100));
	CHECK_EQ(0, count_allowed(limit, v4(1), T0 + 50 * MS - 1, 1));
	CHECK_EQ(1, count_allowed(limit, v4(1), T0 + 50 * MS, 2));
	CHECK_EQ(0, count_allowed(limit, v4(1), T0 + 100 * MS - 1, 1));
	CHECK_EQ(1, count_allowed(limit, v4(1), T0 + 100 * MS, 2));
	CHECK_EQ(5, count_allowed(limit, v4(1), T0 + 10000 * MS, 100)); /* no more than 5 saved */
}

/* Time that goes back is no time that has passed, and is not given twice. */
TEST(ratelimit_time_that_goes_back)
{
	struct ratelimit *limit = fresh();
	uint32_t allowed = 0;
	CHECK_EQ(5, count_allowed(limit, v4(1), T0, 5));
	for (uint32_t i = 0; i < 1000; i++)
		allowed += count_allowed(limit, v4(1), T0 - i % 2 * 25 * MS, 1);
	CHECK_EQ(0, allowed);
	CHECK_EQ(1, count_allowed(limit, v4(1), T0 + 50 * MS, 2));
	/* nor is a bucket idle for it: where all are taken, all stay so */
	limit = fresh();
	for (uint32_t i = 0; i < 100 * RATELIMIT_SETS; i++)
		count_allowed(limit, v4(i), T0, 1);
	for (uint32_t i = 0; i < 1000; i++)
		allowed += count_allowed(limit, v4(1000000 + i), T0 - 1, 1);
	CHECK_EQ(0, allowed);
}

TEST(ratelimit_20_a_second_in_the_long_run)
{
	struct ratelimit *limit = fresh();
	uint32_t allowed = 0;
	for (uint32_t ms = 0; ms < 10000; ms++)
		allowed += count_allowed(limit, v4(1), T0 + ms * MS, 2);
	CHECK_EQ(5 + 199, allowed);
}

/* regressions 17: a flood from one address leaves the others their share */
TEST(ratelimit_is_per_address_and_per_slash_64)
{
	struct ratelimit *limit = fresh();
	CHECK_EQ(5, count_allowed(limit, v4(1), T0, 1000));
	CHECK_EQ(5, count_allowed(limit, v4(2), T0, 10));
	CHECK_EQ(5, count_allowed(limit, v6(1, 1), T0, 10));
	CHECK_EQ(0, count_allowed(limit, v6(1, 2), T0, 10)); /* the same /64 */
	CHECK_EQ(5, count_allowed(limit, v6(2, 1), T0, 10));
	struct ip_address like_v4 = v6(UINT64_C(3) << 32, 0); /* the bytes of v4(3) */
	CHECK_EQ(5, count_allowed(limit, like_v4, T0, 10));
	CHECK_EQ(5, count_allowed(limit, v4(3), T0, 10));
}

/* The table is bounded: who finds no bucket waits, who has one keeps its share, idle ones go. */
TEST(ratelimit_table_is_bounded)
{
	struct ratelimit *limit = fresh();
	uint32_t with_bucket = 0;
	const uint32_t sources = 4 * RATELIMIT_SETS * RATELIMIT_WAYS;
	for (uint32_t i = 0; i < sources; i++)
		with_bucket += count_allowed(limit, v4(i), T0, 1);
	CHECK(with_bucket <= RATELIMIT_SETS * RATELIMIT_WAYS);
	CHECK(with_bucket > RATELIMIT_SETS * RATELIMIT_WAYS * 9 / 10);
	CHECK_EQ(4, count_allowed(limit, v4(0), T0, 10));
	CHECK_EQ(0, count_allowed(limit, v4(sources - 1), T0 + 249 * MS, 1));
	CHECK_EQ(1, count_allowed(limit, v4(sources - 1), T0 + 250 * MS, 1));
}

/* Sources that meet in one set of the table are told apart by their whole prefix. */
TEST(ratelimit_sources_of_one_set_are_apart)
{
	struct ratelimit *limit = fresh();
	for (uint32_t i = 0; i < 200; i++) {
		CHECK_EQ(5, count_allowed(limit, v6(i, 0), T0, 10));
		CHECK_EQ(5, count_allowed(limit, v4(i), T0, 10));
	}
}
