/*
 * The kernel for AVX-512 with IFMA and VBMI2: 32 lanes, in two states of 16, and Poly1305
 * in vectors: 8 blocks of one message at a time, or 16 messages, each in a lane.
 *
 * Numbers modulo p = 2^130 - 5 lie in limbs of 44, 44 and 42 bits, because IFMA gives the
 * lower and the upper 52 bits of a product of 52: with 44 there is room for sums.
 */
#ifdef __x86_64__
#include "crypto/aead_ops.h"

#include <immintrin.h>
#include <string.h>

#include "crypto/poly1305.h"

typedef uint32_t vector16 __attribute__((vector_size(64)));
#define VECTOR vector16

static inline __attribute__((always_inline)) vector16 turn(vector16 v, int n)
{
	return v << n | v >> (32 - n);
}

/* Words 4g..4g+3 of each block: of blocks j, j + 4, j + 8, j + 12 in the quarters of row j. */
static inline __attribute__((always_inline)) void quarter_rows(__m512i row[4], const vector16 *x)
{
	__m512i a = _mm512_unpacklo_epi32((__m512i)x[0], (__m512i)x[1]);
	__m512i b = _mm512_unpackhi_epi32((__m512i)x[0], (__m512i)x[1]);
	__m512i c = _mm512_unpacklo_epi32((__m512i)x[2], (__m512i)x[3]);
	__m512i d = _mm512_unpackhi_epi32((__m512i)x[2], (__m512i)x[3]);
	row[0] = _mm512_unpacklo_epi64(a, c);
	row[1] = _mm512_unpackhi_epi64(a, c);
	row[2] = _mm512_unpacklo_epi64(b, d);
	row[3] = _mm512_unpackhi_epi64(b, d);
}

static inline __attribute__((always_inline)) void store_row(
	uint8_t *stream, __m512i q0, __m512i q1, __m512i q2, __m512i q3)
{
	__m512i a = _mm512_shuffle_i32x4(q0, q1, 0x44), b = _mm512_shuffle_i32x4(q2, q3, 0x44);
	__m512i c = _mm512_shuffle_i32x4(q0, q1, 0xee), d = _mm512_shuffle_i32x4(q2, q3, 0xee);
	_mm512_storeu_si512(stream, _mm512_shuffle_i32x4(a, b, 0x88));
	_mm512_storeu_si512(stream + 4 * 64, _mm512_shuffle_i32x4(a, b, 0xdd));
	_mm512_storeu_si512(stream + 8 * 64, _mm512_shuffle_i32x4(c, d, 0x88));
	_mm512_storeu_si512(stream + 12 * 64, _mm512_shuffle_i32x4(c, d, 0xdd));
}

static inline __attribute__((always_inline)) void store_blocks(
	uint8_t *stream, const vector16 x[16])
{
	__m512i a[4], b[4], c[4], d[4];
	quarter_rows(a, x);
	quarter_rows(b, x + 4);
	quarter_rows(c, x + 8);
	quarter_rows(d, x + 12);
	store_row(stream, a[0], b[0], c[0], d[0]);
	store_row(stream + 64, a[1], b[1], c[1], d[1]);
	store_row(stream + 128, a[2], b[2], c[2], d[2]);
	store_row(stream + 192, a[3], b[3], c[3], d[3]);
}

#include "crypto/chacha_vertical.inc"

static void blocks(uint8_t *stream, const struct chacha_lanes *lanes, unsigned count,
	struct poly1305_weft *weft)
{
	(void)weft;
	if (count > LANES)
		chacha_blocks(stream, lanes, true, NULL);
	else
		chacha_blocks(stream, lanes, false, NULL);
}

static void add(uint8_t *text, const uint8_t *stream, size_t len)
{
	for (; len >= 64; len -= 64, text += 64, stream += 64)
		_mm512_storeu_si512(text,
			_mm512_xor_si512(_mm512_loadu_si512(text), _mm512_loadu_si512(stream)));
	if (len == 0)
		return;
	__mmask64 rest = ~UINT64_C(0) >> (64 - len);
	__m512i t = _mm512_maskz_loadu_epi8(rest, text), s = _mm512_maskz_loadu_epi8(rest, stream);
	_mm512_mask_storeu_epi8(text, rest, _mm512_xor_si512(t, s));
}

