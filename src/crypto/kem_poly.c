#include "crypto/kem_poly.h"

#include "crypto/keccak.h"
#include "crypto/secret.h"

#define Q_INVERSE (-3327) /* of 3329, modulo 2^16 */

/* 17^BitRev7(i) * 2^16 modulo 3329, the representative next to 0. [FIPS 203, appendix A] */
static const int16_t zetas[128] = {-1044, -758, -359, -1517, 1493, 1422, 287, 202, -171, 622, 1577,
	182, 962, -1202, -1474, 1468, 573, -1325, 264, 383, -829, 1458, -1602, -130, -681, 1017,
	732, 608, -1542, 411, -205, -1571, 1223, 652, -552, 1015, -1293, 1491, -282, -1544, 516, -8,
	-320, -666, -1618, -1162, 126, 1469, -853, -90, -271, 830, 107, -1421, -247, -951, -398,
	961, -1508, -725, 448, -1065, 677, -1275, -1103, 430, 555, 843, -1251, 871, 1550, 105, 422,
	587, 177, -235, -291, -460, 1574, 1653, -246, 778, 1159, -147, -777, 1483, -602, 1119,
	-1590, 644, -872, 349, 418, 329, -156, -75, 817, 1097, 603, 610, 1322, -1285, -1465, 384,
	-1215, -136, 1218, -1335, -874, 220, -1187, -1659, -1185, -1530, -1278, 794, -1510, -854,
	-870, 478, -108, -308, 996, 991, 958, -1460, 1522, 1628};

/* x * 2^-16 modulo 3329, below 3329 in absolute value if x is below 3329 * 2^15. */
static inline int16_t montgomery(int32_t x)
{
	int16_t t = (int16_t)((int16_t)x * Q_INVERSE);
	return (int16_t)((x - t * POLY_Q) >> 16);
}

/* x modulo 3329, the representative next to 0: 20159 is 2^26 / 3329, rounded. */
static inline int16_t barrett(int16_t x)
{
	int32_t t = (20159 * x + (1 << 25)) >> 26;
	return (int16_t)(x - t * POLY_Q);
}

/*
 * A layer of the transform: inlined with a constant length, so that compilers work on
 * many coefficients at a time. Each layer adds at most 3329 to the absolute values.
 */
__attribute__((always_inline)) static inline void layer(
	struct poly *f, size_t len, const int16_t *zeta)
{
	for (size_t start = 0; start < POLY_N; start += 2 * len, zeta++)
		for (size_t j = start; j < start + len; j++) {
			int16_t t = montgomery(*zeta * f->c[j + len]);
			f->c[j + len] = (int16_t)(f->c[j] - t);
			f->c[j] = (int16_t)(f->c[j] + t);
		}
}

void poly_ntt(struct poly *f)
{
	layer(f, 128, &zetas[1]);
	layer(f, 64, &zetas[2]);
	layer(f, 32, &zetas[4]);
	layer(f, 16, &zetas[8]);
	layer(f, 8, &zetas[16]);
	layer(f, 4, &zetas[32]);
	layer(f, 2, &zetas[64]);
	for (size_t i = 0; i < POLY_N; i++)
		f->c[i] = barrett(f->c[i]);
}

/* `zeta` is the last one of the layer: the inverse takes them from the end. */
__attribute__((always_inline)) static inline void inverse_layer(
	struct poly *f, size_t len, const int16_t *zeta)
{
	for (size_t start = 0; start < POLY_N; start += 2 * len, zeta--)
		for (size_t j = start; j < start + len; j++) {
			int16_t t = f->c[j];
			f->c[j] = barrett((int16_t)(t + f->c[j + len]));
			f->c[j + len] = montgomery(*zeta * (f->c[j + len] - t));
		}
}

void poly_inverse_ntt(struct poly *f)
{
	const int16_t scale = 1441; /* 2^32 / 128: for the factor of products and the layers */
	inverse_layer(f, 2, &zetas[127]);
	inverse_layer(f, 4, &zetas[63]);
	inverse_layer(f, 8, &zetas[31]);
	inverse_layer(f, 16, &zetas[15]);
	inverse_layer(f, 32, &zetas[7]);
	inverse_layer(f, 64, &zetas[3]);
	inverse_layer(f, 128, &zetas[1]);
	for (size_t i = 0; i < POLY_N; i++)
		f->c[i] = montgomery(scale * f->c[i]);
}

