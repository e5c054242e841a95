#include "crypto/hash.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/secret.h"

#define BLOCK_LEN 64

static const uint32_t iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
	0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* SIGMA [RFC 7693 2.7]: the order in which a round takes the message words */
static const uint8_t sigma[10][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint32_t rotate_right(uint32_t x, unsigned bits)
{
	return x >> bits | x << (32 - bits);
}

/* G [RFC 7693 3.1] */
__attribute__((always_inline)) static inline void mix(
	uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d, uint32_t x, uint32_t y)
{
	*a += *b + x;
	*d = rotate_right(*d ^ *a, 16);
	*c += *d;
	*b = rotate_right(*b ^ *c, 12);
	*a += *b + y;
	*d = rotate_right(*d ^ *a, 8);
	*c += *d;
	*b = rotate_right(*b ^ *c, 7);
}

/*
 * One round. Inlined with a constant row of sigma, every index is a constant, so
 * the state lives in registers and the words are read from where the message lies.
 */
__attribute__((always_inline)) static inline void mix_round(
	uint32_t v[static 16], const uint8_t m[static BLOCK_LEN], const uint8_t s[static 16])
{
	mix(&v[0], &v[4], &v[8], &v[12], load_le32(m + 4 * s[0]), load_le32(m + 4 * s[1]));
	mix(&v[1], &v[5], &v[9], &v[13], load_le32(m + 4 * s[2]), load_le32(m + 4 * s[3]));
	mix(&v[2], &v[6], &v[10], &v[14], load_le32(m + 4 * s[4]), load_le32(m + 4 * s[5]));
	mix(&v[3], &v[7], &v[11], &v[15], load_le32(m + 4 * s[6]), load_le32(m + 4 * s[7]));
	mix(&v[0], &v[5], &v[10], &v[15], load_le32(m + 4 * s[8]), load_le32(m + 4 * s[9]));
	mix(&v[1], &v[6], &v[11], &v[12], load_le32(m + 4 * s[10]), load_le32(m + 4 * s[11]));
	mix(&v[2], &v[7], &v[8], &v[13], load_le32(m + 4 * s[12]), load_le32(m + 4 * s[13]));
	mix(&v[3], &v[4], &v[9], &v[14], load_le32(m + 4 * s[14]), load_le32(m + 4 * s[15]));
}

/* F [RFC 7693 3.2]. `len` is what the block adds to the counter: less than 64 at the end only. */
static void compress(struct blake2s *ctx, const uint8_t *block, size_t len, uint32_t last)
{
	ctx->counter += len;
	uint32_t v[16];
	memcpy(v, ctx->h, sizeof ctx->h);
	memcpy(v + 8, iv, sizeof iv);
	v[12] ^= (uint32_t)ctx->counter;
	v[13] ^= (uint32_t)(ctx->counter >> 32);
	v[14] ^= last;
	mix_round(v, block, sigma[0]);
	mix_round(v, block, sigma[1]);
	mix_round(v, block, sigma[2]);
	mix_round(v, block, sigma[3]);
	mix_round(v, block, sigma[4]);
	mix_round(v, block, sigma[5]);
	mix_round(v, block, sigma[6]);
	mix_round(v, block, sigma[7]);
	mix_round(v, block, sigma[8]);
	mix_round(v, block, sigma[9]);
	for (int i = 0; i < 8; i++)
		ctx->h[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init(struct blake2s *ctx, size_t out_len, const void *key, size_t key_len)
{
	assert(out_len >= 1 && out_len <= HASH_LEN && key_len <= HASH_LEN);
	*ctx = (struct blake2s){.out_len = out_len};
	memcpy(ctx->h, iv, sizeof iv);
	ctx->h[0] ^= 0x01010000u | (uint32_t)key_len << 8 | (uint32_t)out_len;
	if (key_len > 0) {
		memcpy(ctx->block, key, key_len);
		ctx->block_len = BLOCK_LEN;
	}
}

/* The last block is compressed with a flag, so a full one waits until more data comes. */
void blake2s_update(struct blake2s *ctx, const void *data, size_t len)
{
	const uint8_t *in = data;
	size_t room = BLOCK_LEN - ctx->block_len;
	if (len > room) {
		if (ctx->block_len > 0) {
			memcpy(ctx->block + ctx->block_len, in, room);
			compress(ctx, ctx->block, BLOCK_LEN, 0);
			ctx->block_len = 0;
			in += room;
			len -= room;
		}
		for (; len > BLOCK_LEN; in += BLOCK_LEN, len -= BLOCK_LEN)
			compress(ctx, in, BLOCK_LEN, 0);
	}
	if (len > 0)
		memcpy(ctx->block + ctx->block_len, in, len);
	ctx->block_len += len;
}

void blake2s_final(struct blake2s *ctx, uint8_t *out)
{
	memset(ctx->block + ctx->block_len, 0, BLOCK_LEN - ctx->block_len);
	compress(ctx, ctx->block, ctx->block_len, UINT32_MAX);
	uint8_t digest[HASH_LEN];
	for (size_t i = 0; i < 8; i++)
		store_le32(digest + 4 * i, ctx->h[i]);
	memcpy(out, digest, ctx->out_len);
	secret_wipe(digest, sizeof digest);
	secret_wipe(ctx, sizeof *ctx);
}

/* HMAC [RFC 2104]: HASH((key ^ opad) || HASH((key ^ ipad) || message)) */
void hmac_blake2s(uint8_t out[static HASH_LEN], const uint8_t *key, size_t key_len, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	struct blake2s ctx;
	uint8_t pad[BLOCK_LEN] = {0}, inner[HASH_LEN];
	if (key_len > BLOCK_LEN) {
		blake2s_init(&ctx, HASH_LEN, NULL, 0);
		blake2s_update(&ctx, key, key_len);
		blake2s_final(&ctx, pad);
	} else if (key_len > 0) {
		memcpy(pad, key, key_len);
	}
	for (int i = 0; i < BLOCK_LEN; i++)
		pad[i] ^= 0x36;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, pad, sizeof pad);
	blake2s_update(&ctx, a, a_len);
	blake2s_update(&ctx, b, b_len);
	blake2s_final(&ctx, inner);

	for (int i = 0; i < BLOCK_LEN; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, pad, sizeof pad);
	blake2s_update(&ctx, inner, sizeof inner);
	blake2s_final(&ctx, out);
	secret_wipe(pad, sizeof pad);
	secret_wipe(inner, sizeof inner);
}

void kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t key[static HASH_LEN],
	const void *input, size_t input_len)
{
	uint8_t prk[HASH_LEN];
	hmac_blake2s(prk, key, HASH_LEN, input, input_len, NULL, 0);
	hmac_blake2s(out1, prk, sizeof prk, NULL, 0, "\1", 1);
	if (out2)
		hmac_blake2s(out2, prk, sizeof prk, out1, HASH_LEN, "\2", 1);
	if (out3)
		hmac_blake2s(out3, prk, sizeof prk, out2, HASH_LEN, "\3", 1);
	secret_wipe(prk, sizeof prk);
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len)
{
	uint8_t out[crypto_shorthash_siphash24_BYTES];
	crypto_shorthash_siphash24(out, data, len, key->bytes);
	return load_le64(out);
}
