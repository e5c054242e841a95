#include "noise/handshake.h"

#include "base/bytes.h"
#include "crypto/secret.h"
#include "noise/symmetric.h"

#include <stddef.h>

/*
 * What the two handshakes differ in, but for the tokens e1 and ekem1, which only the
 * hybrid has. The names enter the transcript: no message of one is one of the other.
 */
static const struct pattern {
	const char *name; /* for people */
	const char *construction, *identifier;
	enum message_type initiation, response;
	uint32_t initiation_len, response_len;
} patterns[] = {
	[KEY_EXCHANGE_X25519] = {"x25519", "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s",
		"WireGuard v1 zx2c4 Jason@zx2c4.com", MESSAGE_INITIATION, MESSAGE_RESPONSE,
		MESSAGE_INITIATION_LEN, MESSAGE_RESPONSE_LEN},
	[KEY_EXCHANGE_HYBRID] = {"x25519+mlkem768",
		"Noise_IKhfs+psk2_25519+MLKEM768_ChaChaPoly_BLAKE2s", "adit hybrid v1",
		MESSAGE_HYBRID_INITIATION, MESSAGE_HYBRID_RESPONSE, MESSAGE_HYBRID_INITIATION_LEN,
		MESSAGE_HYBRID_RESPONSE_LEN},
};

/* What is the same in both, up to the ephemeral key. */
_Static_assert(offsetof(struct message_hybrid_initiation, ephemeral) ==
		       offsetof(struct message_initiation, ephemeral),
	"heads");
_Static_assert(offsetof(struct message_hybrid_response, ephemeral) ==
		       offsetof(struct message_response, ephemeral),
	"heads");

const char *key_exchange_name(enum key_exchange key_exchange)
{
	return patterns[key_exchange].name;
}

uint32_t initiation_len(enum key_exchange key_exchange)
{
	return patterns[key_exchange].initiation_len;
}

uint32_t response_len(enum key_exchange key_exchange)
{
	return patterns[key_exchange].response_len;
}

/* ---------------------------------------------------------------- identities */

void local_identity_init(struct local_identity *us, const struct private_key *priv)
{
	us->private_key = *priv;
	public_key_derive(&us->public_key, priv);
	macs_keys_derive(&us->macs, &us->public_key);
}

bool remote_identity_init(struct remote_identity *them, const struct local_identity *us,
	const struct public_key *pub, const struct preshared_key *psk)
{
	them->public_key = *pub;
	macs_keys_derive(&them->macs, pub);
	them->preshared_key = *psk;
	return dh(&them->static_static, &us->private_key, pub); /* wiped on failure: zeros */
}

/* ---------------------------------------------------------------- tokens
 * In their order they write and read a message from its ephemeral key on: each that
 * seals or opens a field moves *at behind it.
 */

static void start(
	struct symmetric *s, enum key_exchange key_exchange, const struct public_key *responder)
{
	const struct pattern *pattern = &patterns[key_exchange];
	symmetric_init(s, pattern->construction, pattern->identifier);
	symmetric_mix_hash(s, responder, sizeof *responder);
}

static void seal(struct symmetric *s, uint8_t **at, const void *plain, size_t len)
{
	symmetric_encrypt_and_hash(s, *at, plain, len);
	*at += len + AEAD_TAG_LEN;
}

static bool open(struct symmetric *s, void *plain, size_t len, const uint8_t **at)
{
	const uint8_t *sealed = *at;
	*at += len + AEAD_TAG_LEN;
	return symmetric_decrypt_and_hash(s, plain, sealed, len + AEAD_TAG_LEN);
}

/* e */
static void mix_ephemeral(struct symmetric *s, const struct public_key *ephemeral)
{
	symmetric_mix_hash(s, ephemeral, sizeof *ephemeral);
	symmetric_mix_key(s, ephemeral, sizeof *ephemeral);
}

/* es, ee, se */
static bool mix_dh(
	struct symmetric *s, const struct private_key *ours, const struct public_key *theirs)
{
	struct shared_secret secret;
	bool ok = dh(&secret, ours, theirs);
	if (ok)
		symmetric_mix_key(s, &secret, sizeof secret);
	secret_wipe(&secret, sizeof secret);
	return ok;
}

/* ss */
static bool mix_static_static(struct symmetric *s, const struct remote_identity *them)
{
	if (secret_is_zero(&them->static_static, sizeof them->static_static))
		return false; /* their key is a low-order point: anyone knows this secret */
	symmetric_mix_key(s, &them->static_static, sizeof them->static_static);
	return true;
}

