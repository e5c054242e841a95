/*
 * Poly1305 [RFC 8439 2.5] a block of 16 bytes at a time, in plain integers, and all
 * inline, so that a kernel can weave blocks into its rounds of ChaCha20. Only for the
 * files of the kernels. Every block is a whole one: the AEAD pads with zeros.
 *
 * h is the sum so far, modulo p = 2^130 - 5 but not fully reduced, r the multiplier.
 * Their limbs: with 128-bit products two of 64 bits and h's few bits above them; else
 * five of 26 bits.
 */
#ifndef ADIT_CRYPTO_POLY1305_H
#define ADIT_CRYPTO_POLY1305_H

#include <string.h>

#include "base/bytes.h"
#include "crypto/aead_ops.h"

#define POLY1305_INLINE static inline __attribute__((always_inline))

#define POLY1305_R_LOW	UINT64_C(0x0ffffffc0fffffff) /* what clamping leaves of r */
#define POLY1305_R_HIGH UINT64_C(0x0ffffffc0ffffffc)

#ifdef __SIZEOF_INT128__

__extension__ typedef unsigned __int128 poly1305_product;

/*
 * Bounds. Clamped, r[0] and r[1] are below 2^60, and r[1] is a multiple of 4, so that
 * 2^128 r[1] = 5 r[1] / 4 = s < 1.25 * 2^60 modulo p. Between blocks h[2] <= 4; with the
 * block h[2] <= 4 + 1 + 1 (the carry) = 6. Then the sums of products are below
 *   low    2^64 * (2^60 + 1.25 * 2^60)               < 2^126
 *   middle 2^64 * 2 * 2^60 + 6 * 1.25 * 2^60 + carry < 2^126, its upper half < 2^61 + 1
 *   high   6 * 2^60 + 2^61 + 1                       < 2^63 + 2
 * and high / 4 * 5 < 1.25 * 2^63 + 3 fits 64 bits. Its carries leave h[2] <= 3 + 1.
 */
POLY1305_INLINE void poly1305_block(struct poly1305 *p, const uint8_t *block)
{
	uint64_t low, high, s = p->r1 + (p->r1 >> 2);
	memcpy(&low, block, 8);
	memcpy(&high, block + 8, 8);
	poly1305_product sum = (poly1305_product)p->h0 + low;
	uint64_t h0 = (uint64_t)sum;
	sum = (poly1305_product)p->h1 + high + (uint64_t)(sum >> 64);
	uint64_t h1 = (uint64_t)sum, h2 = p->h2 + (uint64_t)(sum >> 64) + 1;

	sum = (poly1305_product)h0 * p->r0 + (poly1305_product)h1 * s;
	low = (uint64_t)sum;
	sum = (poly1305_product)h0 * p->r1 + (poly1305_product)h1 * p->r0 + h2 * s +
	      (uint64_t)(sum >> 64);
	high = (uint64_t)sum;
	h2 = h2 * p->r0 + (uint64_t)(sum >> 64);

	sum = (poly1305_product)low + ((h2 & ~UINT64_C(3)) + (h2 >> 2));
	p->h0 = (uint64_t)sum;
	sum = (poly1305_product)high + (uint64_t)(sum >> 64);
	p->h1 = (uint64_t)sum;
	p->h2 = (h2 & 3) + (uint64_t)(sum >> 64);
}

POLY1305_INLINE void poly1305_init(struct poly1305 *p, const uint8_t key[static 32])
{
	*p = (struct poly1305){
		.r0 = load_le64(key) & POLY1305_R_LOW, .r1 = load_le64(key + 8) & POLY1305_R_HIGH};
}

/* h as it is, below 2p. */
POLY1305_INLINE void poly1305_sum(const struct poly1305 *p, uint64_t h[static 3])
{
	h[0] = p->h0;
	h[1] = p->h1;
	h[2] = p->h2;
}

#else

#define POLY1305_26 UINT32_C(0x3ffffff)

