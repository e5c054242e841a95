#include "crypto/kem_poly.h"

#include "unit/slow_keccak.h"
#include "unit/test.h"

#define Q POLY_Q

static uint32_t next_random(void)
{
	static uint64_t state = 1;
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33);
}

/* 0..3328 of any number */
static int modulo(int64_t x)
{
	return (int)((x % Q + Q) % Q);
}

/* Coefficients between -3328 and 3328; of a kind 0 or 1 the extremes only. */
static struct poly some_poly(int kind)
{
	struct poly f;
	for (size_t i = 0; i < POLY_N; i++)
		f.c[i] = (int16_t)(kind == 0   ? Q - 1
				   : kind == 1 ? (i % 2 ? Q - 1 : 1 - Q)
					       : (int)(next_random() % (2 * Q - 1)) - (Q - 1));
	return f;
}

static struct poly transformed(struct poly f)
{
	poly_ntt(&f);
	return f;
}

/* By the definition of the ring: X^256 is -1. */
static void add_slow_product(int64_t sum[static POLY_N], const struct poly *f, const struct poly *g)
{
	for (size_t i = 0; i < POLY_N; i++)
		for (size_t j = 0; j < POLY_N; j++)
			sum[(i + j) % POLY_N] += (i + j < POLY_N ? 1 : -1) * f->c[i] * g->c[j];
}

static void check_same(const int64_t *expected, const struct poly *got)
{
	for (size_t i = 0; i < POLY_N; i++) {
		CHECK(got->c[i] > -Q && got->c[i] < Q);
		CHECK_EQ(modulo(expected[i]), modulo(got->c[i]));
	}
}

/* As a vector's: three products in a sum. */
TEST(kem_poly_products)
{
	for (int round = 0; round < 30; round++) {
		int64_t expected[POLY_N] = {0};
		struct poly_sum sum = {{0}};
		struct poly got;
		for (int k = 0; k < 3; k++) {
			struct poly f = some_poly(round), g = some_poly(round / 2);
			struct poly f_ntt = transformed(f), g_ntt = transformed(g);
			add_slow_product(expected, &f, &g);
			poly_sum_add_product(&sum, &f_ntt, &g_ntt);
		}
		poly_reduce_sum(&got, &sum);
		poly_inverse_ntt(&got);
		check_same(expected, &got);
	}
}

/* The transform's results may stand in a product as they are; so may what is read or sampled. */
TEST(kem_poly_bounds)
{
	for (int round = 0; round < 100; round++) {
		struct poly f = transformed(some_poly(round));
		for (size_t i = 0; i < POLY_N; i++)
			CHECK(f.c[i] >= -(Q / 2) && f.c[i] <= Q / 2);
	}
	struct poly_sum sum = {{0}};
	struct poly most = some_poly(0), got;
	for (int k = 0; k < 3; k++)
		poly_sum_add_product(&sum, &most, &most);
	poly_reduce_sum(&got, &sum);
	for (size_t i = 0; i < POLY_N; i++)
		CHECK(got.c[i] > -Q && got.c[i] < Q);
}

/* The transform of 1 is 1 at each residue, and times it nothing changes. */
TEST(kem_poly_lift)
{
	struct poly one = {{1}}, f, got;
	poly_ntt(&one);
	for (int round = 0; round < 30; round++) {
		int64_t expected[POLY_N];
		struct poly_sum sum = {{0}};
		f = some_poly(round);
		for (size_t i = 0; i < POLY_N; i++)
			expected[i] = f.c[i];
		poly_sum_add_product(&sum, &f, &one);
		poly_reduce_sum(&got, &sum);
		poly_lift(&got);
		check_same(expected, &got);
	}
}

TEST(kem_poly_sums)
{
	struct poly f, g, sum, difference;
	for (int round = 0; round < 30; round++) {
		f = sum = difference = some_poly(round);
		g = some_poly(round / 2);
		poly_add(&sum, &g);
		poly_subtract(&difference, &g);
		for (size_t i = 0; i < POLY_N; i++) {
			CHECK(sum.c[i] > -Q && sum.c[i] < Q);
			CHECK(difference.c[i] > -Q && difference.c[i] < Q);
			CHECK_EQ(modulo(f.c[i] + g.c[i]), modulo(sum.c[i]));
			CHECK_EQ(modulo(f.c[i] - g.c[i]), modulo(difference.c[i]));
		}
	}
}

/* All numbers that a sum may have, to the representative next to 0. */
TEST(kem_poly_sums_are_reduced)
{
	const struct poly zero = {{0}};
	for (int first = INT16_MIN; first <= INT16_MAX; first += POLY_N) {
		struct poly f;
		for (int i = 0; i < POLY_N; i++)
			f.c[i] = (int16_t)(first + i);
		poly_add(&f, &zero);
		for (int i = 0; i < POLY_N; i++) {
			CHECK_EQ(modulo(first + i), modulo(f.c[i]));
			CHECK(f.c[i] >= -(Q / 2) && f.c[i] <= Q / 2);
		}
	}
}

