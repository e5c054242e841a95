/*
 * BLAKE2s [RFC 7693], HMAC over it, and the key derivation of the handshake
 * [WP 5.4]. Our own code: libsodium has none of the three. Also SipHash-2-4 for
 * tables that strangers fill. Contexts hold key material: finish or wipe them.
 */
#ifndef ADIT_CRYPTO_HASH_H
#define ADIT_CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_LEN 32
#define MAC_LEN	 16

struct hash_value { /* HASH(): a transcript hash h, or any 32-byte digest */
	uint8_t bytes[HASH_LEN];
};

struct chaining_key {
	uint8_t bytes[HASH_LEN];
};

struct mac_key { /* the key of mac1, from a public key */
	uint8_t bytes[HASH_LEN];
};

struct mac_value { /* a mac1, a mac2, a cookie */
	uint8_t bytes[MAC_LEN];
};

struct siphash_key {
	uint8_t bytes[16];
};

struct blake2s {
	uint32_t h[8];
	uint64_t counter; /* bytes compressed */
	uint8_t block[64];
	size_t block_len, out_len;
};

/* out_len 1..32, key_len 0..32 (0: unkeyed). */
void blake2s_init(struct blake2s *ctx, size_t out_len, const void *key, size_t key_len);
void blake2s_update(struct blake2s *ctx, const void *data, size_t len);
/* Writes out_len bytes and wipes the context. */
void blake2s_final(struct blake2s *ctx, uint8_t *out);

/* HMAC-BLAKE2s over two byte strings in a row (either may be empty). */
void hmac_blake2s(uint8_t out[static HASH_LEN], const uint8_t *key, size_t key_len, const void *a,
	size_t a_len, const void *b, size_t b_len);

/*
 * KDF_n(key, input) [WP 5.4]: n outputs of 32 bytes, n = 1..3, of which the last
 * 3 - n may be NULL. `out1` may alias `key`; outputs must not alias `input`.
 */
void kdf(uint8_t *out1, uint8_t *out2, uint8_t *out3, const uint8_t key[static HASH_LEN],
	const void *input, size_t input_len);

uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len);

#endif
