/*
 * What an AEAD kernel is: a few functions for one kind of vector unit. ChaCha20
 * [RFC 8439 2.3] goes vertically, a block of key stream in each lane of the vectors, and
 * each lane has a key, nonce and block number of its own; so the blocks of any mix of
 * packets fill the lanes. Poly1305 is either woven into that, or makes tags of whole
 * messages. What goes where is src/crypto/aead_batch.c's business. Only for the kernels
 * and for who drives them. Kernels keep nothing between calls.
 */
#ifndef ADIT_CRYPTO_AEAD_OPS_H
#define ADIT_CRYPTO_AEAD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHACHA_LANES_MAX   32
#define CHACHA_BLOCK_LEN   64
#define POLY1305_BLOCK_LEN 16

/* The part of ChaCha20's state that is not the same everywhere: word by word, by lanes. */
struct chacha_lanes {
	uint32_t key[8][CHACHA_LANES_MAX];
	uint32_t block[CHACHA_LANES_MAX];
	uint32_t counter_low[CHACHA_LANES_MAX], counter_high[CHACHA_LANES_MAX];
} __attribute__((aligned(64)));

struct poly1305 { /* see src/crypto/poly1305.h */
#ifdef __SIZEOF_INT128__
	uint64_t h0, h1, h2, r0, r1;
#else
	uint32_t h[5], r[5];
#endif
};

/* Whole blocks that a call of blocks() may take up on the way, from the front. */
struct poly1305_weft {
	struct poly1305 mac;
	const uint8_t *text;
	size_t blocks;
};

struct poly1305_message { /* without associated data, as the AEAD lays it out [RFC 8439 2.8] */
	const uint8_t *text;
	size_t len;
	uint8_t key[32], tag[16];
};

struct aead_ops {
	unsigned lanes; /* of a full call of blocks(), up to CHACHA_LANES_MAX */
	bool weaves;	/* blocks() takes up some of the weft; else poly_many() makes most tags */
	unsigned many;	/* so many messages fill poly_many() */
	/* `count` blocks of key stream; `stream` has room for all lanes. */
	void (*blocks)(uint8_t *stream, const struct chacha_lanes *lanes, unsigned count,
		struct poly1305_weft *weft);
	/* text ^= stream; len bytes */
	void (*add)(uint8_t *text, const uint8_t *stream, size_t len);
	/* Of one message, and, NULL if it weaves, of up to `many` at once: the tags. */
	void (*poly)(struct poly1305_message *message);
	void (*poly_many)(struct poly1305_message *messages, unsigned count);
};

extern const struct aead_ops aead_portable;
#ifdef __x86_64__
extern const struct aead_ops aead_avx2, aead_avx512;
#endif

#endif
