#include "crypto/kem.h"

#include "crypto/secret.h"

void kem_seed_generate(struct kem_seed *seed, const struct rng *rng)
{
	rng_fill(rng, seed->bytes, sizeof seed->bytes);
}

bool kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng)
{
	struct kem_message message;
	rng_fill(rng, message.bytes, sizeof message.bytes);
	bool is_good = kem_encapsulate_message(ct, shared, pub, &message);
	secret_wipe(&message, sizeof message);
	return is_good;
}
