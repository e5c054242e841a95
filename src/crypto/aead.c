#include "crypto/aead.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

#define NONCE_LEN 12

_Static_assert(AEAD_KEY_LEN == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "RFC 8439");
_Static_assert(AEAD_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha draft");
_Static_assert(AEAD_TAG_LEN == crypto_aead_chacha20poly1305_ietf_ABYTES, "RFC 8439");
_Static_assert(AEAD_TAG_LEN == crypto_aead_xchacha20poly1305_ietf_ABYTES, "XChaCha draft");
_Static_assert(NONCE_LEN == crypto_aead_chacha20poly1305_ietf_NPUBBYTES, "RFC 8439");
_Static_assert(XAEAD_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha draft");

/* [WP 5.4] */
static void nonce_make(uint8_t nonce[static NONCE_LEN], uint64_t counter)
{
	memset(nonce, 0, 4);
	store_le64(nonce + 4, counter);
}

void aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key)
{
	uint8_t nonce[NONCE_LEN];
	nonce_make(nonce, counter);
	crypto_aead_chacha20poly1305_ietf_encrypt(
		out, NULL, plain, len, ad, ad_len, NULL, nonce, key->bytes);
}

bool aead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key)
{
	uint8_t nonce[NONCE_LEN];
	nonce_make(nonce, counter);
	/* also -1 when len is shorter than the tag */
	return crypto_aead_chacha20poly1305_ietf_decrypt(
		       out, NULL, NULL, sealed, len, ad, ad_len, nonce, key->bytes) == 0;
}

void xaead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key)
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(
		out, NULL, plain, len, ad, ad_len, NULL, nonce, key->bytes);
}

bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key)
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt(
		       out, NULL, NULL, sealed, len, ad, ad_len, nonce, key->bytes) == 0;
}
