#include "unit/slow_kem.h"

#include <string.h>

#include "unit/slow_keccak.h"

#define Q 3329
#define N 256
#define K 3

struct polynomial { /* 0..3328 each */
	unsigned c[N];
};

/* ------------------------------------------------------------------ hashes */

static void hash(uint8_t *out, size_t out_len, size_t rate, uint8_t suffix, const void *a,
	size_t a_len, const void *b, size_t b_len)
{
	struct slow_sponge s;
	slow_sponge_start(&s, rate, suffix, a, a_len, b, b_len);
	for (size_t i = 0; i < out_len; i++)
		out[i] = slow_sponge_next(&s);
}

/* ------------------------------------------------------------------ bits */

static unsigned bits_at(const uint8_t *bytes, size_t at, unsigned count)
{
	unsigned value = 0;
	for (unsigned i = 0; i < count; i++, at++)
		value |= (unsigned)(bytes[at / 8] >> at % 8 & 1) << i;
	return value;
}

static struct polynomial read_bits(const uint8_t *bytes, unsigned d)
{
	struct polynomial f;
	for (size_t i = 0; i < N; i++)
		f.c[i] = bits_at(bytes, i * d, d) % Q;
	return f;
}

static void write_bits(uint8_t *bytes, const struct polynomial *f, unsigned d)
{
	memset(bytes, 0, N / 8 * d);
	for (size_t at = 0; at < N * d; at++)
		bytes[at / 8] |= (uint8_t)((f->c[at / d] >> at % d & 1) << at % 8);
}

/* round(2^d / q * x) mod 2^d, and back: halves are rounded up */
static struct polynomial compress(struct polynomial f, unsigned d)
{
	for (size_t i = 0; i < N; i++)
		f.c[i] = ((f.c[i] << (d + 1)) + Q) / (2 * Q) % (1u << d);
	return f;
}

static struct polynomial decompress(struct polynomial f, unsigned d)
{
	for (size_t i = 0; i < N; i++)
		f.c[i] = (2 * Q * f.c[i] + (1u << d)) >> (d + 1);
	return f;
}

/* ------------------------------------------------------------------ the ring */

/* 17^exponent; 17 has the order 256 */
static unsigned root(unsigned exponent)
{
	static unsigned powers[256];
	for (size_t i = 0; !powers[255]; i++)
		powers[i] = i ? powers[i - 1] * 17 % Q : 1;
	return powers[exponent % 256];
}

/* The i-th residue is modulo X^2 - 17^residue(i). */
static unsigned residue(unsigned i)
{
	unsigned reversed = 0;
	for (int bit = 0; bit < 7; bit++)
		reversed |= (i >> bit & 1) << (6 - bit);
	return 2 * reversed + 1;
}

static struct polynomial add(const struct polynomial *f, const struct polynomial *g)
{
	struct polynomial sum;
	for (size_t i = 0; i < N; i++)
		sum.c[i] = (f->c[i] + g->c[i]) % Q;
	return sum;
}

static struct polynomial subtract(const struct polynomial *f, const struct polynomial *g)
{
	struct polynomial difference;
	for (size_t i = 0; i < N; i++)
		difference.c[i] = (f->c[i] + Q - g->c[i]) % Q;
	return difference;
}

/* X^2 becomes a number, so each residue is made of the even and of the odd coefficients. */
static struct polynomial to_residues(const struct polynomial *f)
{
	struct polynomial out = {{0}};
	for (unsigned i = 0; i < N; i++)
		for (unsigned j = i % 2; j < N; j += 2)
			out.c[i] = (out.c[i] + f->c[j] * root(residue(i / 2) * (j / 2))) % Q;
	return out;
}

static struct polynomial from_residues(const struct polynomial *f)
{
	const unsigned inverse_of_128 = 3303;
	struct polynomial out = {{0}};
	for (unsigned j = 0; j < N; j++) {
		for (unsigned i = j % 2; i < N; i += 2)
			out.c[j] += f->c[i] * root(256 * 256 - residue(i / 2) * (j / 2)) % Q;
		out.c[j] = out.c[j] % Q * inverse_of_128 % Q;
	}
	return out;
}

/* sum += f * g, as residues */
static void add_product(
	struct polynomial *sum, const struct polynomial *f, const struct polynomial *g)
{
	for (unsigned i = 0; i < N; i += 2) {
		unsigned a0 = f->c[i], a1 = f->c[i + 1], b0 = g->c[i], b1 = g->c[i + 1];
		unsigned square = a1 * b1 % Q * root(residue(i / 2));
		sum->c[i] = (sum->c[i] + a0 * b0 + square) % Q;
		sum->c[i + 1] = (sum->c[i + 1] + a0 * b1 + a1 * b0) % Q;
	}
}

/* ------------------------------------------------------------------ sampling */

static struct polynomial sample_uniform(const uint8_t rho[static 32], uint8_t j, uint8_t i)
{
	struct polynomial f;
	struct slow_sponge s;
	slow_sponge_start(&s, 168, 0x1f, rho, 32, (uint8_t[]){j, i}, 2);
	for (size_t count = 0; count < N;) {
		uint8_t three[3];
		for (size_t k = 0; k < 3; k++)
			three[k] = slow_sponge_next(&s);
		for (size_t at = 0; at < 24 && count < N; at += 12)
			if (bits_at(three, at, 12) < Q)
				f.c[count++] = bits_at(three, at, 12);
	}
	return f;
}

