/*
 * The macs of handshake messages and cookie replies [WP 5.4.4, 5.4.7]. mac1
 * proves that the sender knows our public key and costs one hash; mac2 that it
 * can receive at its address, once we have sent it a cookie there.
 */
#ifndef ADIT_NOISE_MACS_H
#define ADIT_NOISE_MACS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/rng.h"
#include "noise/wire.h"

struct macs_keys { /* two hashes of a public key: of who checks mac1 and makes cookies */
	struct mac_key mac1;
	struct aead_key cookie;
};

void macs_keys_derive(struct macs_keys *keys, const struct public_key *pub);

/*
 * In all functions below `message` is whole, `len` bytes with both macs at its
 * end, at least sizeof(struct message_macs).
 */

/* Sets mac1, and mac2 to zeros. */
void macs_set_mac1(void *message, size_t len, const struct macs_keys *receiver);

/* Sets mac2; mac1 is set. */
void macs_set_mac2(void *message, size_t len, const struct mac_value *cookie);

bool macs_mac1_is_valid(const void *message, size_t len, const struct macs_keys *us);
bool macs_mac2_is_valid(const void *message, size_t len, const struct mac_value *cookie);

/* The mac1 that the message carries. */
struct mac_value macs_mac1(const void *message, size_t len);

/* Gives `cookie` to the sender of a message with this sender index and mac1. */
void cookie_reply_create(struct message_cookie_reply *reply, const uint8_t sender_index[static 4],
	const struct mac_value *mac1, const struct mac_value *cookie, const struct macs_keys *us,
	const struct rng *rng);

/* false: forged, or not an answer to the message with this mac1; `cookie` is then wiped. */
bool cookie_reply_open(struct mac_value *cookie, const struct message_cookie_reply *reply,
	const struct mac_value *mac1, const struct macs_keys *them);

#endif
