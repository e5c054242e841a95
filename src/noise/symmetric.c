#include "noise/symmetric.h"

#include "crypto/secret.h"

#include <string.h>

void symmetric_init(struct symmetric *s, const char *construction, const char *identifier)
{
	struct blake2s ctx;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, construction, strlen(construction));
	blake2s_final(&ctx, s->ck.bytes);
	memcpy(s->h.bytes, s->ck.bytes, HASH_LEN);
	secret_wipe(&s->key, sizeof s->key);
	s->counter = 0;
	symmetric_mix_hash(s, identifier, strlen(identifier));
}

void symmetric_mix_hash(struct symmetric *s, const void *data, size_t len)
{
	struct blake2s ctx;
	blake2s_init(&ctx, HASH_LEN, NULL, 0);
	blake2s_update(&ctx, s->h.bytes, HASH_LEN);
	blake2s_update(&ctx, data, len);
	blake2s_final(&ctx, s->h.bytes);
}

void symmetric_mix_key(struct symmetric *s, const void *input, size_t len)
{
	kdf(s->ck.bytes, s->key.bytes, NULL, s->ck.bytes, input, len);
	s->counter = 0;
}

void symmetric_mix_key_and_hash(struct symmetric *s, const void *input, size_t len)
{
	struct hash_value tau;
	kdf(s->ck.bytes, tau.bytes, s->key.bytes, s->ck.bytes, input, len);
	s->counter = 0;
	symmetric_mix_hash(s, &tau, sizeof tau);
	secret_wipe(&tau, sizeof tau);
}

void symmetric_encrypt_and_hash(struct symmetric *s, uint8_t *out, const void *plain, size_t len)
{
	aead_seal(out, plain, len, &s->h, sizeof s->h, s->counter++, &s->key);
	symmetric_mix_hash(s, out, len + AEAD_TAG_LEN);
}

bool symmetric_decrypt_and_hash(struct symmetric *s, void *out, const uint8_t *sealed, size_t len)
{
	if (!aead_open(out, sealed, len, &s->h, sizeof s->h, s->counter, &s->key))
		return false;
	s->counter++;
	symmetric_mix_hash(s, sealed, len);
	return true;
}

void symmetric_split(
	const struct symmetric *s, struct aead_key *from_initiator, struct aead_key *from_responder)
{
	kdf(from_initiator->bytes, from_responder->bytes, NULL, s->ck.bytes, "", 0);
}
