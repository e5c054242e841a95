/*
 * The group: multiplication modulo the prime 2^61 - 1 with a fixed base, so that
 * a * (b * base) = b * (a * base). The element 0 is the low-order point.
 */
#include "crypto/dh.h"

#include "base/bytes.h"
#include "crypto/secret.h"
#include "model_crypto/model.h"

#define PRIME ((UINT64_C(1) << 61) - 1)
#define BASE  UINT64_C(0x0123456789abcdef)

static uint64_t add(uint64_t a, uint64_t b)
{
	return a + b >= PRIME ? a + b - PRIME : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	for (; b; b >>= 1, a = add(a, a))
		product = b & 1 ? add(product, a) : product;
	return product;
}

/* Never 0: a clamped scalar is no multiple of the order. */
static uint64_t scalar(const struct private_key *key)
{
	struct model_state s = {0, 4};
	model_absorb(&s, key->bytes, sizeof key->bytes);
	return 1 + model_draw(&s, 0) % (PRIME - 1);
}

/* All bytes of an element follow from the first eight. */
static void expand(uint8_t out[static DH_LEN], uint64_t element)
{
	for (size_t i = 0; i < DH_LEN / 8; i++)
		store_le64(out + 8 * i, element ^ i * (element >> 3));
}

void private_key_clamp(struct private_key *key)
{
	key->bytes[0] &= 0xf8;
	key->bytes[31] = (uint8_t)((key->bytes[31] & 0x7f) | 0x40);
}

void private_key_generate(struct private_key *key, const struct rng *rng)
{
	rng_fill(rng, key->bytes, sizeof key->bytes);
	private_key_clamp(key);
}

void public_key_derive(struct public_key *pub, const struct private_key *priv)
{
	expand(pub->bytes, multiply(scalar(priv), BASE));
}

bool dh(struct shared_secret *out, const struct private_key *priv, const struct public_key *pub)
{
	uint64_t element = load_le64(pub->bytes) % PRIME;
	if (!element) {
		secret_wipe(out, sizeof *out);
		return false;
	}
	expand(out->bytes, multiply(scalar(priv), element));
	return true;
}
