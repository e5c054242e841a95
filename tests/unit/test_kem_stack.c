/* What the KEM leaves on the stack: nothing that it computed with. */
#include "crypto/kem.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/keccak.h"
#include "unit/test.h"

#define STACK_LEN  (1u << 20)
#define NEEDLE_LEN 16

/* Inputs and outputs lie here, not on the stack that is searched. */
static struct kem_seed seed;
static struct kem_message message;
static struct kem_public_key pub;
static struct kem_secret_key secret;
static struct kem_ciphertext ct, forged;
static struct kem_shared_secret shared;

static void *derive(void *unused)
{
	kem_keypair_derive(&pub, &secret, &seed);
	return unused;
}

static void *encapsulate(void *unused)
{
	kem_encapsulate_message(&ct, &shared, &pub, &message);
	return unused;
}

static void *decapsulate(void *unused)
{
	kem_decapsulate(&shared, &ct, &secret);
	return unused;
}

static void *decapsulate_forged(void *unused)
{
	kem_decapsulate(&shared, &forged, &secret);
	return unused;
}

/* The control: what is left like this must be found. */
static void *leave_behind(void *unused)
{
	volatile uint8_t left[8192]; /* deeper than what the end of a thread overwrites */
	for (size_t i = 0; i < sizeof seed.bytes; i++)
		left[i] = seed.bytes[i];
	(void)left;
	return unused;
}

/* Runs it on a stack of its own; the caller frees that. */
static uint8_t *stack_after(void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	uint8_t *stack = aligned_alloc(1u << 16, STACK_LEN);
	if (!stack)
		abort();
	memset(stack, 0xa5, STACK_LEN);
	if (pthread_attr_init(&attributes) ||
		pthread_attr_setstack(&attributes, stack, STACK_LEN) ||
		pthread_create(&thread, &attributes, run, NULL) || pthread_join(thread, NULL))
		abort();
	pthread_attr_destroy(&attributes);
	return stack;
}

/* Whether any 16 bytes of the secret in a row lie there. */
static bool is_found(const uint8_t *stack, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at + NEEDLE_LEN <= len; at++)
		if (memmem(stack, STACK_LEN, bytes + at, NEEDLE_LEN))
			return true;
	return false;
}

/* The secret vector as the KEM computes with it: in 16 bits, the numbers next to 0. */
static void unpack_vector(int16_t out[static 768])
{
	for (size_t i = 0; i < 768; i++) {
		const uint8_t *p = secret.bytes + i / 2 * 3;
		int x = i % 2 ? p[1] >> 4 | p[2] << 4 : p[0] | (p[1] & 15) << 8;
		out[i] = (int16_t)(x > 3329 / 2 ? x - 3329 : x);
	}
}

struct needles {
	uint8_t of_seed[64], of_message[64]; /* G: rho and sigma; K and r */
	int16_t vector[768];
};

static struct needles make_needles(void)
{
	struct needles n;
	struct sponge s;
	const uint8_t k = 3;
	memset(&seed, 0, sizeof seed);
	for (uint8_t i = 0; i < 64; i++)
		seed.bytes[i] = (uint8_t)(i * 37 + 11);
	for (uint8_t i = 0; i < 32; i++)
		message.bytes[i] = (uint8_t)(i * 91 + 5);
	sponge_start(&s, SHA3_512, seed.bytes, &k, 1);
	sponge_squeeze(&s, n.of_seed, sizeof n.of_seed);
	derive(NULL);
	encapsulate(NULL);
	sponge_start(&s, SHA3_512, message.bytes, secret.bytes + 2336, 32);
	sponge_squeeze(&s, n.of_message, sizeof n.of_message);
	unpack_vector(n.vector);
	forged = ct;
	forged.bytes[1000] ^= 4;
	return n;
}

static void check_clean(const struct needles *n, const char *name, void *(*run)(void *))
{
	const struct {
		const char *what;
		const void *bytes;
		size_t len;
	} rows[] = {{"the seed", &seed, sizeof seed}, {"sigma", n->of_seed + 32, 32},
		{"the message", &message, sizeof message},
		{"K or r", n->of_message, sizeof n->of_message},
		{"the secret vector", n->vector, sizeof n->vector},
		{"the shared secret", &shared, sizeof shared}};
	uint8_t *stack = stack_after(run);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_found(stack, rows[i].bytes, rows[i].len))
			test_fail(__FILE__, __LINE__, "%s leaves %s", name, rows[i].what);
	free(stack);
}

TEST(kem_leaves_nothing_on_the_stack)
{
	struct needles n = make_needles();
	uint8_t *stack = stack_after(leave_behind);
	bool is_seen = is_found(stack, seed.bytes, sizeof seed);
	free(stack);
	CHECK(is_seen);
	check_clean(&n, "derive", derive);
	check_clean(&n, "encapsulate", encapsulate);
	check_clean(&n, "decapsulate", decapsulate);
	check_clean(&n, "decapsulate_forged", decapsulate_forged);
}