/* Pairs of coefficients are polynomials of degree 1 modulo X^2 - gamma. [Algorithm 12] */
void poly_sum_add_product(struct poly_sum *sum, const struct poly *f, const struct poly *g)
{
	for (size_t i = 0; i < POLY_N; i += 2) {
		int16_t zeta = zetas[64 + i / 4];
		int16_t gamma = i % 4 ? (int16_t)-zeta : zeta;
		int32_t a0 = f->c[i], a1 = f->c[i + 1], b0 = g->c[i], b1 = g->c[i + 1];
		sum->c[i] += a0 * b0 + montgomery(a1 * gamma) * b1;
		sum->c[i + 1] += a0 * b1 + a1 * b0;
	}
}

void poly_reduce_sum(struct poly *out, const struct poly_sum *sum)
{
	for (size_t i = 0; i < POLY_N; i++)
		out->c[i] = montgomery(sum->c[i]);
}

void poly_lift(struct poly *f)
{
	const int16_t square = 1353; /* 2^32 */
	for (size_t i = 0; i < POLY_N; i++)
		f->c[i] = montgomery(square * f->c[i]);
}

void poly_add(struct poly *f, const struct poly *g)
{
	for (size_t i = 0; i < POLY_N; i++)
		f->c[i] = barrett((int16_t)(f->c[i] + g->c[i]));
}

void poly_subtract(struct poly *f, const struct poly *g)
{
	for (size_t i = 0; i < POLY_N; i++)
		f->c[i] = barrett((int16_t)(f->c[i] - g->c[i]));
}

/* Rejection needs as many blocks as it needs, most often three. */
void poly_sample_public(struct poly *out, const uint8_t seed[static 32], uint8_t j, uint8_t i)
{
	const uint8_t indices[2] = {j, i};
	struct sponge xof;
	sponge_start(&xof, SHAKE128, seed, indices, sizeof indices);
	for (size_t count = 0; count < POLY_N;) {
		uint8_t block[168];
		sponge_squeeze(&xof, block, sizeof block);
		for (size_t at = 0; at < sizeof block && count < POLY_N; at += 3) {
			const uint8_t *b = block + at;
			int16_t d1 = (int16_t)(b[0] | (b[1] & 0x0f) << 8);
			int16_t d2 = (int16_t)(b[1] >> 4 | b[2] << 4);
			if (d1 < POLY_Q)
				out->c[count++] = d1;
			if (d2 < POLY_Q && count < POLY_N)
				out->c[count++] = d2;
		}
	}
}

/* Four bits for a coefficient: the ones of two less the ones of the other two. */
void poly_sample_noise(struct poly *out, const uint8_t bytes[static POLY_NOISE_LEN])
{
	for (size_t i = 0; i < POLY_N; i++) {
		int nibble = bytes[i / 2] >> 4 * (i % 2);
		int x = (nibble & 1) + (nibble >> 1 & 1), y = (nibble >> 2 & 1) + (nibble >> 3 & 1);
		out->c[i] = (int16_t)(x - y);
	}
}

/* 0..3328 */
static uint32_t canonical(int16_t x)
{
	int16_t reduced = barrett(x);
	uint32_t is_negative = secret_barrier((uint32_t)reduced >> 31);
	return (uint32_t)reduced + (POLY_Q & (0 - is_negative));
}

/* round(x * 2^d / 3329) modulo 2^d; 5160670 is 2^34 / 3329, rounded up. [4.7] */
static uint32_t compress(uint32_t x, unsigned d)
{
	uint64_t quotient = ((((uint64_t)x << d) + POLY_Q / 2) * 5160670) >> 34;
	return (uint32_t)quotient & ((1u << d) - 1);
}

/* [4.8] */
static uint32_t decompress(uint32_t y, unsigned d)
{
	return (y * POLY_Q + (1u << (d - 1))) >> d;
}

void poly_encode(uint8_t *out, const struct poly *f, unsigned d)
{
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < POLY_N; i++) {
		uint32_t x = canonical(f->c[i]);
		bits |= (d == 12 ? x : compress(x, d)) << count;
		for (count += d; count >= 8; count -= 8, bits >>= 8)
			*out++ = (uint8_t)bits;
	}
}

void poly_decode(struct poly *out, const uint8_t *bytes, unsigned d)
{
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0; i < POLY_N; i++, bits >>= d, count -= d) {
		for (; count < d; count += 8)
			bits |= (uint32_t)*bytes++ << count;
		uint32_t x = secret_barrier(bits & ((1u << d) - 1)); /* a secret if d is 1 */
		out->c[i] = (int16_t)(d == 12 ? x : decompress(x, d));
	}
}

bool poly_is_reduced(const struct poly *f)
{
	bool is_reduced = true;
	for (size_t i = 0; i < POLY_N; i++)
		is_reduced &= f->c[i] < POLY_Q;
	return is_reduced;
}
