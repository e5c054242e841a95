/*
 * Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s as WireGuard uses it [WP 5.4]: making
 * and opening the two messages of a handshake. Pure functions over plain data:
 * no clock, no table of peers. Opening an initiation gives the sender's static
 * key by value; the device looks the peer up and calls again to accept.
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

struct pending_handshake { /* the initiator's, between initiation and response */
	struct chaining_key ck;
	struct hash_value h;
	struct private_key ephemeral;
	uint32_t local_index;
};

struct opened_initiation { /* the responder's, from open to response */
	struct chaining_key ck;
	struct hash_value h;
	struct public_key remote_ephemeral;
	struct public_key remote_static; /* not authenticated before initiation_accept */
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

/*
 * Makes an initiation with a fresh ephemeral key; mac1 is set, mac2 zero: it
 * covers the finished message, so whoever has a cookie adds it afterwards.
 * `pending` is overwritten. false (and both outputs wiped) when a DH gives zero.
 * [WP 5.4.2]
 */
bool initiation_create(struct message_initiation *msg, struct pending_handshake *pending,
	const struct local_identity *us, const struct remote_identity *them,
	const struct tai64n *stamp, uint32_t local_index, const struct rng *rng);

/*
 * e, es, s: finds out who says it is. Needs a valid mac1, which alone vouches for
 * type and sender index. One DH, one AEAD. false (and `out` wiped): forged.
 */
bool initiation_open(struct opened_initiation *out, const struct message_initiation *msg,
	const struct local_identity *us);

/*
 * ss, timestamp: proves it. The caller compares the stamp with the latest one.
 * false (and `opened` and `stamp` wiped): not from `them`.
 */
bool initiation_accept(struct opened_initiation *opened, struct tai64n *stamp,
	const struct message_initiation *msg, const struct remote_identity *them);

/*
 * Answers an accepted initiation; `opened` is wiped whatever the outcome. mac1 is
 * set, mac2 zero as in an initiation. false (and the outputs wiped) when a DH
 * gives zero. [WP 5.4.3]
 */
bool response_create(struct message_response *msg, struct session_keys *keys,
	struct opened_initiation *opened, const struct remote_identity *them, uint32_t local_index,
	const struct rng *rng);

/*
 * Completes our handshake; `pending` is the one that the response's receiver
 * index names. It is not touched, so a forged response disturbs nothing: the
 * caller wipes it after success. false (and `keys` wiped): forged, or another
 * preshared key.
 */
bool response_open(struct session_keys *keys, const struct pending_handshake *pending,
	const struct message_response *msg, const struct local_identity *us,
	const struct remote_identity *them);

#endif
