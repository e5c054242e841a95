/*
 * ChaCha20-Poly1305 [RFC 8439] with the protocol's nonce, 32 zero bits and a
 * 64-bit little-endian counter, and XChaCha20-Poly1305 for cookie replies.
 * In place is allowed everywhere. A failed open leaves the output undefined.
 */
#ifndef ADIT_CRYPTO_AEAD_H
#define ADIT_CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_LEN	32
#define AEAD_TAG_LEN	16
#define XAEAD_NONCE_LEN 24

struct aead_key {
	uint8_t bytes[AEAD_KEY_LEN];
};

/* out has len + AEAD_TAG_LEN bytes. */
void aead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key);

/* len counts the tag; out has len - AEAD_TAG_LEN bytes. false: forged, or len is too short. */
bool aead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	uint64_t counter, const struct aead_key *key);

/*
 * One packet of a batch without associated data, in place: `text` has len bytes
 * of plaintext and room for the tag behind it (seal), or len bytes with the tag
 * included (open). Keys may differ from packet to packet.
 */
struct aead_packet {
	uint8_t *text;
	size_t len;
	uint64_t counter;
	const struct aead_key *key;
	bool ok; /* set by aead_open_batch */
};

/*
 * The text of a packet that is not ok is undefined; within its len nothing is promised,
 * beyond it, and when sealing beyond the tag, nothing is touched. Any thread may call these.
 */
void aead_seal_batch(struct aead_packet *packets, size_t count);
void aead_open_batch(struct aead_packet *packets, size_t count);

/* Whose code batches are sealed and opened with. All else is libsodium's always. */
enum aead_kernel {
	AEAD_AUTO, /* the fastest that works here */
	AEAD_LIBSODIUM,
	AEAD_PORTABLE,
	AEAD_AVX2,
	AEAD_AVX512,
	AEAD_KERNEL_COUNT
};

enum aead_verdict {
	AEAD_UNTRIED,
	AEAD_GOOD,
	AEAD_MISSING, /* not for this processor or system, or not in this build */
	AEAD_BROKEN   /* its self-test failed */
};

struct aead_choice {
	enum aead_kernel used; /* never AEAD_AUTO */
	enum aead_verdict verdicts[AEAD_KERNEL_COUNT];
};

/*
 * Once at the start, after crypto_init() and before other threads: tests the kernel
 * that is wished for, for AEAD_AUTO one after the other until one is good, and takes it
 * into use; where none is good, libsodium. Milliseconds. Before, libsodium is in use.
 */
struct aead_choice aead_choose(enum aead_kernel wish);

/* As the configuration calls it. */
const char *aead_kernel_name(enum aead_kernel kernel);

void xaead_seal(uint8_t *out, const uint8_t *plain, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key);
bool xaead_open(uint8_t *out, const uint8_t *sealed, size_t len, const void *ad, size_t ad_len,
	const uint8_t nonce[static XAEAD_NONCE_LEN], const struct aead_key *key);

#endif
