/*
 * X25519 [RFC 7748] with a type of its own for each kind of key, so that a swap
 * does not compile. Every result is checked: an all-zero secret is refused.
 */
#ifndef ADIT_CRYPTO_DH_H
#define ADIT_CRYPTO_DH_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/rng.h"

#define DH_LEN 32

struct private_key {
	uint8_t bytes[DH_LEN];
};

struct public_key {
	uint8_t bytes[DH_LEN];
};

struct shared_secret { /* DH(): the output of X25519 */
	uint8_t bytes[DH_LEN];
};

struct preshared_key { /* 32 zero bytes: none */
	uint8_t bytes[DH_LEN];
};

/* Clears and sets the bits that RFC 7748 names. */
void private_key_clamp(struct private_key *key);

/* A fresh, clamped key. */
void private_key_generate(struct private_key *key, const struct rng *rng);

void public_key_derive(struct public_key *pub, const struct private_key *priv);

/* false when the result is all zero (a low-order point); `out` is then wiped. */
bool dh(struct shared_secret *out, const struct private_key *priv, const struct public_key *pub);

#endif
