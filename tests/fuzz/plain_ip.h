/* What the RFCs say about an inner packet, written apart from base/ip.c, to compare with it. */
#ifndef ADIT_TESTS_PLAIN_IP_H
#define ADIT_TESTS_PLAIN_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool plain_is_v4(const uint8_t *packet)
{
	return packet[0] / 16 == 4;
}

/* By its header; 0: not a whole packet of either version [RFC 791, RFC 8200]. */
uint32_t plain_length(const uint8_t *packet, size_t len);

/* Of a whole packet: the TOS byte or traffic class. */
uint8_t plain_tos(const uint8_t *packet);

/* The ones' complement sum of an IPv4 header: 0xffff when its checksum is right [RFC 791]. */
uint32_t plain_sum(const uint8_t *packet);

/* The mark after decapsulation [RFC 6040, figure 4]; PLAIN_DROP: none, it is dropped. */
#define PLAIN_DROP 255
uint8_t plain_mark(uint8_t inner_tos, uint8_t outer_tos);

/*
 * Whether `after`, of `len` bytes, is `before` but for the mark, which is what the outer
 * header asks for, and an IPv4 checksum is as right or wrong as it was.
 */
bool plain_is_marked(const uint8_t *before, const uint8_t *after, size_t len, uint8_t outer_tos);

#endif
