/*
 * ML-KEM-768 once more, written from the definitions of FIPS 203 rather than from its
 * algorithms: integers modulo 3329 by division, the transform as the residues that it
 * stands for, slow_keccak. A millisecond for each operation; nothing in constant time.
 */
#ifndef ADIT_TESTS_SLOW_KEM_H
#define ADIT_TESTS_SLOW_KEM_H

#include "crypto/kem.h"

void slow_kem_keypair(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed);

/* The modulus check alone. */
bool slow_kem_is_key(const struct kem_public_key *pub);

/* Without the modulus check: what is not below 3329 is taken modulo 3329. */
void slow_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message);

void slow_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);

#endif
