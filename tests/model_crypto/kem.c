/*
 * The encapsulation: both ends derive the secret of the public key and the message,
 * which the ciphertext carries openly. A wrong key or a changed ciphertext gives
 * another secret, a public key that begins with eight bytes 0xff is none.
 */
#include "crypto/kem.h"

#include <string.h>

#include "base/bytes.h"
#include "crypto/secret.h"
#include "model_crypto/model.h"

/* What `count` byte strings of one length give: a tag of the caller's keeps uses apart. */
static void fill_from(void *out, size_t out_len, uint64_t use, const void *in, size_t len)
{
	struct model_state s = {0, use};
	model_absorb(&s, in, len);
	model_fill(&s, out, out_len);
}

void kem_seed_generate(struct kem_seed *seed, const struct rng *rng)
{
	rng_fill(rng, seed->bytes, sizeof seed->bytes);
}

/* The secret key begins with the seed, and holds the public key behind it. */
void kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	fill_from(pub->bytes, sizeof pub->bytes, 16, seed->bytes, sizeof seed->bytes);
	pub->bytes[0] &= 0x7f;
	memset(secret, 0, sizeof *secret);
	memcpy(secret->bytes, seed->bytes, sizeof seed->bytes);
	memcpy(secret->bytes + sizeof seed->bytes, pub->bytes, sizeof pub->bytes);
}

static void agree(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const uint8_t pub[static KEM_PUBLIC_KEY_LEN])
{
	struct model_state s = {0, 17};
	model_absorb(&s, pub, KEM_PUBLIC_KEY_LEN);
	model_absorb(&s, ct->bytes, sizeof ct->bytes);
	model_fill(&s, shared->bytes, sizeof shared->bytes);
}

bool kem_encapsulate_message(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message)
{
	if (load_le64(pub->bytes) == UINT64_MAX) {
		secret_wipe(ct, sizeof *ct);
		secret_wipe(shared, sizeof *shared);
		return false;
	}
	fill_from(ct->bytes, sizeof ct->bytes, 18, message->bytes, sizeof message->bytes);
	agree(shared, ct, pub->bytes);
	return true;
}

bool kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng)
{
	struct kem_message message;
	rng_fill(rng, message.bytes, sizeof message.bytes);
	return kem_encapsulate_message(ct, shared, pub, &message);
}

void kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	agree(shared, ct, secret->bytes + KEM_SEED_LEN);
}

bool kem_self_test(void)
{
	return true;
}
