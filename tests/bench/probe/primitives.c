#include "bench/probe/probe.h"

#include <stdio.h>

#include "crypto/dh.h"
#if __has_include("crypto/kem.h")
#include "crypto/kem.h"
#define HAS_KEM
#endif

/* All that the operations below work on; the outcome of one is the next one's input. */
struct things {
	struct rng rng;
	struct private_key priv;
	struct public_key pub;
	struct shared_secret secret;
#ifdef HAS_KEM
	struct kem_seed seed;
	struct kem_public_key kem_pub;
	struct kem_secret_key kem_secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
#endif
};

static void x25519(struct things *t)
{
	if (!dh(&t->secret, &t->priv, &t->pub))
		probe_give_up("dh");
}

static void x25519_base(struct things *t)
{
	public_key_derive(&t->pub, &t->priv);
}

#ifdef HAS_KEM
static void kem_keypair(struct things *t)
{
	kem_seed_generate(&t->seed, &t->rng);
	kem_keypair_derive(&t->kem_pub, &t->kem_secret, &t->seed);
}

static void kem_encaps(struct things *t)
{
	if (!kem_encapsulate(&t->ct, &t->shared, &t->kem_pub, &t->rng))
		probe_give_up("kem_encapsulate");
}

static void kem_decaps(struct things *t)
{
	kem_decapsulate(&t->shared, &t->ct, &t->kem_secret);
}
#endif

/* In this order: each needs what those before it made. */
static const struct {
	const char *name;
	void (*run)(struct things *t);
} operations[] = {
	{"x25519_base", x25519_base},
	{"x25519", x25519},
#ifdef HAS_KEM
	{"kem_keypair", kem_keypair},
	{"kem_encaps", kem_encaps},
	{"kem_decaps", kem_decaps},
#endif
};

/* Prints lines: name, microseconds. */
void primitives_measure(char **words)
{
	nanos duration = probe_number(words[0]) * NANOS_PER_MS;
	uint64_t seed = 1;
	struct things t = {.rng = probe_rng(&seed)};
	private_key_generate(&t.priv, &t.rng);
	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		nanos begin = probe_clock(), took;
		uint64_t count = 0;
		do {
			operations[i].run(&t);
			count++;
		} while ((took = probe_clock() - begin) < duration);
		printf("%s %.2f\n", operations[i].name, (double)took / (double)count / 1000);
	}
}
