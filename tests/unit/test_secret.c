#include "crypto/secret.h"

#include "unit/test.h"

TEST(secret_wipe_all)
{
	uint8_t bytes[10];
	memset(bytes, 0xa5, sizeof bytes);
	secret_wipe(bytes + 1, 8);
	CHECK_MEM("\xa5\0\0\0\0\0\0\0\0\xa5", bytes, sizeof bytes);
}

TEST(secret_compare)
{
	uint8_t a[32], b[32], zero[32] = {0};
	for (uint8_t i = 0; i < 32; i++)
		a[i] = b[i] = i;
	CHECK(secret_is_equal(a, b, 32) && secret_is_zero(zero, 32));
	for (int bit = 0; bit < 256; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		zero[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!secret_is_equal(a, b, 32) && !secret_is_zero(zero, 32));
		CHECK(secret_is_equal(a, b, (size_t)bit / 8) &&
			secret_is_zero(zero, (size_t)bit / 8));
		b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		zero[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static bool is_all(const uint8_t *p, uint8_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

TEST(secret_arena_sizes)
{
	static const struct {
		size_t asked, used;
	} rows[] = {{1, 64}, {63, 64}, {64, 64}, {65, 128}, {128, 128}, {129, 192}, {193, 256},
		{1024, 1024}, {2048, 2048}, {2049, 2112}, {4033, 4096}, {4096, 4096}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		_Alignas(64) uint8_t pages[4096] = {0};
		struct secret_arena arena;
		secret_arena_init(&arena, pages, rows[i].used - 1);
		CHECK(!secret_alloc(&arena, rows[i].asked));
		secret_arena_init(&arena, pages, rows[i].used);
		CHECK(secret_alloc(&arena, rows[i].asked) == pages);
		CHECK_EQ(rows[i].used, arena.used);
		CHECK_EQ(1, arena.blocks_out);
		CHECK(!secret_alloc(&arena, 1));
		CHECK_EQ(1, arena.blocks_out);
	}
}

TEST(secret_arena_wipes_and_recycles)
{
	_Alignas(64) static uint8_t pages[1024];
	struct secret_arena arena;
	secret_arena_init(&arena, pages, sizeof pages);
	uint8_t *a = secret_alloc(&arena, 100), *b = secret_alloc(&arena, 128);
	CHECK(a && b && a != b);
	memset(a, 0xa5, 128); /* the whole block */
	memset(b, 0xa5, 128);
	secret_free(&arena, a, 100);
	secret_free(&arena, b, 128);
	secret_free(&arena, NULL, 100);
	CHECK_EQ(0, arena.blocks_out);
	CHECK(is_all(a + sizeof(void *), 0, 128 - sizeof(void *)));
	CHECK(is_all(b + sizeof(void *), 0, 128 - sizeof(void *)));

	CHECK(secret_alloc(&arena, 64) == pages + 256); /* of another class */
	CHECK(secret_alloc(&arena, 65) == b);
	CHECK(secret_alloc(&arena, 128) == a);
	CHECK(is_all(a, 0, 128) && is_all(b, 0, 128));
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Blocks come zeroed and aligned and keep what is written to them, in whatever order. */
TEST(secret_arena_model)
{
	_Alignas(64) static uint8_t pages[24 * 1024];
	struct secret_arena arena;
	struct {
		uint8_t *p;
		size_t len;
	} blocks[40] = {{0}};
	secret_arena_init(&arena, pages, sizeof pages);
	uint32_t seed = 1;
	size_t out = 0, refused = 0;
	for (int step = 0; step < 20000; step++) {
		size_t k = next_random(&seed) % 40;
		uint8_t mark = (uint8_t)(k + 1);
		if (blocks[k].p) {
			CHECK(is_all(blocks[k].p, mark, blocks[k].len));
			secret_free(&arena, blocks[k].p, blocks[k].len);
			blocks[k].p = NULL;
			out--;
		} else {
			size_t len = 1 + next_random(&seed) % (1u << (6 + next_random(&seed) % 7));
			blocks[k].p = secret_alloc(&arena, len);
			blocks[k].len = len;
			refused += !blocks[k].p;
			if (!blocks[k].p)
				continue;
			CHECK((uintptr_t)blocks[k].p % 64 == 0 && is_all(blocks[k].p, 0, len));
			CHECK(blocks[k].p >= pages && blocks[k].p + len <= pages + sizeof pages);
			memset(blocks[k].p, mark, len);
			out++;
		}
		CHECK_EQ(out, arena.blocks_out);
	}
	CHECK(refused > 0); /* the end was reached too */
}
