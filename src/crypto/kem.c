#include "crypto/kem.h"

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
