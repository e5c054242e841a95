#include "crypto/dh.h"

#include <sodium.h>

#include "crypto/secret.h"

_Static_assert(DH_LEN == crypto_scalarmult_BYTES, "X25519");
_Static_assert(DH_LEN == crypto_scalarmult_SCALARBYTES, "X25519");

void private_key_clamp(struct private_key *key)
{
	key->bytes[0] &= 0xf8;
	key->bytes[31] = (uint8_t)((key->bytes[31] & 0x7f) | 0x40);
}

void private_key_generate(struct private_key *key, const struct rng *rng)
{
	rng_fill(rng, key->bytes, sizeof key->bytes);
	private_key_clamp(key);
}

void public_key_derive(struct public_key *pub, const struct private_key *priv)
{
	/* cannot fail: the base point has prime order, a clamped scalar is no multiple of it */
	crypto_scalarmult_base(pub->bytes, priv->bytes);
}

/*
 * libsodium clamps a copy of the scalar, refuses points of low order and a zero result.
 * What it returns is made of the secret, so no jump before secret_is_zero has seen it.
 */
bool dh(struct shared_secret *out, const struct private_key *priv, const struct public_key *pub)
{
	int failed = crypto_scalarmult(out->bytes, priv->bytes, pub->bytes);
	bool is_good = secret_is_zero(&failed, sizeof failed);
	if (!is_good)
		secret_wipe(out, sizeof *out);
	return is_good;
}
