/* What ML-KEM does with secrets, and the same with a leak. */
#include <string.h>

#include "crypto/kem.h"
#include "crypto/kem_poly.h"
#include "crypto/secret.h"
#include "ct/ct.h"

struct pair {
	struct kem_public_key pub;
	struct kem_secret_key secret;
};

/* Of a seed that is secret; the public key is sent, so it is none. */
static struct pair make_pair(void)
{
	struct kem_seed seed = {{1, 2, 3}};
	struct pair pair;
	ct_hide(&seed, sizeof seed);
	kem_keypair_derive(&pair.pub, &pair.secret, &seed);
	ct_show(&pair.pub, sizeof pair.pub);
	return pair;
}

static struct kem_ciphertext make_ciphertext(
	struct kem_shared_secret *shared, const struct kem_public_key *pub)
{
	struct kem_message message = {{4, 5, 6}};
	struct kem_ciphertext ct;
	ct_hide(&message, sizeof message);
	need(kem_encapsulate_message(&ct, shared, pub, &message));
	ct_show(&ct, sizeof ct);
	return ct;
}

/* The result must be made of the secret: else nothing was looked at. */
static void need_hidden(const void *p, size_t len)
{
	need(ct_is_hidden(p, len));
}

static void derive(void)
{
	struct pair pair = make_pair();
	need_hidden(pair.secret.bytes, sizeof pair.secret.bytes);
}

static void encapsulate(void)
{
	struct pair pair = make_pair();
	struct kem_shared_secret shared;
	make_ciphertext(&shared, &pair.pub);
	need_hidden(&shared, sizeof shared);
}

static void encapsulate_to_no_key(void)
{
	struct pair pair = make_pair();
	struct kem_message message = {{4, 5, 6}};
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
	ct_hide(&message, sizeof message);
	memset(pair.pub.bytes, 0xff, 3);
	need(!kem_encapsulate_message(&ct, &shared, &pair.pub, &message));
}

static void decapsulate(void)
{
	struct pair pair = make_pair();
	struct kem_shared_secret shared, got;
	struct kem_ciphertext ct = make_ciphertext(&shared, &pair.pub);
	kem_decapsulate(&got, &ct, &pair.secret);
	need_hidden(&got, sizeof got);
	need(secret_is_equal(&got, &shared, sizeof got));
}

static void decapsulate_forged(void)
{
	struct pair pair = make_pair();
	struct kem_shared_secret shared, got;
	struct kem_ciphertext ct = make_ciphertext(&shared, &pair.pub);
	ct.bytes[sizeof ct.bytes - 1] ^= 1;
	kem_decapsulate(&got, &ct, &pair.secret);
	need_hidden(&got, sizeof got);
	need(!secret_is_equal(&got, &shared, sizeof got));
}

/* ------------------------------------------------------------------ leaks */

static volatile unsigned seen;

/* As it was done in the wild: a bit of the message makes a jump. */
static void leak_of_message_bit(void)
{
	uint8_t message[32] = {7};
	ct_hide(message, sizeof message);
	for (size_t i = 0; i < 8 * sizeof message; i++)
		if (message[i / 8] >> i % 8 & 1)
			seen = seen + 1;
}

/* The ciphertext made again, compared with an end at the first difference. */
static void leak_of_comparison(void)
{
	struct pair pair = make_pair();
	struct kem_shared_secret shared;
	struct kem_ciphertext ct = make_ciphertext(&shared, &pair.pub), again = ct;
	ct_hide(&again, sizeof again);
	seen = (unsigned)memcmp(&ct, &again, sizeof ct);
	if (seen)
		need(false);
}

/* Whether it was rejected, from what came out. */
static void leak_of_rejection(void)
{
	struct pair pair = make_pair();
	struct kem_shared_secret shared, got;
	struct kem_ciphertext ct = make_ciphertext(&shared, &pair.pub);
	kem_decapsulate(&got, &ct, &pair.secret);
	if (got.bytes[0] != shared.bytes[0])
		seen = seen + 1;
}

/* Rejection sampling, as for the matrix, but of something secret. */
static void leak_by_sampling(void)
{
	struct poly f = {{0}};
	uint8_t bytes[POLY_BYTES(12)] = {0};
	ct_hide(bytes, sizeof bytes);
	poly_decode(&f, bytes, 12);
	if (!poly_is_reduced(&f))
		seen = seen + 1;
}

const struct ct_case ct_kem_cases[] = {
	{"ML-KEM: a key pair", derive, false},
	{"ML-KEM: encapsulation", encapsulate, false},
	{"ML-KEM: encapsulation to what is no key", encapsulate_to_no_key, false},
	{"ML-KEM: decapsulation", decapsulate, false},
	{"ML-KEM: decapsulation of a forgery", decapsulate_forged, false},
	{"leak: a bit of ML-KEM's message", leak_of_message_bit, true},
	{"leak: a ciphertext compared with memcmp", leak_of_comparison, true},
	{"leak: a rejection that shows", leak_of_rejection, true},
	{"leak: a coefficient looked at", leak_by_sampling, true},
};

const size_t ct_kem_case_count = sizeof ct_kem_cases / sizeof *ct_kem_cases;
