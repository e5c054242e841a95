/*
 * ML-KEM's numbers: polynomials of 256 coefficients modulo 3329 [FIPS 203, 2.4 and 4],
 * as they are or transformed (NTT); from bytes and to bytes. Coefficients are signed
 * and small but not reduced, unless said otherwise; products carry a factor 2^-16
 * (Montgomery's), which poly_inverse_ntt or poly_lift takes away. All in constant time,
 * except where what is read is public.
 */
#ifndef ADIT_CRYPTO_KEM_POLY_H
#define ADIT_CRYPTO_KEM_POLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLY_N	       256
#define POLY_Q	       3329
#define POLY_BYTES(d)  (POLY_N / 8 * (d)) /* with d bits for a coefficient */
#define POLY_NOISE_LEN 128		  /* bytes that poly_sample_noise reads */

struct poly {
	int16_t c[POLY_N];
};

struct poly_sum { /* of products, not yet reduced */
	int32_t c[POLY_N];
};

/* Any coefficients below 3329 in absolute value, to ones below 1665. [Algorithm 9] */
void poly_ntt(struct poly *f);

/* From a poly of reduced products; the result is below 3329, without their factor. [Algorithm 10]
 */
void poly_inverse_ntt(struct poly *f);

/* sum += f * g, both transformed and below 3329; at most 3 products fit. [Algorithm 11] */
void poly_sum_add_product(struct poly_sum *sum, const struct poly *f, const struct poly *g);
void poly_reduce_sum(struct poly *out, const struct poly_sum *sum);

/* Takes the factor from reduced products that stay transformed. */
void poly_lift(struct poly *f);

/* Results are below 3329 in absolute value if the two together are below 32768. */
void poly_add(struct poly *f, const struct poly *g);
void poly_subtract(struct poly *f, const struct poly *g); /* f -= g */

/* A public polynomial, transformed, of the seed and two indices. [Algorithm 7] */
void poly_sample_public(struct poly *out, const uint8_t seed[static 32], uint8_t j, uint8_t i);

/* A small secret one: coefficients -2..2. [Algorithm 8] */
void poly_sample_noise(struct poly *out, const uint8_t bytes[static POLY_NOISE_LEN]);

/*
 * With d bits for a coefficient, little-endian: 12 bits hold it as it is, fewer its top
 * bits, rounded. [Algorithms 5 and 6, 4.2.1] Decoding takes any bytes; of 12 bits it
 * gives what is written there, up to 4095.
 */
void poly_encode(uint8_t *out, const struct poly *f, unsigned d);
void poly_decode(struct poly *out, const uint8_t *bytes, unsigned d);

/* false: a coefficient is not below 3329. Of what poly_decode read with 12 bits; public. */
bool poly_is_reduced(const struct poly *f);

#endif
