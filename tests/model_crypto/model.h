/*
 * A cheap model of crypto/ for the simulator: the same interface, so that what is
 * above it is linked unchanged, at about a hundredth of the price. Keys, counters,
 * tags and agreement of the two ends are real; secrecy is not: it withstands bit
 * flips, swaps and guesses of the simulator's strangers, and nobody else.
 */
#ifndef ADIT_MODEL_CRYPTO_MODEL_H
#define ADIT_MODEL_CRYPTO_MODEL_H

#include <stddef.h>
#include <stdint.h>

/* A running hash of 128 bits; every input bit matters to all output bits after model_draw. */
struct model_state {
	uint64_t a, b;
};

static inline void model_absorb_word(struct model_state *s, uint64_t word)
{
	s->a = (s->a ^ word) * UINT64_C(0xff51afd7ed558ccd);
	s->b = (s->b << 23 | s->b >> 41) + s->a;
	s->a ^= s->a >> 32;
}

/* The bytes and their number. */
void model_absorb(struct model_state *s, const void *data, size_t len);

/* The n-th 64-bit word that follows from what was absorbed. */
uint64_t model_draw(const struct model_state *s, uint64_t n);

/* The first words of it. */
void model_fill(const struct model_state *s, void *out, size_t len);

#endif
