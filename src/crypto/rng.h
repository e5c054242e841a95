/*
 * Randomness as an interface: io/ implements it with getrandom, tests with a
 * seeded stream. The core has no other source.
 */
#ifndef ADIT_CRYPTO_RNG_H
#define ADIT_CRYPTO_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	void (*fill)(void *context, void *out, size_t len); /* cannot fail */
	void *context;
};

static inline void rng_fill(const struct rng *rng, void *out, size_t len)
{
	rng->fill(rng->context, out, len);
}

static inline uint32_t rng_u32(const struct rng *rng)
{
	uint32_t v;
	rng_fill(rng, &v, sizeof v);
	return v;
}

#endif
