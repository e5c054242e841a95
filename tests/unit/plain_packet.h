/*
 * Inner packets field by field, and super-packets cut, written plainly and apart from
 * src/io: checksums byte by byte, no packet made from another. For the unit tests and
 * the fuzz targets to compare with.
 */
#ifndef ADIT_TESTS_PLAIN_PACKET_H
#define ADIT_TESTS_PLAIN_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PLAIN_FIN 0x01
#define PLAIN_SYN 0x02
#define PLAIN_RST 0x04
#define PLAIN_PSH 0x08
#define PLAIN_ACK 0x10
#define PLAIN_URG 0x20
#define PLAIN_ECE 0x40
#define PLAIN_CWR 0x80

#define PLAIN_TCP 6
#define PLAIN_UDP 17

struct plain_packet {
	int version; /* 4 or 6 */
	uint8_t tos, ttl;
	uint32_t flow_label;
	uint16_t id;
	bool df, mf;
	uint16_t offset;  /* of the fragment, in 8 bytes */
	uint8_t from, to; /* the last byte of the addresses */
	/* IPv4: words of options; IPv6: 8 bytes each of destination options */
	uint32_t extra;

	uint8_t protocol;
	uint16_t from_port, to_port;
	uint32_t seq, ack;
	uint8_t flags, reserved;
	uint16_t window, urgent;
	uint32_t options; /* words */
	uint8_t option_seed;

	uint32_t payload_at, payload_len; /* of an endless text */
};

/* TCP or UDP, IPv4 or IPv6, of `payload_len` bytes, with every field different from 0. */
struct plain_packet plain_packet(int version, uint8_t protocol, uint32_t payload_len);

uint32_t plain_l4_at(const struct plain_packet *p);
uint32_t plain_headers_len(const struct plain_packet *p);

/* Writes the packet with right checksums; returns its length. */
uint32_t plain_build(uint8_t *out, const struct plain_packet *p);

/* The same for a super-packet: its checksum is the sum of the pseudo-header only. */
uint32_t plain_build_super(uint8_t *out, const struct plain_packet *p);

/* Segment k of the super-packet `p` cut at `size`. */
struct plain_packet plain_segment(const struct plain_packet *p, uint32_t size, uint32_t k);

/* The packet that follows p in its flow, as its sender would make it. */
struct plain_packet plain_next(const struct plain_packet *p);

/* Ones' complement sum of bytes, the first of which is a high one; 16 bits. */
uint32_t plain_sum_bytes(const uint8_t *bytes, uint32_t len);

/* Checksum and lengths are right, of TCP and UDP without options or fragments too. */
bool plain_is_right(const uint8_t *packet, uint32_t len);

#endif
