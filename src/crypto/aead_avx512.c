/*
 * The kernel for AVX-512 with IFMA and VBMI2: 32 lanes, in two states of 16, and Poly1305
 * in vectors: 8 blocks of one message at a time, or 16 messages, each in a lane.
 */
#ifdef __x86_64__
#include "crypto/aead_ops.h"

#include <immintrin.h>
#include <string.h>

#include "crypto/poly1305.h"

typedef uint32_t vector16 __attribute__((vector_size(64)));
typedef uint64_t words8 __attribute__((vector_size(64)));
#define VECTOR vector16
#define INLINE static inline __attribute__((always_inline))

INLINE vector16 turn(vector16 v, int n)
{
	return v << n | v >> (32 - n);
}

INLINE words8 load(const void *p)
{
	return (words8)_mm512_loadu_si512(p);
}

/* The first `len` bytes, 1..64, and zeros. */
INLINE words8 load_part(const void *p, size_t len)
{
	return (words8)_mm512_maskz_loadu_epi8(~UINT64_C(0) >> (64 - len), p);
}

#define INTERLEAVE(half, bits, a, b)                                                               \
	(words8) _mm512_unpack##half##_epi##bits((__m512i)(a), (__m512i)(b))
#define QUARTERS(a, b, which) (words8) _mm512_shuffle_i64x2((__m512i)(a), (__m512i)(b), which)

/* Word j of row i becomes word i of row j. */
INLINE void transpose(words8 out[8], const words8 in[8])
{
	words8 a[8], b[8];
	for (int i = 0; i < 4; i++) {
		a[i] = INTERLEAVE(lo, 64, in[2 * i], in[2 * i + 1]);
		a[i + 4] = INTERLEAVE(hi, 64, in[2 * i], in[2 * i + 1]);
	}
	for (int i = 0; i < 8; i += 2) {
		b[i] = QUARTERS(a[i], a[i + 1], 0x88);
		b[i + 1] = QUARTERS(a[i], a[i + 1], 0xdd);
	}
	for (int i = 0; i < 2; i++) { /* 4i: the odd columns */
		out[i] = QUARTERS(b[4 * i], b[4 * i + 2], 0x88);
		out[i + 4] = QUARTERS(b[4 * i], b[4 * i + 2], 0xdd);
		out[i + 2] = QUARTERS(b[4 * i + 1], b[4 * i + 3], 0x88);
		out[i + 6] = QUARTERS(b[4 * i + 1], b[4 * i + 3], 0xdd);
	}
}

/* Pairs of words: blocks 4k and 4k + 1 first, then 4k + 2 and 4k + 3. */
INLINE void store_blocks(uint8_t *stream, const vector16 x[16])
{
	words8 a[8], b[8], blocks[8];
	for (int i = 0; i < 8; i++) {
		a[i] = INTERLEAVE(lo, 32, x[2 * i], x[2 * i + 1]);
		b[i] = INTERLEAVE(hi, 32, x[2 * i], x[2 * i + 1]);
	}
	transpose(blocks, a);
	for (int i = 0; i < 8; i++)
		memcpy(stream + 64 * (4 * (i / 2) + i % 2), &blocks[i], 64);
	transpose(blocks, b);
	for (int i = 0; i < 8; i++)
		memcpy(stream + 64 * (4 * (i / 2) + i % 2 + 2), &blocks[i], 64);
}

#define WEAVES false
#define TWINS  true
#include "crypto/chacha_vertical.inc"

/* ------------------------------------------------------------------ modulo 2^130 - 5 */

/*
 * Eight numbers, in limbs of 44, 44 and 42 bits, because IFMA gives the lower and the
 * upper 52 bits of products of such: with 44 there is room for sums. See limbs_carry().
 */
struct limbs {
	words8 v[3];
};

struct factor {
	words8 v[3], s1, s2; /* 20 times limbs 1 and 2: 2^132 is 20 */
};

struct product { /* weights 2^0, 2^44, 2^88; the upper ones 2^52 times as much */
	words8 low[3], high[3];
};

#define MASK(bits) ((UINT64_C(1) << (bits)) - 1)
#define BIT128	   (UINT64_C(1) << 40) /* in limb 2 */

