#include "unit/test.h"

#include <stdlib.h>

#include "device/index_table.h"
#include "unit/ends.h"

static struct peer peers[4]; /* only their addresses count */

/* An rng that gives the numbers of a list. */
struct list {
	const uint32_t *next;
};

static void list_fill(void *context, void *out, size_t len)
{
	struct list *list = context;
	memcpy(out, list->next++, len);
}

static void draw_all(struct index_table *table, const uint32_t *indices, size_t count)
{
	struct list list = {indices};
	struct rng rng = {list_fill, &list};
	for (size_t i = 0; i < count; i++) {
		uint32_t index;
		CHECK(index_table_draw(table, &peers[i % 4], &rng, &index));
		CHECK_EQ(indices[i], index);
	}
}

TEST(index_table_empty_finds_nothing)
{
	struct index_table table;
	index_table_init(&table);
	CHECK(!index_table_find(&table, 0));
	index_table_remove(&table, 7);
	CHECK_EQ(0, table.count);
	index_table_wipe(&table);
}

TEST(index_table_zero_is_an_index_like_any_other)
{
	struct index_table table;
	index_table_init(&table);
	draw_all(&table, (const uint32_t[]){0, UINT32_MAX}, 2);
	CHECK(index_table_find(&table, 0) == &peers[0]);
	CHECK(index_table_find(&table, UINT32_MAX) == &peers[1]);
	CHECK(!index_table_find(&table, 1));
	index_table_wipe(&table);
}

/* Regressions 28: never repeated while live. */
TEST(index_table_draws_again_what_is_in_use)
{
	static const uint32_t numbers[] = {9, 9, 9, 5, 9};
	struct list list = {numbers};
	struct rng rng = {list_fill, &list};
	struct index_table table;
	uint32_t index;
	index_table_init(&table);
	CHECK(index_table_draw(&table, &peers[0], &rng, &index));
	CHECK_EQ(9, index);
	CHECK(index_table_draw(&table, &peers[1], &rng, &index));
	CHECK_EQ(5, index);
	CHECK(index_table_find(&table, 9) == &peers[0]);
	index_table_remove(&table, 9);
	CHECK(index_table_draw(&table, &peers[2], &rng, &index));
	CHECK_EQ(9, index);
	CHECK(index_table_find(&table, 9) == &peers[2]);
	index_table_wipe(&table);
}

/* A run of collisions that wraps around the table's end loses one after the other. */
TEST(index_table_removal_closes_the_gap)
{
	static const uint32_t indices[] = {62, 62 + 64, 63, 62 + 128, 0, 63 + 64, 1, 40};
	enum { COUNT = sizeof indices / sizeof *indices };
	for (size_t removed = 0; removed < COUNT; removed++) {
		for (size_t second = 0; second < COUNT; second++) {
			struct index_table table;
			index_table_init(&table);
			draw_all(&table, indices, COUNT);
			CHECK_EQ(64, table.capacity);
			index_table_remove(&table, indices[removed]);
			index_table_remove(&table, indices[second]);
			for (size_t i = 0; i < COUNT; i++) {
				bool is_gone = i == removed || i == second;
				CHECK(index_table_find(&table, indices[i]) ==
					(is_gone ? NULL : &peers[i % 4]));
			}
			CHECK_EQ(COUNT - (removed == second ? 1 : 2), table.count);
			index_table_wipe(&table);
		}
	}
}

#define MODEL_MAX 2000

static bool is_as_model(
	const struct index_table *table, const uint32_t *indices, struct peer *const *owners)
{
	size_t count = 0;
	for (size_t i = 0; i < MODEL_MAX; i++) {
		count += owners[i] != NULL;
		if (owners[i] && index_table_find(table, indices[i]) != owners[i])
			return false;
	}
	return count == table->count;
}

TEST(index_table_is_as_a_plain_list)
{
	static uint32_t indices[MODEL_MAX];
	static struct peer *owners[MODEL_MAX];
	struct stream stream = {.seed = 4};
	struct rng rng = {stream_fill, &stream};
	struct index_table table;
	index_table_init(&table);
	for (int step = 0; step < 20000; step++) {
		size_t i = rng_u32(&rng) % MODEL_MAX;
		if (owners[i]) {
			index_table_remove(&table, indices[i]);
			CHECK(!index_table_find(&table, indices[i]));
			owners[i] = NULL;
		} else {
			owners[i] = &peers[i % 4];
			CHECK(index_table_draw(&table, owners[i], &rng, &indices[i]));
		}
		CHECK(table.count <= table.capacity / 2);
		if (step % 1000 == 0)
			CHECK(is_as_model(&table, indices, owners));
	}
	CHECK(is_as_model(&table, indices, owners));
	CHECK_EQ(4096, table.capacity);
	index_table_wipe(&table);
	CHECK_EQ(0, table.count);
}

/* ---------------------------------------------------------------- regressions 28 */

#define DRAWS 65536

/* How far so many bytes are from evenly spread; about 255, seldom more than 100 off. */
static double chi_square(const uint32_t counts[static 256])
{
	double sum = 0, expected = (double)DRAWS / 256;
	for (int i = 0; i < 256; i++) {
		double off = counts[i] - expected;
		sum += off * off / expected;
	}
	return sum;
}

static bool is_even(const uint32_t counts[static 256])
{
	double x = chi_square(counts);
	return x > 150 && x < 360;
}

/*
 * Not predictable: every byte of an index is evenly spread, and so is every byte of
 * its difference from the one before, whichever peer it is for. A counter, or a part
 * of the index that tells the peer, is neither.
 */
TEST(index_table_draws_evenly_spread_numbers)
{
	static uint32_t counts[4][256], steps[4][256];
	struct stream stream = {.seed = 28};
	struct rng rng = {stream_fill, &stream};
	struct index_table table;
	uint32_t index, before = 0;
	index_table_init(&table);
	for (int i = 0; i < DRAWS; i++) {
		CHECK(index_table_draw(&table, &peers[i / 2 % 4], &rng, &index));
		for (int b = 0; b < 4; b++) {
			counts[b][index >> 8 * b & 0xff]++;
			steps[b][(index - before) >> 8 * b & 0xff]++;
		}
		before = index;
	}
	for (int b = 0; b < 4; b++)
		CHECK(is_even(counts[b]) && is_even(steps[b]));
	CHECK_EQ(DRAWS, table.count); /* and no two of them are the same */
	index_table_wipe(&table);
}