/*
 * Bounds. r's limbs are below 2^26, 5 times as much is below 2^28.4. Between blocks h's
 * limbs are below 2^26 + 2^10, with the block below 2^27 + 2^10; the five products of a
 * limb sum to less than 5 * 2^27.01 * 2^28.4 < 2^58, and the carry into the next is below
 * 2^32. The last carry, below 2^32, times 5 goes into limb 0, and what that is above
 * 2^26, less than 2^9, into limb 1.
 */
POLY1305_INLINE void poly1305_block(struct poly1305 *p, const uint8_t *block)
{
	uint64_t carry = 0;
	uint32_t word[5], h[5];
	for (int i = 0; i < 4; i++)
		word[i] = load_le32(block + 4 * i);
	word[4] = 1; /* 2^128 */
	h[0] = p->h[0] + (word[0] & POLY1305_26);
	for (int i = 1; i < 5; i++)
		h[i] = p->h[i] + ((word[i - 1] >> (32 - 6 * i) | word[i] << 6 * i) & POLY1305_26);
	for (int i = 0; i < 5; i++) {
		for (int j = 0; j < 5; j++)
			carry += (uint64_t)h[j] * (j <= i ? p->r[i - j] : 5 * p->r[5 + i - j]);
		p->h[i] = (uint32_t)carry & POLY1305_26;
		carry >>= 26;
	}
	carry = p->h[0] + 5 * carry;
	p->h[0] = (uint32_t)carry & POLY1305_26;
	p->h[1] += (uint32_t)(carry >> 26);
}

POLY1305_INLINE void poly1305_init(struct poly1305 *p, const uint8_t key[static 32])
{
	uint64_t low = load_le64(key) & POLY1305_R_LOW, high = load_le64(key + 8) & POLY1305_R_HIGH;
	*p = (struct poly1305){
		{0}, {(uint32_t)low & POLY1305_26, (uint32_t)(low >> 26) & POLY1305_26,
			     (uint32_t)(low >> 52 | high << 12) & POLY1305_26,
			     (uint32_t)(high >> 14) & POLY1305_26, (uint32_t)(high >> 40)}};
}

/* h as two words of 64 bits and the rest, below 2p. */
POLY1305_INLINE void poly1305_sum(const struct poly1305 *p, uint64_t h[static 3])
{
	uint64_t low = p->h[0] + ((uint64_t)p->h[1] << 26),
		 mid = p->h[2] + ((uint64_t)p->h[3] << 26);
	mid += low >> 52;
	uint64_t top = p->h[4] + (mid >> 52);
	low &= (UINT64_C(1) << 52) - 1;
	mid &= (UINT64_C(1) << 52) - 1;
	h[0] = low | mid << 52;
	h[1] = mid >> 12 | top << 40;
	h[2] = top >> 24;
}

#endif

/*
 * tag = (h mod p + s) mod 2^128, for h < 2p: that h >= p shows as a carry of h + 5 out of
 * 130 bits, and then h - p is what stays within them.
 */
POLY1305_INLINE void poly1305_tag(
	uint64_t h[static 3], const uint8_t s[static 16], uint8_t tag[static 16])
{
	uint64_t low = h[0] + 5, high = h[1] + (low < 5), top = h[2] + (high < h[1]);
	uint64_t is_more = -(top >> 2);
	low = h[0] ^ ((h[0] ^ low) & is_more);
	high = h[1] ^ ((h[1] ^ high) & is_more);
	uint64_t sum = low + load_le64(s);
	store_le64(tag, sum);
	store_le64(tag + 8, high + load_le64(s + 8) + (sum < low));
}

/* The rest of a message behind `done` bytes, whole blocks, and its tag. */
POLY1305_INLINE void poly1305_finish(struct poly1305 *p, struct poly1305_message *m, size_t done)
{
	uint8_t block[16] = {0};
	uint64_t h[3];
	for (; m->len - done >= 16; done += 16)
		poly1305_block(p, m->text + done);
	if (done < m->len) {
		memcpy(block, m->text + done, m->len - done);
		poly1305_block(p, block);
	}
	store_le64(block, 0); /* bytes of associated data */
	store_le64(block + 8, m->len);
	poly1305_block(p, block);
	poly1305_sum(p, h);
	poly1305_tag(h, m->key + 16, m->tag);
}

#endif