/* ------------------------------------------------------------------ numbers modulo p */

#define MASK44 _mm512_set1_epi64((INT64_C(1) << 44) - 1)
#define MASK42 _mm512_set1_epi64((INT64_C(1) << 42) - 1)

struct limbs {
	__m512i v[3];
};

struct factor { /* and 20 times limbs 1 and 2, because 2^132 = 4 * 5 modulo p */
	__m512i v[3], times20[2];
};

INLINE struct factor factor_of(struct limbs n)
{
	struct factor f = {{n.v[0], n.v[1], n.v[2]}, {n.v[1], n.v[2]}};
	for (int i = 0; i < 2; i++)
		f.times20[i] = _mm512_add_epi64(
			_mm512_slli_epi64(f.times20[i], 4), _mm512_slli_epi64(f.times20[i], 2));
	return f;
}

/* Two words of 64 bits in each lane, and what is 2^128 of them in limb 2, which is bit 40. */
INLINE struct limbs limbs_of(__m512i low, __m512i high, __m512i top)
{
	return (struct limbs){{_mm512_and_si512(low, MASK44),
		_mm512_and_si512(_mm512_shrdi_epi64(low, high, 44), MASK44),
		_mm512_or_si512(_mm512_srli_epi64(high, 24), top)}};
}

INLINE struct limbs limbs_add(struct limbs a, struct limbs b)
{
	return (struct limbs){{_mm512_add_epi64(a.v[0], b.v[0]), _mm512_add_epi64(a.v[1], b.v[1]),
		_mm512_add_epi64(a.v[2], b.v[2])}};
}

INLINE __m512i low_sum(__m512i a, __m512i fa, __m512i b, __m512i fb, __m512i c, __m512i fc)
{
	const __m512i zero = _mm512_setzero_si512();
	return _mm512_add_epi64(_mm512_madd52lo_epu64(_mm512_madd52lo_epu64(zero, a, fa), b, fb),
		_mm512_madd52lo_epu64(zero, c, fc));
}

INLINE __m512i high_sum(__m512i a, __m512i fa, __m512i b, __m512i fb, __m512i c, __m512i fc)
{
	const __m512i zero = _mm512_setzero_si512();
	return _mm512_add_epi64(_mm512_madd52hi_epu64(_mm512_madd52hi_epu64(zero, a, fa), b, fb),
		_mm512_madd52hi_epu64(zero, c, fc));
}

/*
 * Bounds. A product's limbs are below 2^44, 2^44 + 2^9 and 2^42; a factor's are such, too,
 * 20 times as much is below 2^48.4; and h, a product and a block's limbs, below 2^45.1: all
 * below 2^52, as IFMA wants them. Its lower halves are below 2^52, three of them below
 * 2^53.6. Upper halves: of the greatest product, 2^45.1 * 2^48.4, below 2^41.5, three of
 * them below 2^43.1; they weigh 2^52, in the next limb 2^8 (from 42 bits on 2^10), so that
 * with what is carried nothing is above 2^54.
 * The last carry: of limb 2, where no factor is times 20, the upper halves are below
 * 2^45.1 + 44 - 52 = 2^37.1, three below 2^38.8; carried is less than 2^48.8 + 2^12, times
 * 5 less than 2^51.2; into limb 1 goes less than 2^7.3.
 */
INLINE struct limbs limbs_times(struct limbs h, const struct factor *f)
{
	const __m512i *a = h.v, *r = f->v, *s = f->times20;
	__m512i low0 = low_sum(a[0], r[0], a[1], s[1], a[2], s[0]);
	__m512i low1 = low_sum(a[0], r[1], a[1], r[0], a[2], s[1]);
	__m512i low2 = low_sum(a[0], r[2], a[1], r[1], a[2], r[0]);
	__m512i high0 = high_sum(a[0], r[0], a[1], s[1], a[2], s[0]);
	__m512i high1 = high_sum(a[0], r[1], a[1], r[0], a[2], s[1]);
	__m512i high2 = high_sum(a[0], r[2], a[1], r[1], a[2], r[0]);

	low1 = _mm512_add_epi64(
		low1, _mm512_add_epi64(_mm512_slli_epi64(high0, 8), _mm512_srli_epi64(low0, 44)));
	low2 = _mm512_add_epi64(
		low2, _mm512_add_epi64(_mm512_slli_epi64(high1, 8), _mm512_srli_epi64(low1, 44)));
	__m512i carry = _mm512_add_epi64(_mm512_slli_epi64(high2, 10), _mm512_srli_epi64(low2, 42));
	carry = _mm512_add_epi64(carry, _mm512_slli_epi64(carry, 2));
	low0 = _mm512_add_epi64(_mm512_and_si512(low0, MASK44), carry);
	return (struct limbs){{_mm512_and_si512(low0, MASK44),
		_mm512_add_epi64(_mm512_and_si512(low1, MASK44), _mm512_srli_epi64(low0, 44)),
		_mm512_and_si512(low2, MASK42)}};
}

