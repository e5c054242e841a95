/*
 * The messages as they lie on the wire [WP 5.4]. Every member is a byte string,
 * so a message may lie at any address and has no padding.
 */
#ifndef ADIT_NOISE_WIRE_H
#define ADIT_NOISE_WIRE_H

#include <stdint.h>

#include "crypto/aead.h"
#include "crypto/dh.h"
#include "crypto/hash.h"
#include "crypto/kem.h"

#define TAI64N_LEN 12

/* Which of the two handshakes: that of the whitepaper, or ours with ML-KEM-768 beside it. */
enum key_exchange {
	KEY_EXCHANGE_X25519,
	KEY_EXCHANGE_HYBRID, /* X25519 and ML-KEM-768: IKhfs+psk2 */
};

enum message_type { /* little-endian 32 bit: the three upper bytes are zero */
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE = 2,
	MESSAGE_COOKIE_REPLY = 3,
	MESSAGE_DATA = 4,
	MESSAGE_HYBRID_INITIATION = 0x11, /* WireGuard drops these two as unknown */
	MESSAGE_HYBRID_RESPONSE = 0x12,
};

struct message_macs {
	struct mac_value mac1; /* over all before it */
	struct mac_value mac2; /* over all before it, mac1 included */
};

struct message_initiation {
	uint8_t type[4];
	uint8_t sender_index[4];
	struct public_key ephemeral;
	uint8_t sealed_static[DH_LEN + AEAD_TAG_LEN];
	uint8_t sealed_timestamp[TAI64N_LEN + AEAD_TAG_LEN];
	struct message_macs macs;
};

struct message_response {
	uint8_t type[4];
	uint8_t sender_index[4];
	uint8_t receiver_index[4];
	struct public_key ephemeral;
	uint8_t sealed_nothing[AEAD_TAG_LEN];
	struct message_macs macs;
};

/* The hybrid messages: the same members, and one more behind the ephemeral key. */
struct message_hybrid_initiation {
	uint8_t type[4];
	uint8_t sender_index[4];
	struct public_key ephemeral;
	uint8_t sealed_kem_key[KEM_PUBLIC_KEY_LEN + AEAD_TAG_LEN];
	uint8_t sealed_static[DH_LEN + AEAD_TAG_LEN];
	uint8_t sealed_timestamp[TAI64N_LEN + AEAD_TAG_LEN];
	struct message_macs macs;
};

struct message_hybrid_response {
	uint8_t type[4];
	uint8_t sender_index[4];
	uint8_t receiver_index[4];
	struct public_key ephemeral;
	uint8_t sealed_ciphertext[KEM_CIPHERTEXT_LEN + AEAD_TAG_LEN];
	uint8_t sealed_nothing[AEAD_TAG_LEN];
	struct message_macs macs;
};

struct message_cookie_reply {
	uint8_t type[4];
	uint8_t receiver_index[4];
	uint8_t nonce[XAEAD_NONCE_LEN];
	uint8_t sealed_cookie[MAC_LEN + AEAD_TAG_LEN];
};

struct message_data_header {
	uint8_t type[4];
	uint8_t receiver_index[4];
	uint8_t counter[8];
};

#define MESSAGE_INITIATION_LEN	      148
#define MESSAGE_RESPONSE_LEN	      92
#define MESSAGE_COOKIE_REPLY_LEN      64
#define MESSAGE_DATA_HEADER_LEN	      16
#define MESSAGE_DATA_MIN_LEN	      (MESSAGE_DATA_HEADER_LEN + AEAD_TAG_LEN) /* a keepalive */
#define MESSAGE_HYBRID_INITIATION_LEN 1348
#define MESSAGE_HYBRID_RESPONSE_LEN   1196 /* less than what it answers: nothing is amplified */
#define MESSAGE_HANDSHAKE_MAX	      MESSAGE_HYBRID_INITIATION_LEN

_Static_assert(sizeof(struct message_initiation) == MESSAGE_INITIATION_LEN, "WP 5.4.2");
_Static_assert(sizeof(struct message_response) == MESSAGE_RESPONSE_LEN, "WP 5.4.3");
_Static_assert(sizeof(struct message_cookie_reply) == MESSAGE_COOKIE_REPLY_LEN, "WP 5.4.7");
_Static_assert(sizeof(struct message_data_header) == MESSAGE_DATA_HEADER_LEN, "WP 5.4.6");
_Static_assert(sizeof(struct message_hybrid_initiation) == MESSAGE_HYBRID_INITIATION_LEN, "0x11");
_Static_assert(sizeof(struct message_hybrid_response) == MESSAGE_HYBRID_RESPONSE_LEN, "0x12");

#endif
