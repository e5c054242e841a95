/*
 * bench-kem [MILLISECONDS]: how long our ML-KEM-768 takes, in microseconds for each
 * operation, beside X25519 of the libsodium that it was linked with, and beside its
 * ML-KEM where that has one. All take turns; told is the fastest turn of each, and the
 * quotient, which alone means something on another machine.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/dh.h"
#include "crypto/kem.h"
#include "crypto/secret.h"

#define TURN 16 /* operations */

static struct {
	struct kem_seed seed;
	struct kem_message message;
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
	struct private_key private_key;
	struct public_key public_key;
	struct shared_secret agreed;
} bench;

static void ours_derive(void)
{
	kem_keypair_derive(&bench.pub, &bench.secret, &bench.seed);
}

static void ours_encapsulate(void)
{
	if (!kem_encapsulate_message(&bench.ct, &bench.shared, &bench.pub, &bench.message))
		abort();
}

static void ours_decapsulate(void)
{
	kem_decapsulate(&bench.shared, &bench.ct, &bench.secret);
}

static void x25519(void)
{
	if (!dh(&bench.agreed, &bench.private_key, &bench.public_key))
		abort();
}

#ifdef crypto_kem_mlkem768_SEEDBYTES
static void theirs_derive(void)
{
	if (crypto_kem_mlkem768_seed_keypair(bench.pub.bytes, bench.secret.bytes, bench.seed.bytes))
		abort();
}

static void theirs_encapsulate(void)
{
	if (crypto_kem_mlkem768_enc_deterministic(
		    bench.ct.bytes, bench.shared.bytes, bench.pub.bytes, bench.message.bytes))
		abort();
}

static void theirs_decapsulate(void)
{
	if (crypto_kem_mlkem768_dec(bench.shared.bytes, bench.ct.bytes, bench.secret.bytes))
		abort();
}
#else
#define theirs_derive	   NULL
#define theirs_encapsulate NULL
#define theirs_decapsulate NULL
#endif

static struct row {
	const char *name;
	void (*ours)(void), (*theirs)(void);
	double ours_us, theirs_us; /* the fastest turn */
} rows[] = {
	{"ML-KEM-768 key pair", ours_derive, theirs_derive, 1e9, 1e9},
	{"ML-KEM-768 encapsulation", ours_encapsulate, theirs_encapsulate, 1e9, 1e9},
	{"ML-KEM-768 decapsulation", ours_decapsulate, theirs_decapsulate, 1e9, 1e9},
	{"X25519", x25519, NULL, 1e9, 1e9},
};

#define ROWS (sizeof rows / sizeof *rows)

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void take_turn(void (*operation)(void), double *fastest)
{
	if (!operation)
		return;
	double start = now_us();
	for (int i = 0; i < TURN; i++)
		operation();
	double each = (now_us() - start) / TURN;
	if (each < *fastest)
		*fastest = each;
}

int main(int argc, char **argv)
{
	if (!crypto_init())
		return 1;
	memset(&bench.private_key, 0x40, sizeof bench.private_key);
	public_key_derive(&bench.public_key, &bench.private_key);
	double end = now_us() + (argc > 1 ? strtod(argv[1], NULL) : 1000) * 1e3;
	do {
		for (size_t i = 0; i < ROWS; i++) {
			take_turn(rows[i].ours, &rows[i].ours_us);
			take_turn(rows[i].theirs, &rows[i].theirs_us);
		}
	} while (now_us() < end);
	for (size_t i = 0; i < ROWS; i++) {
		printf("%-25s %6.1f us", rows[i].name, rows[i].ours_us);
		if (rows[i].theirs)
			printf(", libsodium %s %6.1f us, %.2f", sodium_version_string(),
				rows[i].theirs_us, rows[i].ours_us / rows[i].theirs_us);
		printf("\n");
	}
	return 0;
}
