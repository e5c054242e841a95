/* ML-KEM-768, ours: K-PKE and the transform around it [FIPS 203, 5 to 7]. */
#include "crypto/kem_inner.h"

#include <string.h>

#include "crypto/keccak.h"
#include "crypto/kem_poly.h"
#include "crypto/secret.h"

#define K      3  /* polynomials of a vector */
#define U_BITS 10 /* du */
#define V_BITS 4  /* dv */

#define VECTOR_LEN (K * POLY_BYTES(12))
#define U_LEN	   (K * POLY_BYTES(U_BITS))

/* Where the parts of dk lie. */
#define DK_PUBLIC_KEY VECTOR_LEN
#define DK_HASH	      (DK_PUBLIC_KEY + KEM_PUBLIC_KEY_LEN)
#define DK_REJECTION  (DK_HASH + 32)

_Static_assert(KEM_PUBLIC_KEY_LEN == VECTOR_LEN + 32, "t, rho");
_Static_assert(KEM_SECRET_KEY_LEN == DK_REJECTION + 32, "s, ek, H(ek), z");
_Static_assert(KEM_CIPHERTEXT_LEN == U_LEN + POLY_BYTES(V_BITS), "u, v");
_Static_assert(KEM_SECRET_LEN == 32 && KEM_MESSAGE_LEN == 32, "K, m");

struct vector {
	struct poly p[K];
};

/* What a call computes with; kem.c wipes it, with the rest of the stack. */
struct work {
	struct vector s, t; /* the secret vector (y of an encryption), the public one */
	struct poly e, a, v;
	struct poly_sum sum;
	struct sponge sponge;
	uint8_t noise[POLY_NOISE_LEN];
	uint8_t message[32];
	uint8_t derived[64]; /* G: rho and sigma, or K and r */
	uint8_t rejected[32];
	struct kem_ciphertext again;
};

/* ------------------------------------------------------------------ hashes [FIPS 203, 4.1] */

static void hash_g(struct work *w, const uint8_t first[static 32], const void *rest, size_t len)
{
	sponge_start(&w->sponge, SHA3_512, first, rest, len);
	sponge_squeeze(&w->sponge, w->derived, sizeof w->derived);
}

static void hash_h(struct work *w, uint8_t out[static 32], const struct kem_public_key *pub)
{
	sponge_start(&w->sponge, SHA3_256, pub->bytes, pub->bytes + 32, sizeof pub->bytes - 32);
	sponge_squeeze(&w->sponge, out, 32);
}

/* J */
static void hash_j(struct work *w, uint8_t out[static 32], const uint8_t z[static 32],
	const struct kem_ciphertext *ct)
{
	sponge_start(&w->sponge, SHAKE256, z, ct->bytes, sizeof ct->bytes);
	sponge_squeeze(&w->sponge, out, 32);
}

/* The n-th small polynomial of a seed: PRF, then the centred binomial distribution. */
static void make_noise(struct work *w, struct poly *out, const uint8_t seed[static 32], uint8_t n)
{
	sponge_start(&w->sponge, SHAKE256, seed, &n, 1);
	sponge_squeeze(&w->sponge, w->noise, sizeof w->noise);
	poly_sample_noise(out, w->noise);
}

/* ------------------------------------------------------------------ K-PKE [FIPS 203, 5] */

static void encode_vector(uint8_t *out, const struct vector *v, unsigned bits)
{
	for (size_t i = 0; i < K; i++)
		poly_encode(out + i * POLY_BYTES(bits), &v->p[i], bits);
}

static void decode_vector(struct vector *out, const uint8_t *bytes, unsigned bits)
{
	for (size_t i = 0; i < K; i++)
		poly_decode(&out->p[i], bytes + i * POLY_BYTES(bits), bits);
}

static void make_secret_vector(struct work *w, const uint8_t seed[static 32])
{
	for (uint8_t i = 0; i < K; i++) {
		make_noise(w, &w->s.p[i], seed, i);
		poly_ntt(&w->s.p[i]);
	}
}

/* out = the i-th of A * s, or of A transposed * s, where A is made of rho. */
static void multiply_matrix(struct work *w, struct poly *out, const uint8_t rho[static 32],
	uint8_t i, bool is_transposed)
{
	memset(&w->sum, 0, sizeof w->sum);
	for (uint8_t j = 0; j < K; j++) {
		poly_sample_public(&w->a, rho, is_transposed ? i : j, is_transposed ? j : i);
		poly_sum_add_product(&w->sum, &w->a, &w->s.p[j]);
	}
	poly_reduce_sum(out, &w->sum);
}

/* out = a * b, no longer transformed. */
static void multiply_vectors(
	struct work *w, struct poly *out, const struct vector *a, const struct vector *b)
{
	memset(&w->sum, 0, sizeof w->sum);
	for (size_t i = 0; i < K; i++)
		poly_sum_add_product(&w->sum, &a->p[i], &b->p[i]);
	poly_reduce_sum(out, &w->sum);
	poly_inverse_ntt(out);
}

