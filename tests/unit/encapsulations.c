#include "unit/encapsulations.h"

#include "crypto/kem.h"

#include <string.h>

uint64_t encapsulations, decapsulations;
bool derives_no_keys;

void __real_kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed);
void __wrap_kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed);
bool __real_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng);
bool __wrap_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng);
void __real_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);
void __wrap_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);

void __wrap_kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	__real_kem_keypair_derive(pub, secret, seed);
	if (derives_no_keys)
		memset(pub->bytes, 0xff, 2);
}

bool __wrap_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng)
{
	encapsulations++;
	return __real_kem_encapsulate(ct, shared, pub, rng);
}

void __wrap_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	decapsulations++;
	__real_kem_decapsulate(shared, ct, secret);
}
