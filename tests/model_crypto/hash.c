#include "crypto/hash.h"

#include "model_crypto/model.h"

#include <assert.h>
#include <string.h>

void model_absorb(struct model_state *s, const void *data, size_t len)
{
	const uint8_t *in = data;
	uint64_t word = 0;
	size_t left = len;
	for (; left >= sizeof word; in += sizeof word, left -= sizeof word) {
		memcpy(&word, in, sizeof word);
		model_absorb_word(s, word);
	}
	word = 0;
	if (left)
		memcpy(&word, in, left);
	model_absorb_word(s, word);
	model_absorb_word(s, len);
}

uint64_t model_draw(const struct model_state *s, uint64_t n)
{
	uint64_t x = s->a + s->b * UINT64_C(0x9e3779b97f4a7c15) + n;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9) ^ s->b;
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void model_fill(const struct model_state *s, void *out, size_t len)
{
	uint8_t *p = out;
	for (uint64_t n = 0; len; n++) {
		uint64_t word = model_draw(s, n);
		size_t part = len < sizeof word ? len : sizeof word;
		memcpy(p, &word, part);
		p += part;
		len -= part;
	}
}

/* The context's h holds the state. What was split otherwise hashes otherwise: nobody minds. */
static struct model_state load(const struct blake2s *ctx)
{
	struct model_state s;
	memcpy(&s, ctx->h, sizeof s);
	return s;
}

static void store(struct blake2s *ctx, const struct model_state *s)
{
	memcpy(ctx->h, s, sizeof *s);
}

void blake2s_init(struct blake2s *ctx, size_t out_len, const void *key, size_t key_len)
{
	assert(out_len >= 1 && out_len <= HASH_LEN && key_len <= HASH_LEN);
	struct model_state s = {out_len, 1};
	model_absorb(&s, key, key_len);
	ctx->out_len = out_len;
	store(ctx, &s);
}

void blake2s_update(struct blake2s *ctx, const void *data, size_t len)
{
	struct model_state s = load(ctx);
	model_absorb(&s, data, len);
	store(ctx, &s);
}

void blake2s_final(struct blake2s *ctx, uint8_t *out)
{
	struct model_state s = load(ctx);
	model_fill(&s, out, ctx->out_len);
}

void hmac_blake2s(uint8_t out[static HASH_LEN], const uint8_t *key, size_t key_len, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	struct model_state s = {HASH_LEN, 2};
	model_absorb(&s, key, key_len);
	model_absorb(&s, a, a_len);
	model_absorb(&s, b, b_len);
	model_fill(&s, out, HASH_LEN);
}

void kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t key[static HASH_LEN],
	const void *input, size_t input_len)
{
	uint8_t *const outs[] = {out1, out2, out3};
	struct model_state s = {HASH_LEN, 3};
	model_absorb(&s, key, HASH_LEN);
	model_absorb(&s, input, input_len);
	for (uint64_t i = 0; i < 3; i++) {
		struct model_state of_one = s;
		model_absorb_word(&of_one, i);
		if (outs[i])
			model_fill(&of_one, outs[i], HASH_LEN);
	}
}

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len)
{
	struct model_state s;
	memcpy(&s, key->bytes, sizeof s);
	model_absorb(&s, data, len);
	return model_draw(&s, 0);
}
