/*
 * The kernel for every machine with vectors of 128 bits that the compiler knows (SSE2,
 * NEON), in the compiler's own notation: 4 lanes, with Poly1305 woven in. It works
 * without such vectors too, slowly.
 */
#include "crypto/aead_ops.h"

#include <string.h>

#include "crypto/poly1305.h"

typedef uint32_t vector4 __attribute__((vector_size(16)));
typedef uint16_t halves8 __attribute__((vector_size(16)));
#define INLINE static inline __attribute__((always_inline))
#define VECTOR vector4

INLINE vector4 turn(vector4 v, int n)
{
	if (n == 16)
		return (vector4)__builtin_shufflevector(
			(halves8)v, (halves8)v, 1, 0, 3, 2, 5, 4, 7, 6);
	return v << n | v >> (32 - n);
}

/* Words 4g..4g+3 of each of the four blocks. */
INLINE void store_quarter(uint8_t *stream, const vector4 *x)
{
	vector4 a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
	vector4 b = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
	vector4 c = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
	vector4 d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
	vector4 row[4] = {__builtin_shufflevector(a, c, 0, 1, 4, 5),
		__builtin_shufflevector(a, c, 2, 3, 6, 7),
		__builtin_shufflevector(b, d, 0, 1, 4, 5),
		__builtin_shufflevector(b, d, 2, 3, 6, 7)};
	for (int j = 0; j < 4; j++)
		memcpy(stream + 64 * j, &row[j], sizeof row[j]);
}

INLINE void store_blocks(uint8_t *stream, const vector4 x[16])
{
	store_quarter(stream, x);
	store_quarter(stream + 16, x + 4);
	store_quarter(stream + 32, x + 8);
	store_quarter(stream + 48, x + 12);
}

#define WEAVES true
#define TWINS  true
#include "crypto/chacha_vertical.inc"

const struct aead_ops aead_portable = {8, true, 0, blocks, add, poly_plain, NULL};
