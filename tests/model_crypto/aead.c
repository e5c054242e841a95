#include "crypto/aead.h"

#include "crypto/secret.h"
#include "model_crypto/model.h"

#include <string.h>

/* What the key stream and the tag begin with. */
static struct model_state begin(
	const struct aead_key *key, const void *nonce, size_t nonce_len, const void *ad, size_t len)
{
	struct model_state s = {0, 5};
	model_absorb(&s, key->bytes, sizeof key->bytes);
	model_absorb(&s, nonce, nonce_len);
	if (len)
		model_absorb(&s, ad, len);
	return s;
}

/* Adds the key stream from `in` to `out`, which may be the same; the plaintext goes into `tag`. */
static void crypt(struct model_state *tag, uint8_t *out, const uint8_t *in, size_t len, bool opens)
{
	uint64_t stream = model_draw(tag, 0), word, plain;
	for (size_t at = 0; at < len; at += sizeof word) {
		size_t n = len - at < sizeof word ? len - at : sizeof word;
		word = 0;
		memcpy(&word, in + at, n);
		plain = opens ? word ^ stream : word;
		word ^= stream;
		if (n < sizeof word)
			plain &= (UINT64_C(1) << 8 * n) - 1; /* little-endian machines only */
		memcpy(out + at, &word, n);
		model_absorb_word(tag, plain);
		stream = stream * UINT64_C(0xd1342543de82ef95) + 1;
	}
	model_absorb_word(tag, len);
}

static void seal(struct model_state s, uint8_t *out, const uint8_t *plain, size_t len)
{
	crypt(&s, out, plain, len, false);
	model_fill(&s, out + len, AEAD_TAG_LEN);
}

static bool open(struct model_state s, uint8_t *out, const uint8_t *sealed, size_t len)
{
	uint8_t tag[AEAD_TAG_LEN], computed[AEAD_TAG_LEN];
	if (len < AEAD_TAG_LEN)
		return false;
	memcpy(tag, sealed + len - AEAD_TAG_LEN, sizeof tag);
	crypt(&s, out, sealed, len - AEAD_TAG_LEN, true);
	model_fill(&s, computed, sizeof computed);
	return secret_is_equal(tag, computed, sizeof tag);
}

void aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key)
{
	seal(begin(key, &counter, sizeof counter, ad, ad_len), out, plain, len);
}

bool aead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key)
{
	return open(begin(key, &counter, sizeof counter, ad, ad_len), out, sealed, len);
}

void aead_seal_batch(struct aead_packet *packets, size_t count)
{
	for (struct aead_packet *p = packets; count > 0; p++, count--)
		aead_seal(p->text, p->text, p->len, NULL, 0, p->counter, p->key);
}

void aead_open_batch(struct aead_packet *packets, size_t count)
{
	for (struct aead_packet *p = packets; count > 0; p++, count--)
		p->ok = aead_open(p->text, p->text, p->len, NULL, 0, p->counter, p->key);
}

void xaead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key)
{
	seal(begin(key, nonce, XAEAD_NONCE_LEN, ad, ad_len), out, plain, len);
}

bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key)
{
	return open(begin(key, nonce, XAEAD_NONCE_LEN, ad, ad_len), out, sealed, len);
}