INLINE struct limbs limbs_of(words8 low, words8 high, words8 top)
{
	return (struct limbs){
		{low & MASK(44), (low >> 44 | high << 20) & MASK(44), high >> 24 | top}};
}

INLINE struct limbs limbs_add(struct limbs a, struct limbs b)
{
	return (struct limbs){{a.v[0] + b.v[0], a.v[1] + b.v[1], a.v[2] + b.v[2]}};
}

INLINE struct limbs limbs_blend(__mmask8 mask, struct limbs a, struct limbs b)
{
	for (int i = 0; i < 3; i++)
		a.v[i] = (words8)_mm512_mask_mov_epi64((__m512i)a.v[i], mask, (__m512i)b.v[i]);
	return a;
}

INLINE struct factor factor_of(struct limbs n)
{
	return (struct factor){{n.v[0], n.v[1], n.v[2]}, (n.v[1] << 4) + (n.v[1] << 2),
		(n.v[2] << 4) + (n.v[2] << 2)};
}

#define MULTIPLY_ADD(half, sum, a, b)                                                              \
	sum = (words8)_mm512_madd52##half##_epu64((__m512i)(sum), (__m512i)(a), (__m512i)(b))

INLINE void product_add(struct product *p, struct limbs a, const struct factor *f)
{
	const words8 rows[3][3] = {
		{f->v[0], f->s2, f->s1}, {f->v[1], f->v[0], f->s2}, {f->v[2], f->v[1], f->v[0]}};
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			MULTIPLY_ADD(lo, p->low[i], a.v[j], rows[i][j]);
			MULTIPLY_ADD(hi, p->high[i], a.v[j], rows[i][j]);
		}
}

/*
 * Bounds, for sums of up to four products. What this returns is below 2^45, 2^44 + 2^12,
 * 2^42 + 2^12; factors are such, s1 and s2 below 2^48.5 and 2^46.5; with a block added the
 * other operand is below 2^45.6, 2^45.1, 2^42.9. All are below 2^52, as IFMA wants it.
 * Lower halves: twelve below 2^52, their sum below 2^55.6. Upper halves: of 2^90.6, 2^91.6
 * and 2^91.4 in high[0], four times their sum below 2^43; of 2^89.7, 2^90.1 and 2^89.4 in
 * high[1], below 2^41.8; of 2^87.7, 2^89.2 and 2^87.9 in high[2], below 2^40.2. So what is
 * carried is below 2^11.6 + 2^8.6 into limb 1, 2^11.7 into limb 2, and `top`, above 2^130,
 * is below 5 * (2^50.2 + 2^13.7) < 2^52.6.
 */
INLINE struct limbs limbs_carry(const struct product *p)
{
	words8 t1 = p->low[1] + (p->high[0] << 8), t2 = p->low[2] + (p->high[1] << 8);
	words8 top = (p->high[2] << 10) + (t2 >> 42);
	top += top << 2;
	return (struct limbs){{(p->low[0] & MASK(44)) + (top & MASK(44)),
		(t1 & MASK(44)) + (p->low[0] >> 44) + (top >> 44), (t2 & MASK(42)) + (t1 >> 44)}};
}

INLINE struct limbs limbs_times(struct limbs a, const struct factor *f)
{
	struct product p = {0};
	product_add(&p, a, f);
	return limbs_carry(&p);
}

/* The tags of messages with the sums h, whose limbs are below 2^60, and the addends s. */
INLINE void tags_store(
	struct limbs h, words8 s_low, words8 s_high, struct poly1305_message *m, unsigned count)
{
	words8 a = h.v[0], b = h.v[1], c = h.v[2];
	b += a >> 44;
	c += b >> 44;
	a = (a & MASK(44)) + (c >> 42) + (c >> 42 << 2);
	b = (b & MASK(44)) + (a >> 44);
	c = (c & MASK(42)) + (b >> 44); /* at most 2^42: h is below 2p */
	words8 low = (a & MASK(44)) | b << 44, high = (b & MASK(44)) >> 20 | c << 24;

