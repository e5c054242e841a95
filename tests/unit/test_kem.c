#include "crypto/kem.h"

#include <stdlib.h>

#include "crypto/keccak.h"
#include "unit/slow_kem.h"
#include "unit/test.h"

struct case_of_kem {
	struct kem_seed seed;
	struct kem_message message;
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
};

/* The n-th of any number of cases; the KEM is asked for all of it. */
static struct case_of_kem some_case(uint8_t n)
{
	struct case_of_kem c;
	memset(&c.seed, n, sizeof c.seed);
	memset(&c.message, 255 - n, sizeof c.message);
	kem_keypair_derive(&c.pub, &c.secret, &c.seed);
	kem_encapsulate_message(&c.ct, &c.shared, &c.pub, &c.message);
	return c;
}

/* ------------------------------------------------------------------ known answers */

struct accumulator {
	struct sponge all, without_secret_key;
};

static void accumulate(struct accumulator *a, const void *data, size_t len)
{
	sponge_absorb(&a->all, data, len);
	sponge_absorb(&a->without_secret_key, data, len);
}

/* One round: d, z, m and a ciphertext out of the stream; ek, dk, c, k, and k' of that one. */
static void accumulate_round(struct accumulator *a, struct sponge *stream)
{
	struct case_of_kem c;
	struct kem_ciphertext random;
	struct kem_shared_secret got;
	sponge_squeeze(stream, &c.seed, sizeof c.seed);
	sponge_squeeze(stream, &c.message, sizeof c.message);
	sponge_squeeze(stream, &random, sizeof random);
	kem_keypair_derive(&c.pub, &c.secret, &c.seed);
	CHECK(kem_encapsulate_message(&c.ct, &c.shared, &c.pub, &c.message));
	kem_decapsulate(&got, &c.ct, &c.secret);
	CHECK_MEM(c.shared.bytes, got.bytes, sizeof got);
	kem_decapsulate(&got, &random, &c.secret);
	accumulate(a, &c.pub, sizeof c.pub);
	sponge_absorb(&a->all, &c.secret, sizeof c.secret);
	accumulate(a, &c.ct, sizeof c.ct);
	accumulate(a, &c.shared, sizeof c.shared);
	accumulate(a, &got, sizeof got);
}

static void check_sum(struct sponge *s, const char *expected, const char *refused)
{
	uint8_t wanted[32], draft[32], got[32];
	sponge_finish(s);
	sponge_squeeze(s, got, sizeof got);
	HEX(wanted, expected);
	HEX(draft, refused);
	CHECK_MEM(wanted, got, sizeof got);
	CHECK(memcmp(draft, got, sizeof got) != 0);
}

/*
 * The accumulated answers of the final standard; the last is the draft's, which differs.
 * ADIT_KEM_ROUNDS=10000 for the long run.
 */
TEST(kem_accumulated)
{
	static const char draft[] =
		"f7db260e1137a742e05fe0db9525012812b004d29040a5b606aad3d134b548d3";
	const char *wish = getenv("ADIT_KEM_ROUNDS");
	bool is_long = wish && !strcmp(wish, "10000");
	CHECK(is_long || !wish);
	struct accumulator a;
	struct sponge stream;
	uint8_t start[16], expected[16];
	sponge_init(&stream, SHAKE128);
	sponge_finish(&stream);
	sponge_init(&a.all, SHAKE128);
	sponge_init(&a.without_secret_key, SHAKE128);
	for (int i = 0; i < (is_long ? 10000 : 100); i++)
		accumulate_round(&a, &stream);
	check_sum(&a.all,
		is_long ? "f959d18d3d1180121433bf0e05f11e7908cf9d03edc150b2b07cb90bef5bc1c1"
			: "8d65b902f28edc683cebee2872962fd165a4d197c9e24ec74caa4470270df0b7",
		draft);
	check_sum(&a.without_secret_key,
		is_long ? "8a518cc63da366322a8e7a818c7a0d63483cb3528d34a4cf42f35d5ad73f22fc"
			: "1114b1b6699ed191734fa339376afa7e285c9e6acf6ff0177d346696ce564415",
		draft);
	sponge_init(&stream, SHAKE128);
	sponge_finish(&stream);
	sponge_squeeze(&stream, start, sizeof start);
	HEX(expected, "7f9c2ba4e88f827d616045507605853e");
	CHECK_MEM(expected, start, sizeof start);
}

/* ------------------------------------------------------------------ against the definitions */

TEST(kem_equals_slow)
{
	for (uint8_t n = 0; n < 20; n++) {
		struct case_of_kem c = some_case(n), slow;
		slow_kem_keypair(&slow.pub, &slow.secret, &c.seed);
		CHECK_MEM(slow.pub.bytes, c.pub.bytes, sizeof c.pub);
		CHECK_MEM(slow.secret.bytes, c.secret.bytes, sizeof c.secret);
		slow_kem_encapsulate(&slow.ct, &slow.shared, &c.pub, &c.message);
		CHECK_MEM(slow.ct.bytes, c.ct.bytes, sizeof c.ct);
		CHECK_MEM(slow.shared.bytes, c.shared.bytes, sizeof c.shared);
		if (n % 2)
			c.ct.bytes[n * 50]++;
		slow_kem_decapsulate(&slow.shared, &c.ct, &c.secret);
		kem_decapsulate(&c.shared, &c.ct, &c.secret);
		CHECK_MEM(slow.shared.bytes, c.shared.bytes, sizeof c.shared);
	}
}