static struct polynomial sample_small(const uint8_t seed[static 32], uint8_t n)
{
	struct polynomial f;
	uint8_t bytes[128];
	hash(bytes, sizeof bytes, 136, 0x1f, seed, 32, &n, 1);
	for (size_t i = 0; i < N; i++) {
		unsigned plus = bits_at(bytes, 4 * i, 1) + bits_at(bytes, 4 * i + 1, 1);
		unsigned minus = bits_at(bytes, 4 * i + 2, 1) + bits_at(bytes, 4 * i + 3, 1);
		f.c[i] = (plus + Q - minus) % Q;
	}
	return f;
}

static struct polynomial sample_small_residues(const uint8_t seed[static 32], uint8_t n)
{
	struct polynomial f = sample_small(seed, n);
	return to_residues(&f);
}

/* ------------------------------------------------------------------ K-PKE and ML-KEM */

void slow_kem_keypair(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	uint8_t derived[64], *dk = secret->bytes;
	hash(derived, 64, 72, 0x06, seed->bytes, 32, "\3", 1);
	struct polynomial s[K];
	for (uint8_t i = 0; i < K; i++) {
		s[i] = sample_small_residues(derived + 32, i);
		write_bits(dk + 384 * i, &s[i], 12);
	}
	for (uint8_t i = 0; i < K; i++) {
		struct polynomial t = sample_small_residues(derived + 32, (uint8_t)(K + i));
		for (uint8_t j = 0; j < K; j++) {
			struct polynomial a = sample_uniform(derived, j, i);
			add_product(&t, &a, &s[j]);
		}
		write_bits(pub->bytes + 384 * i, &t, 12);
	}
	memcpy(pub->bytes + 1152, derived, 32);
	memcpy(dk + 1152, pub->bytes, 1184);
	hash(dk + 2336, 32, 136, 0x06, pub->bytes, 1184, NULL, 0);
	memcpy(dk + 2368, seed->bytes + 32, 32);
}

bool slow_kem_is_key(const struct kem_public_key *pub)
{
	for (size_t i = 0; i < K * N; i++)
		if (bits_at(pub->bytes, 12 * i, 12) >= Q)
			return false;
	return true;
}

static void encrypt(uint8_t *ct, const uint8_t *ek, const uint8_t *message, const uint8_t *r)
{
	struct polynomial y[K], v = {{0}}, part;
	for (uint8_t i = 0; i < K; i++)
		y[i] = sample_small_residues(r, i);
	for (uint8_t i = 0; i < K; i++) {
		struct polynomial u = {{0}};
		for (uint8_t j = 0; j < K; j++) {
			part = sample_uniform(ek + 1152, i, j);
			add_product(&u, &part, &y[j]);
		}
		u = from_residues(&u);
		part = sample_small(r, (uint8_t)(K + i));
		u = compress(add(&u, &part), 10);
		write_bits(ct + 320 * i, &u, 10);
		part = read_bits(ek + 384 * i, 12);
		add_product(&v, &part, &y[i]);
	}
	v = from_residues(&v);
	part = sample_small(r, 2 * K);
	v = add(&v, &part);
	part = decompress(read_bits(message, 1), 1);
	v = compress(add(&v, &part), 4);
	write_bits(ct + 960, &v, 4);
}

static void decrypt(uint8_t *message, const uint8_t *ct, const uint8_t *dk)
{
	struct polynomial product = {{0}};
	for (size_t i = 0; i < K; i++) {
		struct polynomial s = read_bits(dk + 384 * i, 12);
		struct polynomial u = decompress(read_bits(ct + 320 * i, 10), 10);
		u = to_residues(&u);
		add_product(&product, &s, &u);
	}
	product = from_residues(&product);
	struct polynomial v = decompress(read_bits(ct + 960, 4), 4);
	v = compress(subtract(&v, &product), 1);
	write_bits(message, &v, 1);
}

void slow_kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message)
{
	uint8_t h[32], derived[64];
	hash(h, 32, 136, 0x06, pub->bytes, 1184, NULL, 0);
	hash(derived, 64, 72, 0x06, message->bytes, 32, h, 32);
	memcpy(shared->bytes, derived, 32);
	encrypt(ct->bytes, pub->bytes, message->bytes, derived + 32);
}

void slow_kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	uint8_t message[32], derived[64];
	const uint8_t *dk = secret->bytes;
	struct kem_ciphertext again;
	decrypt(message, ct->bytes, dk);
	hash(derived, 64, 72, 0x06, message, 32, dk + 2336, 32);
	encrypt(again.bytes, dk + 1152, message, derived + 32);
	memcpy(shared->bytes, derived, 32);
	if (memcmp(ct, &again, sizeof again) != 0)
		hash(shared->bytes, 32, 136, 0x1f, dk + 2368, 32, ct->bytes, 1088);
}
