/*
 * ML-KEM-768 itself, behind kem.h, which says what the functions do: kem_tree.c is ours,
 * kem_sodium.c libsodium's, and the Makefile takes one of them. They may leave on the
 * stack what they like, up to KEM_STACK_MAX below their caller; kem.c wipes it. It calls
 * them, and nobody else does.
 */
#ifndef ADIT_CRYPTO_KEM_INNER_H
#define ADIT_CRYPTO_KEM_INNER_H

#include <stdbool.h>

#include "crypto/kem_types.h"

#define KEM_STACK_MAX 32768 /* bytes; ours needs 8,300, that of libsodium 1.0.22 19,600 */

void kem_inner_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed);

/* false: the key is none; whatever the outputs hold then. */
bool kem_inner_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message);

void kem_inner_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret);

#endif
