/*
 * Noise's symmetric state [Noise 5.2]: chaining key, transcript hash, and the
 * AEAD key of the moment with its counter. WireGuard passes counter 0 to every
 * AEAD because it uses each key once [WP 5.4]; a pattern that uses a key twice
 * must not, so the counter lives here and nobody passes one.
 *
 * The chaining key and the hash are all that outlives a message: no pattern of
 * ours seals under a key that came with an earlier one.
 *
 * The state is a secret of one call: whoever declares one wipes it.
 */
#ifndef ADIT_NOISE_SYMMETRIC_H
#define ADIT_NOISE_SYMMETRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/hash.h"

struct symmetric {
	struct chaining_key ck;
	struct hash_value h;
	struct aead_key key; /* of the last mix_key; before the first there is nothing to seal */
	uint64_t counter;    /* of the next AEAD under `key` */
};

/* ck = HASH(construction), h = HASH(ck || identifier); both are strings [WP 5.4.2]. */
void symmetric_init(struct symmetric *s, const char *construction, const char *identifier);

/* h = HASH(h || data) */
void symmetric_mix_hash(struct symmetric *s, const void *data, size_t len);

/*
 * (ck, key) = KDF2(ck, input), counter 0. Also where the paper writes
 * ck = KDF1(ck, input): the first output is the same, and the key goes unused.
 */
void symmetric_mix_key(struct symmetric *s, const void *input, size_t len);

/* (ck, tau, key) = KDF3(ck, input), h = HASH(h || tau), counter 0 */
void symmetric_mix_key_and_hash(struct symmetric *s, const void *input, size_t len);

/* Seals with h as associated data, and mixes what was sealed: len + AEAD_TAG_LEN bytes of `out`. */
void symmetric_encrypt_and_hash(struct symmetric *s, uint8_t *out, const void *plain, size_t len);

/*
 * The reverse; `len` counts the tag, `out` has len - AEAD_TAG_LEN bytes and does
 * not overlap `sealed`. false: forged; the state is as before, `out` is undefined.
 */
bool symmetric_decrypt_and_hash(struct symmetric *s, void *out, const uint8_t *sealed, size_t len);

/* (from_initiator, from_responder) = KDF2(ck, ""): the keys of the session [WP 5.4.5]. */
void symmetric_split(const struct symmetric *s, struct aead_key *from_initiator,
	struct aead_key *from_responder);

#endif
