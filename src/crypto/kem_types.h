/*
 * What ML-KEM-768 is called with: a type of its own for each kind of key, so that neither
 * a length nor a swap can be wrong. For those behind kem.h; all others include that.
 */
#ifndef ADIT_CRYPTO_KEM_TYPES_H
#define ADIT_CRYPTO_KEM_TYPES_H

#include <stdint.h>

#define KEM_SEED_LEN	   64
#define KEM_PUBLIC_KEY_LEN 1184
#define KEM_SECRET_KEY_LEN 2400
#define KEM_MESSAGE_LEN	   32
#define KEM_CIPHERTEXT_LEN 1088
#define KEM_SECRET_LEN	   32

struct kem_seed { /* d, then z: all that a key pair is made of; secret */
	uint8_t bytes[KEM_SEED_LEN];
};

struct kem_public_key { /* the encapsulation key ek */
	uint8_t bytes[KEM_PUBLIC_KEY_LEN];
};

struct kem_secret_key { /* the decapsulation key dk, as FIPS 203 writes it */
	uint8_t bytes[KEM_SECRET_KEY_LEN];
};

struct kem_message { /* m: what an encapsulation is made of; secret */
	uint8_t bytes[KEM_MESSAGE_LEN];
};

struct kem_ciphertext {
	uint8_t bytes[KEM_CIPHERTEXT_LEN];
};

struct kem_shared_secret {
	uint8_t bytes[KEM_SECRET_LEN];
};

#endif
