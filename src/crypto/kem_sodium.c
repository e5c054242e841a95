/* ML-KEM-768 of libsodium, from 1.0.22 on. */
#include "crypto/kem_inner.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(KEM_SEED_LEN == crypto_kem_mlkem768_SEEDBYTES, "d, z");
_Static_assert(KEM_PUBLIC_KEY_LEN == crypto_kem_mlkem768_PUBLICKEYBYTES, "ek");
_Static_assert(KEM_SECRET_KEY_LEN == crypto_kem_mlkem768_SECRETKEYBYTES, "dk");
_Static_assert(KEM_CIPHERTEXT_LEN == crypto_kem_mlkem768_CIPHERTEXTBYTES, "c");
_Static_assert(KEM_SECRET_LEN == crypto_kem_mlkem768_SHAREDSECRETBYTES, "K");

void kem_inner_derive(
	struct kem_public_key *pub, struct kem_secret_key *secret, const struct kem_seed *seed)
{
	crypto_kem_mlkem768_seed_keypair(pub->bytes, secret->bytes, seed->bytes);
}

bool kem_inner_encapsulate(struct kem_ciphertext *ct, struct kem_shared_secret *shared,
	const struct kem_public_key *pub, const struct kem_message *message)
{
	return crypto_kem_mlkem768_enc_deterministic(
		       ct->bytes, shared->bytes, pub->bytes, message->bytes) == 0;
}

void kem_inner_decapsulate(struct kem_shared_secret *shared, const struct kem_ciphertext *ct,
	const struct kem_secret_key *secret)
{
	int failed = crypto_kem_mlkem768_dec(shared->bytes, ct->bytes, secret->bytes);
	assert(failed == 0);
	(void)failed;
}