/* [Algorithm 13] */
static void make_keys(struct work *w, struct kem_public_key *pub, uint8_t s[static VECTOR_LEN],
	const uint8_t d[static 32])
{
	const uint8_t k = K;
	hash_g(w, d, &k, 1);
	const uint8_t *rho = w->derived, *sigma = w->derived + 32;
	make_secret_vector(w, sigma);
	for (uint8_t i = 0; i < K; i++) {
		multiply_matrix(w, &w->t.p[i], rho, i, false);
		poly_lift(&w->t.p[i]);
		make_noise(w, &w->e, sigma, (uint8_t)(K + i));
		poly_ntt(&w->e);
		poly_add(&w->t.p[i], &w->e);
	}
	encode_vector(pub->bytes, &w->t, 12);
	memcpy(pub->bytes + VECTOR_LEN, rho, 32);
	encode_vector(s, &w->s, 12);
}

/* w->message under w->t and rho, with the randomness r. [Algorithm 14] */
static void encrypt(struct work *w, struct kem_ciphertext *ct, const uint8_t rho[static 32],
	const uint8_t r[static 32])
{
	make_secret_vector(w, r);
	for (uint8_t i = 0; i < K; i++) {
		multiply_matrix(w, &w->v, rho, i, true);
		poly_inverse_ntt(&w->v);
		make_noise(w, &w->e, r, (uint8_t)(K + i));
		poly_add(&w->v, &w->e);
		poly_encode(ct->bytes + i * POLY_BYTES(U_BITS), &w->v, U_BITS);
	}
	multiply_vectors(w, &w->v, &w->t, &w->s);
	make_noise(w, &w->e, r, 2 * K);
	poly_add(&w->v, &w->e);
	poly_decode(&w->e, w->message, 1);
	poly_add(&w->v, &w->e);
	poly_encode(ct->bytes + U_LEN, &w->v, V_BITS);
}

/* To w->message. [Algorithm 15] */
static void decrypt(
	struct work *w, const struct kem_ciphertext *ct, const uint8_t s[static VECTOR_LEN])
{
	decode_vector(&w->t, ct->bytes, U_BITS);
	for (size_t i = 0; i < K; i++)
		poly_ntt(&w->t.p[i]);
	decode_vector(&w->s, s, 12);
	multiply_vectors(w, &w->e, &w->s, &w->t);
	poly_decode(&w->v, ct->bytes + U_LEN, V_BITS);
	poly_subtract(&w->v, &w->e);
	poly_encode(w->message, &w->v, 1);
}

/* ------------------------------------------------------------------ ML-KEM [FIPS 203, 6] */

/* [Algorithm 16] */
void kem_inner_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	struct work w;
	make_keys(&w, pub, secret->bytes, seed->bytes);
	memcpy(secret->bytes + DK_PUBLIC_KEY, pub->bytes, sizeof pub->bytes);
	hash_h(&w, secret->bytes + DK_HASH, pub);
	memcpy(secret->bytes + DK_REJECTION, seed->bytes + 32, 32);
}

static bool read_public_vector(struct work *w, const uint8_t bytes[static VECTOR_LEN])
{
	bool is_good = true;
	decode_vector(&w->t, bytes, 12);
	for (size_t i = 0; i < K; i++)
		is_good &= poly_is_reduced(&w->t.p[i]);
	return is_good;
}

/* [Algorithm 17] */
bool kem_inner_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message)
{
	struct work w;
	if (!read_public_vector(&w, pub->bytes))
		return false;
	uint8_t h[32];
	hash_h(&w, h, pub);
	memcpy(w.message, message->bytes, sizeof w.message);
	hash_g(&w, w.message, h, sizeof h);
	memcpy(shared->bytes, w.derived, sizeof shared->bytes);
	encrypt(&w, ct, pub->bytes + VECTOR_LEN, w.derived + 32);
	return true;
}

/* All ones where a byte differs, else 0; looks at all of them. */
static uint32_t mask_of_difference(const struct kem_ciphertext *a, const struct kem_ciphertext *b)
{
	uint32_t difference = 0;
	for (size_t i = 0; i < sizeof a->bytes; i++)
		difference |= a->bytes[i] ^ b->bytes[i];
	return 0 - secret_barrier((0 - difference) >> 31);
}

/*
 * The encryption is done again with what decryption gave: only an honest one comes out
 * equal. [Algorithm 18]
 */
void kem_inner_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	struct work w;
	const uint8_t *public_key = secret->bytes + DK_PUBLIC_KEY;
	decrypt(&w, ct, secret->bytes);
	hash_g(&w, w.message, secret->bytes + DK_HASH, 32);
	hash_j(&w, w.rejected, secret->bytes + DK_REJECTION, ct);
	decode_vector(&w.t, public_key, 12);
	encrypt(&w, &w.again, public_key + VECTOR_LEN, w.derived + 32);
	uint32_t is_forged = mask_of_difference(ct, &w.again);
	for (size_t i = 0; i < sizeof shared->bytes; i++)
		shared->bytes[i] =
			(uint8_t)((w.derived[i] & ~is_forged) | (w.rejected[i] & is_forged));
}
