#include "unit/slow_aead.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* A number below 2^160, 32 bits a limb, the least significant first. */
struct number {
	uint64_t limb[5];
};

static void quarter_round(uint32_t s[16], int a, int b, int c, int d)
{
	static const unsigned turns[4] = {16, 12, 8, 7};
	for (int i = 0; i < 4; i += 2) {
		s[a] += s[b];
		s[d] ^= s[a];
		s[d] = s[d] << turns[i] | s[d] >> (32 - turns[i]);
		s[c] += s[d];
		s[b] ^= s[c];
		s[b] = s[b] << turns[i + 1] | s[b] >> (32 - turns[i + 1]);
	}
}

/* [RFC 8439 2.3] */
static void chacha20_block(
	uint8_t out[64], const uint8_t *key, uint32_t count, const uint8_t *nonce)
{
	uint32_t start[16], s[16];
	for (int i = 0; i < 4; i++)
		start[i] = load_le32((const uint8_t *)"expand 32-byte k" + 4 * i);
	for (int i = 0; i < 8; i++)
		start[4 + i] = load_le32(key + 4 * i);
	start[12] = count;
	for (int i = 0; i < 3; i++)
		start[13 + i] = load_le32(nonce + 4 * i);
	memcpy(s, start, sizeof s);
	for (int round = 0; round < 20; round++) {
		int shift = round % 2; /* columns, then diagonals */
		for (int i = 0; i < 4; i++)
			quarter_round(s, i, 4 + (i + shift) % 4, 8 + (i + 2 * shift) % 4,
				12 + (i + 3 * shift) % 4);
	}
	for (int i = 0; i < 16; i++)
		store_le32(out + 4 * i, s[i] + start[i]);
}

/* n += m, modulo 2^160 */
static void add(struct number *n, const struct number *m)
{
	uint64_t carry = 0;
	for (int i = 0; i < 5; i++) {
		carry += n->limb[i] + m->limb[i];
		n->limb[i] = carry & 0xffffffff;
		carry >>= 32;
	}
}

/* n mod p = 2^130 - 5, for n below 2p: n - p = n + 5 - 2^130 where that is not negative */
static void reduce(struct number *n)
{
	struct number less = *n;
	add(&less, &(struct number){{5}});
	if (less.limb[4] >= 4) {
		less.limb[4] -= 4;
		*n = less;
	}
}

/* n * r mod p by doubling and adding, as on paper */
static struct number multiply(const struct number *n, const struct number *r)
{
	struct number product = {{0}};
	for (int bit = 127; bit >= 0; bit--) {
		struct number twice = product;
		add(&product, &twice);
		reduce(&product);
		if (r->limb[bit / 32] >> bit % 32 & 1) {
			add(&product, n);
			reduce(&product);
		}
	}
	return product;
}

static struct number number_of(const uint8_t *bytes, uint32_t top)
{
	return (struct number){{load_le32(bytes), load_le32(bytes + 4), load_le32(bytes + 8),
		load_le32(bytes + 12), top}};
}

/* Takes data, padded with zeros to blocks of 16, into the sum [RFC 8439 2.5, 2.8]. */
static void absorb(struct number *sum, const struct number *r, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at += 16) {
		uint8_t block[16] = {0};
		memcpy(block, data + at, len - at < 16 ? len - at : 16);
		struct number n = number_of(block, 1);
		add(sum, &n);
		reduce(sum);
		*sum = multiply(sum, r);
	}
}

void slow_poly1305(uint8_t tag[static 16], const uint8_t key[static 32], const uint8_t *ad,
	size_t ad_len, const uint8_t *text, size_t len)
{
	uint8_t lens[16];
	struct number sum = {{0}}, r = number_of(key, 0), s = number_of(key + 16, 0);
	r.limb[0] &= 0x0fffffff;
	for (int i = 1; i < 4; i++)
		r.limb[i] &= 0x0ffffffc;
	absorb(&sum, &r, ad, ad_len);
	absorb(&sum, &r, text, len);
	store_le64(lens, ad_len);
	store_le64(lens + 8, len);
	absorb(&sum, &r, lens, sizeof lens);
	add(&sum, &s);
	for (size_t i = 0; i < 4; i++)
		store_le32(tag + 4 * i, (uint32_t)sum.limb[i]);
}

void slow_aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const uint8_t *ad,
	size_t ad_len, const uint8_t nonce[static 12], const uint8_t key[static 32])
{
	uint8_t stream[64];
	for (size_t i = 0; i < len; i++) {
		if (i % 64 == 0)
			chacha20_block(stream, key, (uint32_t)(1 + i / 64), nonce);
		out[i] = plain[i] ^ stream[i % 64];
	}
	chacha20_block(stream, key, 0, nonce);
	slow_poly1305(out + len, stream, ad, ad_len, out, len);
}