/* The tag of a message with the sum h, whose limbs are below 2^48. */
INLINE void tag_of(uint64_t a, uint64_t b, uint64_t c, struct poly1305_message *m)
{
	const uint64_t mask44 = (UINT64_C(1) << 44) - 1, mask42 = mask44 >> 2;
	b += a >> 44;
	c += b >> 44;
	a = (a & mask44) + 5 * (c >> 42);
	b = (b & mask44) + (a >> 44);
	c = (c & mask42) + (b >> 44);
	a &= mask44;
	b &= mask44;
	uint64_t h[3] = {a | b << 44, b >> 20 | c << 24, c >> 40};
	poly1305_tag(h, m->key + 16, m->tag);
}

/* ------------------------------------------------------------------ one message */

#define BIT128 _mm512_set1_epi64(INT64_C(1) << 40)

/* Eight blocks as words: the lower half of each, and the upper. */
struct words {
	__m512i low, high;
};

INLINE struct words words_of(__m512i a, __m512i b)
{
	const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
	return (struct words){
		_mm512_permutex2var_epi64(a, even, b), _mm512_permutex2var_epi64(a, odd, b)};
}

/* r^8 in every lane, and r^8, r^7, ... r. */
struct powers {
	struct factor eighth, falling;
};

INLINE struct limbs limbs_blend(__mmask8 mask, struct limbs a, struct limbs b)
{
	for (int i = 0; i < 3; i++)
		a.v[i] = _mm512_mask_blend_epi64(mask, a.v[i], b.v[i]);
	return a;
}

INLINE struct powers powers_of(const uint8_t *key)
{
	const struct limbs one = {{_mm512_set1_epi64(1)}};
	uint64_t low = load_le64(key) & POLY1305_R_LOW, high = load_le64(key + 8) & POLY1305_R_HIGH;
	struct limbs r = limbs_of(_mm512_set1_epi64((int64_t)low), _mm512_set1_epi64((int64_t)high),
		_mm512_setzero_si512());
	struct factor f = factor_of(r);
	struct limbs r2 = limbs_times(r, &f);
	struct factor f2 = factor_of(r2), some2 = factor_of(limbs_blend(0x33, one, r2));
	struct limbs r4 = limbs_times(r2, &f2);
	struct limbs falling = limbs_times(limbs_blend(0x55, r, r2), &some2); /* r^4 .. r twice */
	struct factor f4 = factor_of(r4), some4 = factor_of(limbs_blend(0x0f, one, r4));
	return (struct powers){
		factor_of(limbs_times(r4, &f4)), factor_of(limbs_times(falling, &some4))};
}

/*
 * Blocks 8k + i in lane i; the first eight are the message's first few, which come last
 * in lanes that are otherwise 0, so that the last eight are full. They are the last
 * seven of the text, maybe one of them not whole, and the block of the lengths.
 */