/* e1, of the initiator. k(es) seals here first, and the static key after it. */
static void seal_kem_key(struct symmetric *s, uint8_t **at, const struct kem_seed *seed)
{
	struct kem_public_key pub;
	struct kem_secret_key secret;
	kem_keypair_derive(&pub, &secret, seed);
	seal(s, at, &pub, sizeof pub);
	secret_wipe(&secret, sizeof secret);
}

/* ekem1, of the responder. false: what was sealed in e1 is no key. */
static bool seal_ciphertext(
	struct symmetric *s, uint8_t **at, const struct kem_public_key *pub, const struct rng *rng)
{
	struct kem_ciphertext ciphertext;
	struct kem_shared_secret secret;
	bool ok = kem_encapsulate(&ciphertext, &secret, pub, rng);
	if (ok) {
		seal(s, at, &ciphertext, sizeof ciphertext);
		symmetric_mix_key(s, &secret, sizeof secret);
	}
	secret_wipe(&secret, sizeof secret);
	return ok;
}

/* ekem1, of the initiator: who forges makes us open, not decapsulate. */
static bool open_ciphertext(struct symmetric *s, const uint8_t **at, const struct kem_seed *seed)
{
	struct kem_public_key pub;
	struct kem_secret_key secret;
	struct kem_ciphertext ciphertext;
	struct kem_shared_secret shared;
	if (!open(s, &ciphertext, sizeof ciphertext, at))
		return false;
	kem_keypair_derive(&pub, &secret, seed);
	kem_decapsulate(&shared, &ciphertext, &secret);
	symmetric_mix_key(s, &shared, sizeof shared);
	secret_wipe(&secret, sizeof secret);
	secret_wipe(&shared, sizeof shared);
	return true;
}

/* ---------------------------------------------------------------- the four halves */

bool initiation_create(void *msg, struct pending_handshake *pending,
	const struct local_identity *us, const struct remote_identity *them,
	const struct initiation_terms *terms, const struct rng *rng)
{
	const struct pattern *pattern = &patterns[terms->key_exchange];
	bool is_hybrid = terms->key_exchange == KEY_EXCHANGE_HYBRID;
	struct message_initiation *head = msg;
	uint8_t *at = (uint8_t *)msg + offsetof(struct message_initiation, sealed_static);
	struct symmetric s;
	bool ok = false;

	*pending = (struct pending_handshake){
		.key_exchange = terms->key_exchange, .local_index = terms->local_index};
	private_key_generate(&pending->ephemeral, rng);
	start(&s, terms->key_exchange, &them->public_key);
	store_le32(head->type, pattern->initiation);
	store_le32(head->sender_index, terms->local_index);
	/* e */
	public_key_derive(&head->ephemeral, &pending->ephemeral);
	mix_ephemeral(&s, &head->ephemeral);
	/* es */
	if (!mix_dh(&s, &pending->ephemeral, &them->public_key))
		goto out;
	/* e1 */
	if (is_hybrid) {
		kem_seed_generate(&pending->kem_seed, rng);
		seal_kem_key(&s, &at, &pending->kem_seed);
	}
	/* s */
	seal(&s, &at, &us->public_key, sizeof us->public_key);
	/* ss */
	if (!mix_static_static(&s, them))
		goto out;
	/* {timestamp} */
	seal(&s, &at, &terms->stamp, sizeof terms->stamp);

	macs_set_mac1(msg, pattern->initiation_len, &them->macs);
	pending->ck = s.ck;
	pending->h = s.h;
	ok = true;
out:
	if (!ok) {
		secret_wipe(msg, pattern->initiation_len);
		secret_wipe(pending, sizeof *pending);
	}
	secret_wipe(&s, sizeof s);
	return ok;
}

bool initiation_open(struct opened_initiation *out, enum key_exchange key_exchange, const void *msg,
	const struct local_identity *us)
{
	const struct message_initiation *head = msg;
	const uint8_t *at =
		(const uint8_t *)msg + offsetof(struct message_initiation, sealed_static);
	struct symmetric s;
	bool ok = false;

	*out = (struct opened_initiation){.key_exchange = key_exchange};
	start(&s, key_exchange, &us->public_key);
	/* e */
	mix_ephemeral(&s, &head->ephemeral);
	/* es */
	if (!mix_dh(&s, &us->private_key, &head->ephemeral))
		goto out;
	/* e1 */
	if (key_exchange == KEY_EXCHANGE_HYBRID &&
		!open(&s, &out->remote_kem_key, sizeof out->remote_kem_key, &at))
		goto out;
	/* s */
	if (!open(&s, &out->remote_static, sizeof out->remote_static, &at))
		goto out;

	out->ck = s.ck;
	out->h = s.h;
	out->remote_ephemeral = head->ephemeral;
	out->remote_index = load_le32(head->sender_index);
	ok = true;
out:
	if (!ok)
		secret_wipe(out, sizeof *out);
	secret_wipe(&s, sizeof s);
	return ok;
}

