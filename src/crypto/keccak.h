/*
 * SHA-3 and SHAKE [FIPS 202]: one sponge that takes bytes in pieces of any length and
 * gives them in pieces of any length. For ML-KEM, which is made of it; the protocol's
 * own hash is BLAKE2s. Lengths are public, contents are not. A sponge holds what was
 * put into it: whoever declares one wipes it.
 */
#ifndef ADIT_CRYPTO_KECCAK_H
#define ADIT_CRYPTO_KECCAK_H

#include <stddef.h>
#include <stdint.h>

enum sponge_kind { SHAKE128, SHAKE256, SHA3_256, SHA3_512 };

struct sponge {
	uint64_t lanes[25];
	uint32_t rate; /* bytes of the lanes that input and output touch */
	uint32_t at;   /* bytes of them taken or given */
	uint8_t suffix;
};

void sponge_init(struct sponge *s, enum sponge_kind kind);
void sponge_absorb(struct sponge *s, const void *data, size_t len);

/* No more input after this. */
void sponge_finish(struct sponge *s);

/* All of the above: 32 bytes, then `len` more, as nearly every hash of ML-KEM has it. */
void sponge_start(struct sponge *s, enum sponge_kind kind, const uint8_t first[static 32],
	const void *rest, size_t len);

/* The next bytes of the output: of SHA3_256 and SHA3_512 only the first 32 and 64 are the hash. */
void sponge_squeeze(struct sponge *s, void *out, size_t len);

#endif
