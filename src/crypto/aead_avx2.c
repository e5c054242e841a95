/*
 * The kernel for AVX2 and BMI2: 8 lanes, with Poly1305 in plain integers woven in: its
 * multiplications run beside the vector unit and cost no time of their own.
 */
#ifdef __x86_64__
#include "crypto/aead_ops.h"

#include <immintrin.h>
#include <string.h>

#include "crypto/poly1305.h"

typedef uint32_t vector8 __attribute__((vector_size(32)));
#define INLINE static inline __attribute__((always_inline))
#define VECTOR vector8

INLINE vector8 turn(vector8 v, int n)
{
	const __m256i by16 = _mm256_set_epi64x(
		0x0d0c0f0e09080b0a, 0x0504070601000302, 0x0d0c0f0e09080b0a, 0x0504070601000302);
	const __m256i by8 = _mm256_set_epi64x(
		0x0e0d0c0f0a09080b, 0x0605040702010003, 0x0e0d0c0f0a09080b, 0x0605040702010003);
	if (n == 16)
		return (vector8)_mm256_shuffle_epi8((__m256i)v, by16);
	if (n == 8)
		return (vector8)_mm256_shuffle_epi8((__m256i)v, by8);
	return v << n | v >> (32 - n);
}

/* Words 4g..4g+3 of each block: of blocks j and j + 4 in the halves of row j. */
INLINE void store_quarter(uint8_t *stream, const vector8 *x)
{
	__m256i a = _mm256_unpacklo_epi32((__m256i)x[0], (__m256i)x[1]);
	__m256i b = _mm256_unpackhi_epi32((__m256i)x[0], (__m256i)x[1]);
	__m256i c = _mm256_unpacklo_epi32((__m256i)x[2], (__m256i)x[3]);
	__m256i d = _mm256_unpackhi_epi32((__m256i)x[2], (__m256i)x[3]);
	__m256i row[4] = {_mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c),
		_mm256_unpacklo_epi64(b, d), _mm256_unpackhi_epi64(b, d)};
	for (int j = 0; j < 4; j++) {
		_mm_storeu_si128((__m128i *)(stream + 64 * j), _mm256_castsi256_si128(row[j]));
		_mm_storeu_si128(
			(__m128i *)(stream + 64 * (j + 4)), _mm256_extracti128_si256(row[j], 1));
	}
}

INLINE void store_blocks(uint8_t *stream, const vector8 x[16])
{
	store_quarter(stream, x);
	store_quarter(stream + 16, x + 4);
	store_quarter(stream + 32, x + 8);
	store_quarter(stream + 48, x + 12);
}

#define WEAVES true
#define TWINS  false
#include "crypto/chacha_vertical.inc"

const struct aead_ops aead_avx2 = {8, true, 0, blocks, add, poly_plain, NULL};
#endif
