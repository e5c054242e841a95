/*
 * Two ends of a handshake for tests: an initiator i and a responder r that know
 * each other, an rng for both, and everything that goes between them. Each step
 * works on the members, so a test spoils one of them and tries the next step. What
 * no step has filled yet is full of 0xaa, so that a wipe shows.
 */
#ifndef ADIT_TESTS_ENDS_H
#define ADIT_TESTS_ENDS_H

#include <stdbool.h>

#include "noise/handshake.h"

struct stream { /* an rng: bytes that count up from `next` (scripted), or splitmix64 (seeded) */
	uint64_t seed;
	uint8_t next;
	bool is_scripted;
};

void stream_fill(void *context, void *out, size_t len);

struct ends {
	struct local_identity i, r;	       /* initiator, responder */
	struct remote_identity r_of_i, i_of_r; /* as i knows r, as r knows i */
	struct stream stream;
	struct rng rng;
	enum key_exchange key_exchange; /* X25519 until a test says otherwise */
	struct tai64n stamp;
	union {
		struct message_initiation initiation;
		struct message_hybrid_initiation hybrid_initiation;
	};
	struct pending_handshake pending;
	struct opened_initiation opened;
	union {
		struct message_response response;
		struct message_hybrid_response hybrid_response;
	};
	struct session_keys keys_i, keys_r;
};

/* Keys, preshared key and stamp come from the seed. false: the keys do not fit each other. */
bool ends_init(struct ends *e, uint64_t seed);

/* S_i = 00.., S_r = 20.., preshared key e0.., each byte one more than the last. */
bool ends_init_known(struct ends *e);

bool ends_initiate(struct ends *e); /* index 0x11223344 */
bool ends_open(struct ends *e);
bool ends_respond(struct ends *e); /* opens, accepts, answers; index 0x55667788 */
bool ends_complete(struct ends *e);

bool initiation_mac1_is_valid(const struct ends *e);
bool response_mac1_is_valid(const struct ends *e);

/* What anybody can do who knows the receiver's public key. */
void initiation_remac(struct ends *e);
void response_remac(struct ends *e);

#endif