bool initiation_accept(struct opened_initiation *opened, struct tai64n *stamp, const void *msg,
	const struct remote_identity *them)
{
	const uint8_t *at = (const uint8_t *)msg + initiation_len(opened->key_exchange) -
			    sizeof(struct message_macs) - (sizeof *stamp + AEAD_TAG_LEN);
	struct symmetric s = {.ck = opened->ck, .h = opened->h};
	bool ok = false;

	/* ss */
	if (!mix_static_static(&s, them))
		goto out;
	/* {timestamp} */
	if (!open(&s, stamp, sizeof *stamp, &at))
		goto out;

	opened->ck = s.ck;
	opened->h = s.h;
	ok = true;
out:
	if (!ok) {
		secret_wipe(stamp, sizeof *stamp);
		secret_wipe(opened, sizeof *opened);
	}
	secret_wipe(&s, sizeof s);
	return ok;
}

bool response_create(void *msg, struct session_keys *keys, struct opened_initiation *opened,
	const struct remote_identity *them, uint32_t local_index, const struct rng *rng)
{
	const struct pattern *pattern = &patterns[opened->key_exchange];
	struct message_response *head = msg;
	uint8_t *at = (uint8_t *)msg + offsetof(struct message_response, sealed_nothing);
	struct symmetric s = {.ck = opened->ck, .h = opened->h};
	struct private_key ephemeral;
	bool ok = false;

	private_key_generate(&ephemeral, rng);
	store_le32(head->type, pattern->response);
	store_le32(head->sender_index, local_index);
	store_le32(head->receiver_index, opened->remote_index);
	/* e */
	public_key_derive(&head->ephemeral, &ephemeral);
	mix_ephemeral(&s, &head->ephemeral);
	/* ee */
	if (!mix_dh(&s, &ephemeral, &opened->remote_ephemeral))
		goto out;
	/* ekem1 */
	if (opened->key_exchange == KEY_EXCHANGE_HYBRID &&
		!seal_ciphertext(&s, &at, &opened->remote_kem_key, rng))
		goto out;
	/* se */
	if (!mix_dh(&s, &ephemeral, &them->public_key))
		goto out;
	/* psk */
	symmetric_mix_key_and_hash(&s, &them->preshared_key, sizeof them->preshared_key);
	/* {} */
	seal(&s, &at, "", 0);

	macs_set_mac1(msg, pattern->response_len, &them->macs);
	symmetric_split(&s, &keys->receive, &keys->send);
	ok = true;
out:
	if (!ok) {
		secret_wipe(msg, pattern->response_len);
		secret_wipe(keys, sizeof *keys);
	}
	secret_wipe(opened, sizeof *opened);
	secret_wipe(&ephemeral, sizeof ephemeral);
	secret_wipe(&s, sizeof s);
	return ok;
}

bool response_open(struct session_keys *keys, const struct pending_handshake *pending,
	const void *msg, const struct local_identity *us, const struct remote_identity *them)
{
	const struct message_response *head = msg;
	const uint8_t *at =
		(const uint8_t *)msg + offsetof(struct message_response, sealed_nothing);
	struct symmetric s = {.ck = pending->ck, .h = pending->h};
	uint8_t nothing[1]; /* what is sealed is empty; an address is needed all the same */
	bool ok = false;

	/* e */
	mix_ephemeral(&s, &head->ephemeral);
	/* ee */
	if (!mix_dh(&s, &pending->ephemeral, &head->ephemeral))
		goto out;
	/* ekem1 */
	if (pending->key_exchange == KEY_EXCHANGE_HYBRID &&
		!open_ciphertext(&s, &at, &pending->kem_seed))
		goto out;
	/* se */
	if (!mix_dh(&s, &us->private_key, &head->ephemeral))
		goto out;
	/* psk */
	symmetric_mix_key_and_hash(&s, &them->preshared_key, sizeof them->preshared_key);
	/* {} */
	if (!open(&s, nothing, 0, &at))
		goto out;

	symmetric_split(&s, &keys->send, &keys->receive);
	ok = true;
out:
	if (!ok)
		secret_wipe(keys, sizeof *keys);
	secret_wipe(&s, sizeof s);
	return ok;
}