	words8 less = low + 5, less_high = high - (words8)(less < 5);
	words8 is_more =
		-(((c >> 40) - (words8)(less_high < high)) >> 2); /* as in poly1305_tag() */
	low ^= (low ^ less) & is_more;
	high ^= (high ^ less_high) & is_more;
	low += s_low;
	high += s_high - (words8)(low < s_low);
	for (unsigned i = 0; i < count; i++) {
		store_le64(m[i].tag, low[i]);
		store_le64(m[i].tag + 8, high[i]);
	}
}

/* ------------------------------------------------------------------ one message */

/* r^16 and r^8 in every lane, and r^8, r^7, ... r. */
struct powers {
	struct factor r16, r8, falling;
};

INLINE struct powers powers_of(const uint8_t *key)
{
	const words8 zero = {0};
	const struct limbs one = {{zero + 1}};
	struct limbs r = limbs_of(zero + (load_le64(key) & POLY1305_R_LOW),
		zero + (load_le64(key + 8) & POLY1305_R_HIGH), zero);
	struct factor f = factor_of(r);
	struct limbs r2 = limbs_times(r, &f);
	struct factor f2 = factor_of(r2), some2 = factor_of(limbs_blend(0x33, one, r2));
	struct limbs r4 = limbs_times(r2, &f2);
	struct limbs falling = limbs_times(limbs_blend(0x55, r, r2), &some2); /* r^4 .. r twice */
	struct factor f4 = factor_of(r4), some4 = factor_of(limbs_blend(0x0f, one, r4));
	struct limbs r8 = limbs_times(r4, &f4);
	struct factor f8 = factor_of(r8);
	return (struct powers){
		factor_of(limbs_times(r8, &f8)), f8, factor_of(limbs_times(falling, &some4))};
}

/* Eight blocks, in two rows of 64 bytes, as numbers; lane i has block `shift` + i, if any. */
INLINE struct limbs limbs_of_blocks(words8 a, words8 b, size_t shift)
{
	const words8 rising = {0, 2, 4, 6, 8, 10, 12, 14};
	const __mmask8 present = (__mmask8)(0xff << shift);
	__m512i from = (__m512i)(rising - 2 * shift), from_high = (__m512i)(rising - 2 * shift + 1);
	__m512i low = _mm512_permutex2var_epi64((__m512i)a, from, (__m512i)b);
	__m512i high = _mm512_permutex2var_epi64((__m512i)a, from_high, (__m512i)b);
	return limbs_of((words8)_mm512_maskz_mov_epi64(present, low),
		(words8)_mm512_maskz_mov_epi64(present, high),
		(words8)_mm512_maskz_set1_epi64(present, (int64_t)BIT128));
}

/*
 * Blocks 8k + i in lane i; of the first eight only the last few lanes have one, so that
 * the last eight are full. They are the last seven of the text, maybe one of them not
 * whole, and the block of the lengths.
 */
static void poly_long(struct poly1305_message *m)
{
	size_t count = (m->len + 15) / 16 + 1, first = (count - 1) % 8 + 1;
	const words8 zero = {0};
	struct powers r = powers_of(m->key);
	const uint8_t *text = m->text;
	struct limbs h = limbs_of_blocks(load(text), load(text + 64), 8 - first);
	for (text += 16 * first, count -= first; count > 16; count -= 16, text += 256) {
		struct product p = {0};
		product_add(&p, limbs_of_blocks(load(text), load(text + 64), 0), &r.r8);
		product_add(&p, h, &r.r16);
		h = limbs_add(
			limbs_carry(&p), limbs_of_blocks(load(text + 128), load(text + 192), 0));
	}
	if (count > 8) {
		h = limbs_add(
			limbs_times(h, &r.r8), limbs_of_blocks(load(text), load(text + 64), 0));
		text += 128;
	}
	words8 rest = load_part(text + 64, (size_t)(m->text + m->len - text) - 64); /* 33..48 */
	rest[7] = m->len;
	h = limbs_add(limbs_times(h, &r.r8), limbs_of_blocks(load(text), rest, 0));
	h = limbs_times(h, &r.falling);
	for (int i = 0; i < 3; i++)
		h.v[i] = zero + (uint64_t)_mm512_reduce_add_epi64((__m512i)h.v[i]);
	tags_store(h, zero + load_le64(m->key + 16), zero + load_le64(m->key + 24), m, 1);
}

static void poly(struct poly1305_message *m)
{
	if (m->len > 240)
		poly_long(m);
	else
		poly_plain(m);
}