/* Ciphertexts that nobody would make, up to their numbers' ends. */
TEST(kem_equals_slow_on_odd_ciphertexts)
{
	static const uint8_t fills[] = {0x00, 0x01, 0x55, 0x80, 0xaa, 0xfe, 0xff};
	struct case_of_kem c = some_case(77);
	for (size_t i = 0; i < sizeof fills; i++) {
		struct kem_shared_secret expected, got;
		memset(c.ct.bytes, fills[i], sizeof c.ct.bytes);
		slow_kem_decapsulate(&expected, &c.ct, &c.secret);
		kem_decapsulate(&got, &c.ct, &c.secret);
		CHECK_MEM(expected.bytes, got.bytes, sizeof got);
	}
}

/* ------------------------------------------------------------------ what is not as it should be */

/* The lowest bit of a number that lies in this byte: small enough for decryption to mend it. */
static uint8_t small_change(size_t byte)
{
	static const uint8_t of_u[] = {0, 2, 4, 6, 0}; /* four numbers of 10 bits */
	return (uint8_t)(1u << (byte < 960 ? of_u[byte % 5] : byte % 2 * 4));
}

static void check_rejected(const struct case_of_kem *c, const struct kem_ciphertext *ct)
{
	struct kem_shared_secret expected, got;
	struct sponge s;
	sponge_start(&s, SHAKE256, c->seed.bytes + 32, ct->bytes, sizeof ct->bytes);
	sponge_squeeze(&s, expected.bytes, sizeof expected.bytes);
	kem_decapsulate(&got, ct, &c->secret);
	CHECK_MEM(expected.bytes, got.bytes, sizeof got);
}

/*
 * Whichever byte is changed, so little that the message is still the same: the secret is
 * SHAKE256 of z and the ciphertext, for the comparison looks at every byte.
 */
TEST(kem_rejects_implicitly)
{
	struct case_of_kem c = some_case(3);
	for (size_t i = 0; i < sizeof c.ct.bytes; i++) {
		struct kem_ciphertext ct = c.ct;
		ct.bytes[i] ^= small_change(i);
		check_rejected(&c, &ct);
	}
	struct kem_shared_secret got;
	kem_decapsulate(&got, &c.ct, &c.secret);
	CHECK_MEM(c.shared.bytes, got.bytes, sizeof got);
}

/* The same change twice, which must not cancel out. */
TEST(kem_rejects_two_changes)
{
	struct case_of_kem c = some_case(4);
	for (size_t i = 0; i + 10 < sizeof c.ct.bytes; i++) {
		struct kem_ciphertext ct = c.ct;
		ct.bytes[i] ^= small_change(i);
		ct.bytes[i + 10] ^= small_change(i);
		check_rejected(&c, &ct);
	}
}

static void set_coefficient(struct kem_public_key *pub, size_t i, uint32_t value)
{
	uint8_t *p = pub->bytes + i / 2 * 3;
	if (i % 2) {
		p[1] = (uint8_t)((p[1] & 0x0f) | value << 4);
		p[2] = (uint8_t)(value >> 4);
	} else {
		p[0] = (uint8_t)value;
		p[1] = (uint8_t)((p[1] & 0xf0) | value >> 8);
	}
}

/* Each of the 768 numbers at the modulus, and the greatest below it. */
TEST(kem_checks_the_modulus)
{
	static const uint32_t bad[] = {3329, 3330, 4095};
	struct case_of_kem c = some_case(9);
	const struct kem_ciphertext no_ct = {{0}};
	const struct kem_shared_secret no_secret = {{0}};
	for (size_t i = 0; i < 768; i++) {
		struct kem_public_key pub = c.pub;
		set_coefficient(&pub, i, bad[i % 3]);
		CHECK(!slow_kem_is_key(&pub));
		memset(&c.ct, 0xa5, sizeof c.ct);
		memset(&c.shared, 0xa5, sizeof c.shared);
		CHECK(!kem_encapsulate_message(&c.ct, &c.shared, &pub, &c.message));
		CHECK_MEM(no_ct.bytes, c.ct.bytes, sizeof c.ct);
		CHECK_MEM(no_secret.bytes, c.shared.bytes, sizeof c.shared);
		set_coefficient(&pub, i, 3328);
		CHECK(kem_encapsulate_message(&c.ct, &c.shared, &pub, &c.message));
	}
}

/* ------------------------------------------------------------------ randomness */

static void fill_counting(void *context, void *out, size_t len)
{
	uint8_t *next = context, *p = out;
	for (size_t i = 0; i < len; i++)
		p[i] = (*next)++;
}

TEST(kem_takes_its_randomness_once)
{
	uint8_t next = 0;
	const struct rng rng = {fill_counting, &next};
	struct case_of_kem c;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared;
	kem_seed_generate(&c.seed, &rng);
	CHECK_EQ(64, next);
	for (uint8_t i = 0; i < 64; i++)
		CHECK_EQ(i, c.seed.bytes[i]);
	kem_keypair_derive(&c.pub, &c.secret, &c.seed);
	CHECK(kem_encapsulate(&ct, &shared, &c.pub, &rng));
	CHECK_EQ(96, next);
	for (uint8_t i = 0; i < 32; i++)
		c.message.bytes[i] = (uint8_t)(64 + i);
	CHECK(kem_encapsulate_message(&c.ct, &c.shared, &c.pub, &c.message));
	CHECK_MEM(c.ct.bytes, ct.bytes, sizeof ct);
	CHECK_MEM(c.shared.bytes, shared.bytes, sizeof shared);
	set_coefficient(&c.pub, 0, 3329);
	CHECK(!kem_encapsulate(&ct, &shared, &c.pub, &rng));
}

TEST(kem_self_test)
{
	CHECK(kem_self_test());
}
