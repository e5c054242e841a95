/*
 * kem-cases COUNT SEED: so many cases of ML-KEM-768 as it was built, each as struct
 * record, to the standard output; the same for the same seed. What reads them knows
 * whether another implementation agrees: kem_noble.mjs, or cmp.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keccak.h"
#include "crypto/kem.h"
#include "crypto/secret.h"

struct record { /* all bytes, so there is nothing between the members */
	struct kem_seed seed;
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_message message;
	struct kem_public_key used; /* the public key, sometimes changed */
	uint8_t is_good;	    /* 1: it was taken, else the next two are zero */
	struct kem_ciphertext made;
	struct kem_shared_secret shared;
	struct kem_ciphertext given; /* the ciphertext, sometimes changed */
	struct kem_shared_secret got;
};

static uint8_t draw_byte(struct sponge *dice)
{
	uint8_t byte;
	sponge_squeeze(dice, &byte, 1);
	return byte;
}

/* Up to four changes: a bit, a byte, or a 12-bit number that is the modulus or next to it. */
static void spoil(struct sponge *dice, uint8_t *bytes, size_t len)
{
	for (int changes = 1 + draw_byte(dice) % 4; changes > 0; changes--) {
		size_t at = (size_t)(draw_byte(dice) << 8 | draw_byte(dice)) % (len / 3) * 3;
		uint8_t kind = draw_byte(dice);
		uint32_t number = 3327u + kind / 3 % 4;
		switch (kind % 3) {
		case 0: bytes[at + kind / 3 % 3] ^= (uint8_t)(1u << kind / 9 % 8); break;
		case 1: bytes[at + kind / 3 % 3] = draw_byte(dice); break;
		default:
			bytes[at] = (uint8_t)number;
			bytes[at + 1] = (uint8_t)((bytes[at + 1] & 0xf0) | number >> 8);
		}
	}
}

static void fill(struct record *r, struct sponge *dice)
{
	sponge_squeeze(dice, &r->seed, sizeof r->seed);
	sponge_squeeze(dice, &r->message, sizeof r->message);
	kem_keypair_derive(&r->pub, &r->secret, &r->seed);
	uint8_t kind = draw_byte(dice) % 8;
	r->used = r->pub;
	if (kind < 3)
		spoil(dice, r->used.bytes, sizeof r->used.bytes - (kind < 2 ? 32 : 0));
	r->is_good = kem_encapsulate_message(&r->made, &r->shared, &r->used, &r->message);
	r->given = r->made;
	if (kind == 3)
		sponge_squeeze(dice, &r->given, sizeof r->given);
	else if (kind < 6)
		spoil(dice, r->given.bytes, sizeof r->given.bytes);
	kem_decapsulate(&r->got, &r->given, &r->secret);
}

int main(int argc, char **argv)
{
	if (argc != 3 || !crypto_init()) {
		fprintf(stderr, "usage: kem-cases COUNT SEED\n");
		return 2;
	}
	struct sponge dice;
	sponge_init(&dice, SHAKE256);
	sponge_absorb(&dice, argv[2], strlen(argv[2]));
	sponge_finish(&dice);
	for (long count = strtol(argv[1], NULL, 10); count > 0; count--) {
		static struct record r;
		fill(&r, &dice);
		if (fwrite(&r, sizeof r, 1, stdout) != 1)
			return 1;
	}
	return fflush(stdout) != 0;
}
