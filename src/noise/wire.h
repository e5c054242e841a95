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

#define TAI64N_LEN 12

enum message_type { /* little-endian 32 bit: the three upper bytes are zero */
	MESSAGE_INITIATION = 1,
	MESSAGE_RESPONSE = 2,
	MESSAGE_COOKIE_REPLY = 3,
	MESSAGE_DATA = 4,
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

#define MESSAGE_INITIATION_LEN	 148
#define MESSAGE_RESPONSE_LEN	 92
#define MESSAGE_COOKIE_REPLY_LEN 64
#define MESSAGE_DATA_HEADER_LEN	 16
#define MESSAGE_DATA_MIN_LEN	 (MESSAGE_DATA_HEADER_LEN + AEAD_TAG_LEN) /* a keepalive */

_Static_assert(sizeof(struct message_initiation) == MESSAGE_INITIATION_LEN, "WP 5.4.2");
_Static_assert(sizeof(struct message_response) == MESSAGE_RESPONSE_LEN, "WP 5.4.3");
_Static_assert(sizeof(struct message_cookie_reply) == MESSAGE_COOKIE_REPLY_LEN, "WP 5.4.7");
_Static_assert(sizeof(struct message_data_header) == MESSAGE_DATA_HEADER_LEN, "WP 5.4.6");

#endif