static void poly_long(struct poly1305_message *m)
{
	const __m512i rising = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
	const uint8_t *text = m->text;
	size_t count = (m->len + 15) / 16 + 1, first = (count - 1) % 8 + 1;
	struct powers powers = powers_of(m->key);
	struct words w = words_of(_mm512_loadu_si512(text), _mm512_loadu_si512(text + 64));
	__mmask8 present = (__mmask8)(0xff00 >> first);
	__m512i from = _mm512_add_epi64(rising, _mm512_set1_epi64((int64_t)first));
	struct limbs h = limbs_of(_mm512_maskz_permutexvar_epi64(present, from, w.low),
		_mm512_maskz_permutexvar_epi64(present, from, w.high),
		_mm512_maskz_mov_epi64(present, BIT128));

	for (text += 16 * first; count > first + 8; count -= 8, text += 128) {
		w = words_of(_mm512_loadu_si512(text), _mm512_loadu_si512(text + 64));
		h = limbs_add(limbs_times(h, &powers.eighth), limbs_of(w.low, w.high, BIT128));
	}
	size_t rest = (size_t)(m->text + m->len - text) - 64; /* 33..48 */
	__m512i last = _mm512_maskz_loadu_epi8((UINT64_C(1) << rest) - 1, text + 64);
	last = _mm512_mask_set1_epi64(last, 0x80, (int64_t)m->len);
	w = words_of(_mm512_loadu_si512(text), last);
	h = limbs_add(limbs_times(h, &powers.eighth), limbs_of(w.low, w.high, BIT128));
	h = limbs_times(h, &powers.falling);
	tag_of((uint64_t)_mm512_reduce_add_epi64(h.v[0]), (uint64_t)_mm512_reduce_add_epi64(h.v[1]),
		(uint64_t)_mm512_reduce_add_epi64(h.v[2]), m);
}

static void poly(struct poly1305_message *m)
{
	struct poly1305 mac;
	if (m->len > 240) {
		poly_long(m);
		return;
	}
	poly1305_init(&mac, m->key);
	poly1305_finish(&mac, m, 0);
}

/* ------------------------------------------------------------------ many messages */

/* Words of 64 bits: row i becomes element i of each of the eight columns. */
INLINE void transpose(__m512i out[8], const __m512i in[8])
{
	__m512i a[8], b[8];
	for (int i = 0; i < 4; i++) {
		a[i] = _mm512_unpacklo_epi64(in[2 * i], in[2 * i + 1]);
		a[i + 4] = _mm512_unpackhi_epi64(in[2 * i], in[2 * i + 1]);
	}
	for (int i = 0; i < 8; i += 4) {
		b[i] = _mm512_shuffle_i64x2(a[i], a[i + 1], 0x88);
		b[i + 1] = _mm512_shuffle_i64x2(a[i], a[i + 1], 0xdd);
		b[i + 2] = _mm512_shuffle_i64x2(a[i + 2], a[i + 3], 0x88);
		b[i + 3] = _mm512_shuffle_i64x2(a[i + 2], a[i + 3], 0xdd);
	}
	for (int i = 0; i < 2; i++) {
		out[i] = _mm512_shuffle_i64x2(b[4 * i], b[4 * i + 2], 0x88);
		out[i + 4] = _mm512_shuffle_i64x2(b[4 * i], b[4 * i + 2], 0xdd);
		out[i + 2] = _mm512_shuffle_i64x2(b[4 * i + 1], b[4 * i + 3], 0x88);
		out[i + 6] = _mm512_shuffle_i64x2(b[4 * i + 1], b[4 * i + 3], 0xdd);
	}
}

/* Eight messages, each in a lane. Lanes without one have another's text, of length 0. */
struct eight {
	struct limbs h;
	struct factor r;
	__m512i s_low, s_high, len;
	const uint8_t *text[8];
	size_t lens[8], min, max;
};

INLINE void eight_begin(struct eight *e, const struct poly1305_message *m, unsigned count)
{
	__m512i row[8], column[8];
	*e = (struct eight){.min = SIZE_MAX};
	for (unsigned i = 0; i < 8; i++) {
		const struct poly1305_message *own = i < count ? &m[i] : &m[0];
		e->text[i] = own->text;
		e->lens[i] = i < count ? own->len : 0;
		e->min = e->lens[i] < e->min ? e->lens[i] : e->min;
		e->max = e->lens[i] > e->max ? e->lens[i] : e->max;
		row[i] = _mm512_zextsi256_si512(_mm256_loadu_si256((const __m256i *)own->key));
	}
	e->len = _mm512_loadu_si512(e->lens);
	transpose(column, row);
	const __m512i r_low = _mm512_set1_epi64((int64_t)POLY1305_R_LOW);
	const __m512i r_high = _mm512_set1_epi64((int64_t)POLY1305_R_HIGH);
	e->r = factor_of(limbs_of(_mm512_and_si512(column[0], r_low),
		_mm512_and_si512(column[1], r_high), _mm512_setzero_si512()));
	e->s_low = column[2];
	e->s_high = column[3];
}

