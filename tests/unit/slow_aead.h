/*
 * ChaCha20-Poly1305 [RFC 8439] a second time, slowly, from the RFC's text and with
 * any 12-byte nonce: the judge of src/crypto/aead.c, whose nonces begin with four
 * zero bytes and which therefore most public vectors cannot reach. The vectors
 * judge this one.
 */
#ifndef ADIT_TESTS_SLOW_AEAD_H
#define ADIT_TESTS_SLOW_AEAD_H

#include <stddef.h>
#include <stdint.h>

/* out has len + 16 bytes and does not overlap the rest. */
void slow_aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const uint8_t *ad,
	size_t ad_len, const uint8_t nonce[static 12], const uint8_t key[static 32]);

/* The tag alone, of what is sealed already: key is r, not clamped yet, and s. */
void slow_poly1305(uint8_t tag[static 16], const uint8_t key[static 32], const uint8_t *ad,
	size_t ad_len, const uint8_t *text, size_t len);

#endif
