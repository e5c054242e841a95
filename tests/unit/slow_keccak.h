/*
 * SHA-3 and SHAKE once more, written from FIPS 202's own words: bits moved one rule at a
 * time, constants computed. Slow; for comparison with crypto/keccak.
 */
#ifndef ADIT_TESTS_SLOW_KECCAK_H
#define ADIT_TESTS_SLOW_KECCAK_H

#include <stddef.h>
#include <stdint.h>

struct slow_sponge {
	uint8_t state[200];
	size_t rate, at;
};

/* Absorbs all of `a` and `b` at once. Suffix: 0x06 for SHA-3, 0x1f for SHAKE. */
void slow_sponge_start(struct slow_sponge *s, size_t rate, uint8_t suffix, const void *a,
	size_t a_len, const void *b, size_t b_len);
uint8_t slow_sponge_next(struct slow_sponge *s);

#endif
