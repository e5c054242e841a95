#include "unit/encapsulations.h"

#include "crypto/kem.h"

uint64_t encapsulations, decapsulations;

bool __real_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng);
bool __wrap_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng);
void __real_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);
void __wrap_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);

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
