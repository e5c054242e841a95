/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it [WP 5.4], and the
 * same pattern with Noise's modifier hfs and ML-KEM-768 [FIPS 203]: making and
 * opening the two messages of a handshake. Pure functions over plain data: no
 * clock, no table of peers, no policy. Opening an initiation gives the sender's
 * static key by value; the device looks the peer up and calls again to accept.
 *
 * A message is a void pointer here: to a struct message_initiation or _response,
 * or to the hybrid one, as the enum key_exchange beside it says.
 *
 * All structs here hold secrets unless said otherwise: they live in the arena
 * or on the stack of one call, and whoever declares one wipes it.
 */
#ifndef ADIT_NOISE_HANDSHAKE_H
#define ADIT_NOISE_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "noise/macs.h"
#include "noise/tai64n.h"
#include "noise/wire.h"

struct local_identity { /* ours */
	struct private_key private_key;
	struct public_key public_key;
	struct macs_keys macs; /* check what we receive */
};

struct remote_identity { /* a peer's, and what we share with it from the start */
	struct public_key public_key;
	struct macs_keys macs;		    /* for what we send to it */
	struct shared_secret static_static; /* DH(ours, theirs), computed once */
	struct preshared_key preshared_key; /* all zero: none */
};

struct initiation_terms { /* what the device decides about an initiation */
	enum key_exchange key_exchange;
	uint32_t local_index;
	struct tai64n stamp;
};

struct pending_handshake { /* the initiator's, between initiation and response */
	enum key_exchange key_exchange;
	uint32_t local_index;
	struct chaining_key ck;
	struct hash_value h;
	struct private_key ephemeral;
	struct kem_seed kem_seed; /* of the hybrid's other ephemeral key; else zeros */
};

struct opened_initiation { /* the responder's, from open to response */
	enum key_exchange key_exchange;
	struct chaining_key ck;
	struct hash_value h;
	struct public_key remote_ephemeral;
	struct kem_public_key remote_kem_key; /* bytes only, unchecked; of the hybrid */
	struct public_key remote_static;      /* not authenticated before initiation_accept */
	uint32_t remote_index;
};

struct session_keys {
	struct aead_key send, receive;
};

void local_identity_init(struct local_identity *us, const struct private_key *priv);

/*
 * Computes the static-static secret once. false when `pub` is a low-order point:
 * such a peer can never shake hands; the rest is filled in all the same, with a
 * static_static of zeros, which the functions below refuse.
 */
bool remote_identity_init(struct remote_identity *them, const struct local_identity *us,
	const struct public_key *pub, const struct preshared_key *psk);

/* "x25519" or "x25519+mlkem768" */
const char *key_exchange_name(enum key_exchange key_exchange);

/* Bytes of a whole message. */
uint32_t initiation_len(enum key_exchange key_exchange);
uint32_t response_len(enum key_exchange key_exchange);

/*
 * Makes an initiation with fresh ephemeral keys; mac1 is set, mac2 zero: it
 * covers the finished message, so whoever has a cookie adds it afterwards.
 * `pending` is overwritten. false (and both outputs wiped) when a DH gives zero.
 * [WP 5.4.2]
 */
bool initiation_create(void *msg, struct pending_handshake *pending,
	const struct local_identity *us, const struct remote_identity *them,
	const struct initiation_terms *terms, const struct rng *rng);

/*
 * e, es, e1, s: finds out who says it is. Needs the exact length and a valid mac1,
 * which alone vouches for type and sender index. One DH, one AEAD, or two; nothing
 * of ML-KEM. false (and `out` wiped): forged.
 */
bool initiation_open(struct opened_initiation *out, enum key_exchange key_exchange, const void *msg,
	const struct local_identity *us);

/*
 * ss, timestamp: proves it. The caller compares the stamp with the latest one.
 * false (and `opened` and `stamp` wiped): not from `them`.
 */
bool initiation_accept(struct opened_initiation *opened, struct tai64n *stamp, const void *msg,
	const struct remote_identity *them);

/*
 * Answers an accepted initiation in its own kind; `opened` is wiped whatever the
 * outcome. mac1 is set, mac2 zero as in an initiation. This is where ML-KEM costs
 * time: whoever calls has judged the stamp and the rate before. false (and the
 * outputs wiped) when a DH gives zero, or the hybrid's key is none [FIPS 203 7.2].
 * [WP 5.4.3]
 */
bool response_create(void *msg, struct session_keys *keys, struct opened_initiation *opened,
	const struct remote_identity *them, uint32_t local_index, const struct rng *rng);

/*
 * Completes our handshake; `pending` is the one that the response's receiver
 * index names, and the message is of its kind. It is not touched, so a forged
 * response disturbs nothing: the caller wipes it after success. false (and `keys`
 * wiped): forged, or another preshared key.
 */
bool response_open(struct session_keys *keys, const struct pending_handshake *pending,
	const void *msg, const struct local_identity *us, const struct remote_identity *them);

#endif