INLINE __m512i row_part(const struct eight *e, unsigned i, size_t at)
{
	if (e->lens[i] <= at)
		return _mm512_setzero_si512();
	size_t rest = e->lens[i] - at < 64 ? e->lens[i] - at : 64;
	return _mm512_maskz_loadu_epi8(~UINT64_C(0) >> (64 - rest), e->text[i] + at);
}

/* Four blocks of each message, as far as it has them. */
INLINE void eight_step(struct eight *e, size_t at)
{
	__m512i row[8], column[8];
	for (unsigned i = 0; i < 8; i++)
		row[i] = at + 64 <= e->min ? _mm512_loadu_si512(e->text[i] + at)
					   : row_part(e, i, at);
	transpose(column, row);
	for (unsigned i = 0; i < 4; i++) {
		struct limbs block = limbs_of(column[2 * i], column[2 * i + 1], BIT128);
		__mmask8 present =
			_mm512_cmpgt_epu64_mask(e->len, _mm512_set1_epi64((int64_t)(at + 16 * i)));
		e->h = limbs_blend(present, e->h, limbs_times(limbs_add(e->h, block), &e->r));
	}
}

/* As tag_of(), in each lane, after the block of the lengths. */
INLINE void eight_end(struct eight *e, struct poly1305_message *m, unsigned count)
{
	const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi64(1);
	const __m512i five = _mm512_set1_epi64(5);
	struct limbs h = limbs_times(limbs_add(e->h, limbs_of(zero, e->len, BIT128)), &e->r);
	__m512i a = h.v[0], b = h.v[1], c = _mm512_add_epi64(h.v[2], _mm512_srli_epi64(b, 44));
	b = _mm512_and_si512(b, MASK44);
	__m512i low = _mm512_or_si512(a, _mm512_slli_epi64(b, 44));
	__m512i high = _mm512_or_si512(_mm512_srli_epi64(b, 20), _mm512_slli_epi64(c, 24));
	__m512i top = _mm512_srli_epi64(c, 40);

	__m512i less = _mm512_add_epi64(low, five);
	__mmask8 carry = _mm512_cmplt_epu64_mask(less, five);
	__m512i less_high = _mm512_mask_add_epi64(high, carry, high, one);
	carry &= _mm512_cmpeq_epi64_mask(less_high, zero);
	top = _mm512_mask_add_epi64(top, carry, top, one);
	__mmask8 is_more = _mm512_cmpgt_epu64_mask(top, _mm512_set1_epi64(3));
	low = _mm512_mask_mov_epi64(low, is_more, less);
	high = _mm512_mask_mov_epi64(high, is_more, less_high);

	low = _mm512_add_epi64(low, e->s_low);
	high = _mm512_add_epi64(high, e->s_high);
	high = _mm512_mask_add_epi64(high, _mm512_cmplt_epu64_mask(low, e->s_low), high, one);
	uint64_t lows[8], highs[8];
	_mm512_storeu_si512(lows, low);
	_mm512_storeu_si512(highs, high);
	for (unsigned i = 0; i < count; i++) {
		store_le64(m[i].tag, lows[i]);
		store_le64(m[i].tag + 8, highs[i]);
	}
}

static void poly_many(struct poly1305_message *m, unsigned count)
{
	struct eight a, b;
	unsigned count_b = count > 8 ? count - 8 : 0, count_a = count - count_b;
	eight_begin(&a, m, count_a);
	eight_begin(&b, count_b > 0 ? m + 8 : m, count_b);
	for (size_t at = 0; at < a.max || at < b.max; at += 64) {
		if (at < a.max)
			eight_step(&a, at);
		if (at < b.max)
			eight_step(&b, at);
	}
	eight_end(&a, m, count_a);
	if (count_b > 0)
		eight_end(&b, m + 8, count_b);
}

const struct aead_ops aead_avx512 = {32, false, 16, blocks, add, poly, poly_many};
#endif
