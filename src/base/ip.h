/*
 * IP addresses, prefixes and the few fields of an inner packet that the tunnel
 * looks at. Plain data without sockaddr, so that the core stays free of I/O.
 */
#ifndef ADIT_BASE_IP_H
#define ADIT_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip_address {
	enum ip_family family;
	uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
};

#define IP_ECN_MASK 3u /* of the TOS byte [RFC 3168] */

struct ip_prefix {
	struct ip_address address; /* host bits are zero */
	uint8_t len;		   /* 0..32 or 0..128 */
};

struct ip_packet { /* what ip_packet_read found */
	struct ip_address source, destination;
	uint32_t len; /* by the header; at most the bytes given */
	uint8_t tos;  /* DSCP and ECN */
};

/* 32, 128, or 0 for IP_NONE. */
static inline uint8_t ip_family_bits(enum ip_family family)
{
	return family == IP_V4 ? 32 : family == IP_V6 ? 128 : 0;
}

bool ip_address_is_equal(const struct ip_address *a, const struct ip_address *b);

/* Clears the bits beyond prefix->len; true when one was set. */
bool ip_prefix_mask(struct ip_prefix *prefix);

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address);

/*
 * Reads the header of an inner packet of `len` bytes. false when it is neither
 * IPv4 nor IPv6, shorter than its header, or its header claims more than `len`.
 */
bool ip_packet_read(struct ip_packet *out, const uint8_t *packet, size_t len);

/*
 * Carries the congestion mark of the outer header, `outer_tos`, into an inner
 * packet that ip_packet_read has accepted [RFC 6040 4.2]. false: congestion for a
 * packet whose sender does not understand it; it is to be dropped.
 */
bool ip_packet_decapsulate_ecn(uint8_t *packet, uint8_t outer_tos);

#endif
