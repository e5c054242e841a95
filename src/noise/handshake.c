#include "noise/handshake.h"

#include "base/bytes.h"
#include "crypto/secret.h"
#include "noise/symmetric.h"

#include <string.h>

#define CONSTRUCTION "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
#define IDENTIFIER   "WireGuard v1 zx2c4 Jason@zx2c4.com"

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

/* ---------------------------------------------------------------- tokens */

static void start(struct symmetric *s, const struct public_key *responder)
{
	symmetric_init(s, CONSTRUCTION, IDENTIFIER);
	symmetric_mix_hash(s, responder, sizeof *responder);
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

/* ---------------------------------------------------------------- the four halves */

bool initiation_create(struct message_initiation *msg, struct pending_handshake *pending,
	const struct local_identity *us, const struct remote_identity *them,
	const struct tai64n *stamp, uint32_t local_index, const struct rng *rng)
{
	struct symmetric s;
	struct private_key ephemeral;
	bool ok = false;

	private_key_generate(&ephemeral, rng);
	start(&s, &them->public_key);
	store_le32(msg->type, MESSAGE_INITIATION);
	store_le32(msg->sender_index, local_index);
	/* e */
	public_key_derive(&msg->ephemeral, &ephemeral);
	mix_ephemeral(&s, &msg->ephemeral);
	/* es */
	if (!mix_dh(&s, &ephemeral, &them->public_key))
		goto out;
	/* s */
	symmetric_encrypt_and_hash(&s, msg->sealed_static, &us->public_key, sizeof us->public_key);
	/* ss */
	if (!mix_static_static(&s, them))
		goto out;
	/* {timestamp} */
	symmetric_encrypt_and_hash(&s, msg->sealed_timestamp, stamp, sizeof *stamp);

	macs_set_mac1(msg, sizeof *msg, &them->macs);
	pending->ck = s.ck;
	pending->h = s.h;
	pending->ephemeral = ephemeral;
	pending->local_index = local_index;
	ok = true;
out:
	if (!ok) {
		secret_wipe(msg, sizeof *msg);
		secret_wipe(pending, sizeof *pending);
	}
	secret_wipe(&ephemeral, sizeof ephemeral);
	secret_wipe(&s, sizeof s);
	return ok;
}

bool initiation_open(struct opened_initiation *out, const struct message_initiation *msg,
	const struct local_identity *us)
{
	struct symmetric s;
	struct public_key remote_static;
	bool ok = false;

	start(&s, &us->public_key);
	/* e */
	mix_ephemeral(&s, &msg->ephemeral);
	/* es */
	if (!mix_dh(&s, &us->private_key, &msg->ephemeral))
		goto out;
	/* s */
	if (!symmetric_decrypt_and_hash(
		    &s, &remote_static, msg->sealed_static, sizeof msg->sealed_static))
		goto out;

	out->ck = s.ck;
	out->h = s.h;
	out->remote_ephemeral = msg->ephemeral;
	out->remote_static = remote_static;
	out->remote_index = load_le32(msg->sender_index);
	ok = true;
out:
	if (!ok)
		secret_wipe(out, sizeof *out);
	secret_wipe(&remote_static, sizeof remote_static);
	secret_wipe(&s, sizeof s);
	return ok;
}

bool initiation_accept(struct opened_initiation *opened, struct tai64n *stamp,
	const struct message_initiation *msg, const struct remote_identity *them)
{
	struct symmetric s = {.ck = opened->ck, .h = opened->h};
	bool ok = false;

	/* ss */
	if (!mix_static_static(&s, them))
		goto out;
	/* {timestamp} */
	if (!symmetric_decrypt_and_hash(
		    &s, stamp, msg->sealed_timestamp, sizeof msg->sealed_timestamp))
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

bool response_create(struct message_response *msg, struct session_keys *keys,
	struct opened_initiation *opened, const struct remote_identity *them, uint32_t local_index,
	const struct rng *rng)
{
	struct symmetric s = {.ck = opened->ck, .h = opened->h};
	struct private_key ephemeral;
	bool ok = false;

	private_key_generate(&ephemeral, rng);
	store_le32(msg->type, MESSAGE_RESPONSE);
	store_le32(msg->sender_index, local_index);
	store_le32(msg->receiver_index, opened->remote_index);
	/* e */
	public_key_derive(&msg->ephemeral, &ephemeral);
	mix_ephemeral(&s, &msg->ephemeral);
	/* ee */
	if (!mix_dh(&s, &ephemeral, &opened->remote_ephemeral))
		goto out;
	/* se */
	if (!mix_dh(&s, &ephemeral, &them->public_key))
		goto out;
	/* psk */
	symmetric_mix_key_and_hash(&s, &them->preshared_key, sizeof them->preshared_key);
	/* {} */
	symmetric_encrypt_and_hash(&s, msg->sealed_nothing, "", 0);

	macs_set_mac1(msg, sizeof *msg, &them->macs);
	symmetric_split(&s, &keys->receive, &keys->send);
	ok = true;
out:
	if (!ok) {
		secret_wipe(msg, sizeof *msg);
		secret_wipe(keys, sizeof *keys);
	}
	secret_wipe(opened, sizeof *opened);
	secret_wipe(&ephemeral, sizeof ephemeral);
	secret_wipe(&s, sizeof s);
	return ok;
}

bool response_open(struct session_keys *keys, const struct pending_handshake *pending,
	const struct message_response *msg, const struct local_identity *us,
	const struct remote_identity *them)
{
	struct symmetric s = {.ck = pending->ck, .h = pending->h};
	uint8_t nothing[1]; /* what is sealed is empty; an address is needed all the same */
	bool ok = false;

	/* e */
	mix_ephemeral(&s, &msg->ephemeral);
	/* ee */
	if (!mix_dh(&s, &pending->ephemeral, &msg->ephemeral))
		goto out;
	/* se */
	if (!mix_dh(&s, &us->private_key, &msg->ephemeral))
		goto out;
	/* psk */
	symmetric_mix_key_and_hash(&s, &them->preshared_key, sizeof them->preshared_key);
	/* {} */
	if (!symmetric_decrypt_and_hash(
		    &s, nothing, msg->sealed_nothing, sizeof msg->sealed_nothing))
		goto out;

	symmetric_split(&s, &keys->send, &keys->receive);
	ok = true;
out:
	if (!ok)
		secret_wipe(keys, sizeof *keys);
	secret_wipe(&s, sizeof s);
	return ok;
}
