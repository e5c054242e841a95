/*
 * ML-KEM's decoders: any bytes as a public key or as a ciphertext, or honest ones that
 * were changed, against the slow implementation. What is no key is refused with nothing
 * given out; what is no ciphertext gives the secret that the standard says.
 */
#include <string.h>

#include "crypto/kem.h"
#include "crypto/secret.h"
#include "fuzz/fuzz.h"
#include "unit/slow_kem.h"

struct made {
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ct;
};

/* One key pair and a ciphertext for it, made once. */
static const struct made *made(void)
{
	static struct made m;
	static bool is_made;
	if (!is_made) {
		const struct kem_seed seed = {"key"};
		const struct kem_message message = {"message"};
		struct kem_shared_secret shared, got;
		kem_keypair_derive(&m.pub, &m.secret, &seed);
		REQUIRE(kem_encapsulate_message(&m.ct, &shared, &m.pub, &message));
		kem_decapsulate(&got, &m.ct, &m.secret);
		REQUIRE(!memcmp(&got, &shared, sizeof got));
		is_made = true;
	}
	return &m;
}

static void try_key(const struct kem_public_key *pub, const struct kem_message *message)
{
	struct kem_ciphertext ct, slow_ct;
	struct kem_shared_secret shared, slow_shared;
	bool is_good = kem_encapsulate_message(&ct, &shared, pub, message);
	REQUIRE(is_good == slow_kem_is_key(pub));
	if (!is_good) {
		REQUIRE(secret_is_zero(&ct, sizeof ct) && secret_is_zero(&shared, sizeof shared));
		return;
	}
	slow_kem_encapsulate(&slow_ct, &slow_shared, pub, message);
	REQUIRE(!memcmp(&ct, &slow_ct, sizeof ct));
	REQUIRE(!memcmp(&shared, &slow_shared, sizeof shared));
}

static void try_ciphertext(const struct kem_ciphertext *ct)
{
	struct kem_shared_secret shared, slow_shared;
	kem_decapsulate(&shared, ct, &made()->secret);
	slow_kem_decapsulate(&slow_shared, ct, &made()->secret);
	REQUIRE(!memcmp(&shared, &slow_shared, sizeof shared));
}

FUZZ(kem)
{
	struct made m = *made();
	struct kem_message message;
	switch (input_u8(in) % 4) {
	case 0:
		input_fill(in, &m.pub, sizeof m.pub);
		input_fill(in, &message, sizeof message);
		try_key(&m.pub, &message);
		break;
	case 1:
		input_fill(in, &message, sizeof message);
		while (in->len)
			input_spoil(in, m.pub.bytes, sizeof m.pub.bytes);
		try_key(&m.pub, &message);
		break;
	case 2:
		input_fill(in, &m.ct, sizeof m.ct);
		try_ciphertext(&m.ct);
		break;
	default:
		while (in->len)
			input_spoil(in, m.ct.bytes, sizeof m.ct.bytes);
		try_ciphertext(&m.ct);
	}
}
