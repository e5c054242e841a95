#include "crypto/kem.h"

#include "crypto/hash.h"
#include "crypto/kem_inner.h"
#include "crypto/secret.h"

/*
 * Secrets lie in the frames of the inner functions, in what their authors declared and
 * wherever the compiler put what did not fit into registers. So each public function
 * calls an inner one, in another file and therefore with a frame of its own, and then
 * wipes the stack from the same depth.
 */
__attribute__((noinline)) static void wipe_stack(void)
{
	uint8_t dead[KEM_STACK_MAX];
	secret_wipe(dead, sizeof dead);
}

void kem_seed_generate(struct kem_seed *seed, const struct rng *rng)
{
	rng_fill(rng, seed->bytes, sizeof seed->bytes);
}

void kem_keypair_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	kem_inner_derive(pub, secret, seed);
	wipe_stack();
}

bool kem_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct rng *rng)
{
	struct kem_message message;
	rng_fill(rng, message.bytes, sizeof message.bytes);
	bool is_good = kem_encapsulate_message(ct, shared, pub, &message);
	secret_wipe(&message, sizeof message);
	return is_good;
}

bool kem_encapsulate_message(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message)
{
	bool is_good = kem_inner_encapsulate(ct, shared, pub, message);
	wipe_stack();
	if (!is_good) {
		secret_wipe(ct, sizeof *ct);
		secret_wipe(shared, sizeof *shared);
	}
	return is_good;
}

void kem_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	kem_inner_decapsulate(shared, ct, secret);
	wipe_stack();
}

bool kem_self_test(void)
{
	/* of the slow implementation of the tests */
	static const uint8_t expected[HASH_LEN] = {0x50, 0xac, 0xb8, 0x7c, 0x63, 0xe2, 0x97, 0x25,
		0xce, 0xc6, 0x1a, 0xe5, 0xb9, 0x1b, 0x40, 0xe3, 0xeb, 0x41, 0xfa, 0x90, 0xfd, 0x3d,
		0xce, 0xa4, 0xf5, 0xcf, 0x88, 0x8e, 0x66, 0x6f, 0xc8, 0xc9};
	const struct kem_seed seed = {"a seed of which everybody may know, and what is made of it"};
	const struct kem_message message = {"and a message, known as well"};
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
	struct kem_shared_secret shared, got;
	kem_keypair_derive(&pub, &secret, &seed);
	bool is_good = kem_encapsulate_message(&ct, &shared, &pub, &message);
	kem_decapsulate(&got, &ct, &secret);
	is_good &= secret_is_equal(&got, &shared, sizeof got);
	struct blake2s all;
	blake2s_init(&all, HASH_LEN, NULL, 0);
	blake2s_update(&all, &pub, sizeof pub);
	blake2s_update(&all, &secret, sizeof secret);
	blake2s_update(&all, &ct, sizeof ct);
	blake2s_update(&all, &shared, sizeof shared);
	ct.bytes[0] ^= 1;
	kem_decapsulate(&got, &ct, &secret);
	blake2s_update(&all, &got, sizeof got);
	uint8_t digest[HASH_LEN];
	blake2s_final(&all, digest);
	return is_good && secret_is_equal(digest, expected, sizeof digest);
}