static uint32_t bits_at(const uint8_t *bytes, size_t at, unsigned count)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < count; i++, at++)
		value |= (uint32_t)(bytes[at / 8] >> at % 8 & 1) << i;
	return value;
}

/* All numbers that a coefficient can hold, with all widths, against division. */
TEST(kem_poly_encode_all)
{
	static const unsigned widths[] = {1, 4, 10, 12};
	for (int first = INT16_MIN; first <= INT16_MAX; first += POLY_N) {
		struct poly f;
		for (int i = 0; i < POLY_N; i++)
			f.c[i] = (int16_t)(first + i);
		for (size_t w = 0; w < 4; w++) {
			unsigned d = widths[w];
			uint8_t bytes[POLY_BYTES(12) + 1];
			bytes[POLY_BYTES(d)] = 0xa5;
			poly_encode(bytes, &f, d);
			CHECK_EQ(0xa5, bytes[POLY_BYTES(d)]);
			for (size_t i = 0; i < POLY_N; i++) {
				uint32_t x = (uint32_t)modulo(f.c[i]);
				uint32_t rounded = ((x << (d + 1)) + Q) / (2 * Q) % (1u << d);
				CHECK_EQ(d == 12 ? x : rounded, bits_at(bytes, i * d, d));
			}
		}
	}
}

TEST(kem_poly_decode_all)
{
	static const unsigned widths[] = {1, 4, 10, 12};
	uint8_t bytes[POLY_BYTES(12)];
	for (int round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)next_random();
		for (size_t w = 0; w < 4; w++) {
			unsigned d = widths[w];
			struct poly f;
			poly_decode(&f, bytes, d);
			for (size_t i = 0; i < POLY_N; i++) {
				uint32_t y = bits_at(bytes, i * d, d);
				uint32_t rounded = (2 * Q * y + (1u << d)) / (2u << d);
				CHECK_EQ(d == 12 ? y : rounded, f.c[i]);
			}
		}
	}
}

TEST(kem_poly_is_reduced)
{
	struct poly f = {{0}};
	for (size_t i = 0; i < POLY_N; i++) {
		f.c[i] = Q;
		CHECK(!poly_is_reduced(&f));
		f.c[i] = 4095;
		CHECK(!poly_is_reduced(&f));
		f.c[i] = Q - 1;
		CHECK(poly_is_reduced(&f));
	}
}

/* How many bytes were read. */
static size_t sample_slowly(struct poly *out, const uint8_t seed[static 32], uint8_t j, uint8_t i)
{
	struct slow_sponge s;
	slow_sponge_start(&s, 168, 0x1f, seed, 32, (uint8_t[]){j, i}, 2);
	size_t read = 0;
	for (size_t count = 0; count < POLY_N; read += 3) {
		uint8_t three[3];
		for (size_t k = 0; k < 3; k++)
			three[k] = slow_sponge_next(&s);
		for (size_t at = 0; at < 24 && count < POLY_N; at += 12)
			if (bits_at(three, at, 12) < Q)
				out->c[count++] = (int16_t)bits_at(three, at, 12);
	}
	return read;
}

/* Three blocks are 504 bytes: a few seeds in a thousand need a fourth. */
TEST(kem_poly_sample_public)
{
	size_t long_ones = 0;
	for (uint32_t n = 0; n < 1000; n++) {
		uint8_t seed[32] = {(uint8_t)n, (uint8_t)(n >> 8)};
		struct poly expected, got;
		long_ones += sample_slowly(&expected, seed, (uint8_t)(n % 3), 2) > 504;
		poly_sample_public(&got, seed, (uint8_t)(n % 3), 2);
		CHECK_MEM(expected.c, got.c, sizeof got.c);
	}
	CHECK(long_ones > 0);
}

/* CCTV's seed, which needs more than the 575 bytes that some allow for. */
TEST(kem_poly_sample_unlucky)
{
	uint8_t seed[32];
	struct poly expected, got;
	HEX(seed, "5c3c6fe50d06fc1bbbffafc56ab7050f2773ee8ef8d28ca4b97b43c8d7202e71");
	CHECK_EQ(576, sample_slowly(&expected, seed, 0, 0));
	poly_sample_public(&got, seed, 0, 0);
	CHECK_MEM(expected.c, got.c, sizeof got.c);
}

TEST(kem_poly_sample_noise)
{
	uint8_t bytes[POLY_NOISE_LEN];
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(i + sizeof bytes * (size_t)round);
		struct poly f;
		poly_sample_noise(&f, bytes);
		for (size_t i = 0; i < POLY_N; i++) {
			uint32_t plus = bits_at(bytes, 4 * i, 1) + bits_at(bytes, 4 * i + 1, 1);
			uint32_t minus =
				bits_at(bytes, 4 * i + 2, 1) + bits_at(bytes, 4 * i + 3, 1);
			CHECK_EQ((int)plus - (int)minus, f.c[i]);
		}
	}
}