/* ------------------------------------------------------------------ many messages */

/* Eight messages, each in a lane. Lanes without one have another's text, of length 0. */
struct eight {
	struct limbs h;
	struct factor r[4]; /* r, r^2, r^3, r^4 */
	words8 s_low, s_high, len;
	const uint8_t *text[8];
	size_t min, max;
};

INLINE void eight_begin(struct eight *e, const struct poly1305_message *m, unsigned count)
{
	words8 row[8], column[8];
	*e = (struct eight){.min = SIZE_MAX};
	for (unsigned i = 0; i < 8; i++) {
		const struct poly1305_message *own = i < count ? &m[i] : m;
		size_t len = i < count ? own->len : 0;
		e->text[i] = own->text;
		e->len[i] = len;
		e->min = len < e->min ? len : e->min;
		e->max = len > e->max ? len : e->max;
		row[i] = (words8)_mm512_zextsi256_si512(_mm256_loadu_si256((const void *)own->key));
	}
	transpose(column, row);
	struct limbs r =
		limbs_of(column[0] & POLY1305_R_LOW, column[1] & POLY1305_R_HIGH, (words8){0});
	e->r[0] = factor_of(r);
	for (int i = 1; i < 4 && e->min >= 256; i++) {
		r = limbs_times(r, &e->r[0]);
		e->r[i] = factor_of(r);
	}
	e->s_low = column[2];
	e->s_high = column[3];
}

INLINE struct limbs column_block(const words8 column[8], int i)
{
	return limbs_of(column[2 * i], column[2 * i + 1], (words8){0} + BIT128);
}

/* Four blocks of each message. */
INLINE void eight_step(struct eight *e, size_t at)
{
	words8 row[8], column[8];
	struct product p = {0};
	for (int i = 0; i < 8; i++)
		row[i] = load(e->text[i] + at);
	transpose(column, row);
	product_add(&p, column_block(column, 3), &e->r[0]);
	product_add(&p, column_block(column, 2), &e->r[1]);
	product_add(&p, column_block(column, 1), &e->r[2]);
	product_add(&p, limbs_add(e->h, column_block(column, 0)), &e->r[3]);
	e->h = limbs_carry(&p);
}

/* As many as each has. */
INLINE void eight_step_part(struct eight *e, size_t at)
{
	words8 row[8], column[8];
	for (int i = 0; i < 8; i++) {
		size_t rest = e->len[i] - at;
		row[i] = (words8){0};
		if (e->len[i] > at)
			row[i] = load_part(e->text[i] + at, rest < 64 ? rest : 64);
	}
	transpose(column, row);
	for (int i = 0; i < 4; i++) {
		__mmask8 present = _mm512_cmpgt_epu64_mask(
			(__m512i)e->len, _mm512_set1_epi64((int64_t)(at + 16 * (size_t)i)));
		e->h = limbs_blend(present, e->h,
			limbs_times(limbs_add(e->h, column_block(column, i)), &e->r[0]));
	}
}

INLINE void eight_end(struct eight *e, struct poly1305_message *m, unsigned count)
{
	const words8 zero = {0};
	struct limbs h = limbs_add(e->h, limbs_of(zero, e->len, zero + BIT128));
	tags_store(limbs_times(h, &e->r[0]), e->s_low, e->s_high, m, count);
}

static void poly_many(struct poly1305_message *m, unsigned count)
{
	struct eight a, b;
	unsigned count_a = count < 8 ? count : 8, count_b = count - count_a;
	eight_begin(&a, m, count_a);
	eight_begin(&b, count_b > 0 ? m + 8 : m, count_b);
	size_t min = a.min < b.min ? a.min : b.min, max = a.max > b.max ? a.max : b.max, at = 0;
	for (; min >= 256 && at + 64 <= min; at += 64) {
		eight_step(&a, at);
		eight_step(&b, at);
	}
	for (; at < max; at += 64) {
		eight_step_part(&a, at);
		eight_step_part(&b, at);
	}
	eight_end(&a, m, count_a);
	eight_end(&b, m + 8, count_b);
}

const struct aead_ops aead_avx512 = {32, false, 16, blocks, add, poly, poly_many};
#endif
