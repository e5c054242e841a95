/*
 * ML-KEM-768 [FIPS 203, final], the key encapsulation of the hybrid handshake. Not
 * the draft and not Kyber. libsodium's code when it has it, else ours.
 *
 * A kem_seed is what an initiator keeps while it waits for a response: 64 bytes of
 * locked memory for each handshake instead of 2400, for one more key derivation, which
 * takes as long as an X25519. A kem_secret_key lives on the stack of one call; whoever
 * declares one of these, or a kem_shared_secret, wipes it. Nothing secret stays in
 * the stack below.
 */
#ifndef ADIT_CRYPTO_KEM_H
#define ADIT_CRYPTO_KEM_H

#include <stdbool.h>

#include "crypto/kem_types.h"
#include "crypto/rng.h"

/* Fresh for each handshake. */
void kem_seed_generate(struct kem_seed *seed, const struct rng *rng);

/* The key pair of a seed, the same each time. [FIPS 203, Algorithm 16] */
void kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed);

/*
 * A fresh shared secret, and what tells it to the owner of `pub`. false, and the outputs
 * wiped: `pub` is no key, for one of its numbers is not below the modulus.
 * [FIPS 203, Algorithm 20 and 7.2]
 */
bool kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng);

/* The same with a message that the caller chose, for known answers. [FIPS 203, Algorithm 17] */
bool kem_encapsulate_message(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message);

/*
 * Never fails: of a ciphertext that nobody made for this key comes a secret that nobody
 * knows, in the same time. `secret` is one that kem_keypair_derive made.
 * [FIPS 203, Algorithm 18]
 */
void kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);

/*
 * Known answers, a tenth of a millisecond; at the start of the program. false: what this
 * was built to is not ML-KEM-768, or BLAKE2s is none.
 */
bool kem_self_test(void);

#endif
