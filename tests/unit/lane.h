/*
 * For tests of the outer sockets with offload: two of them on loopback, bursts with
 * known bytes from a to b, and whether all of it arrived.
 */
#ifndef ADIT_TESTS_LANE_H
#define ADIT_TESTS_LANE_H

#include "io/udp.h"

extern struct lane {
	struct burst out, in; /* out has room for BURST_PACKETS_MAX of 2000 bytes */
	struct udp_sockets a, b;
	struct endpoint to; /* b */
} lane;
extern const struct ip_address lane_v4, lane_v6; /* loopback */

bool lane_has_v6(void);

/* Opens both, with offload, and sets `to`. */
bool lane_begin(const struct ip_address *local);

/* `count` datagrams, their lengths from `lens` again and again; each has its number inside. */
void lane_fill(uint32_t count, uint32_t stride, const uint32_t *lens, uint32_t len_count);
void lane_fill_equal(uint32_t count, uint32_t stride, uint32_t len);

/* All of `out`, and none of it refused. */
bool lane_send(struct udp_progress *progress);

/* Waits for one burst on b's socket for data. */
int lane_receive(struct endpoint *from);

/*
 * What was sent arrives in order, byte for byte, with its TOS and from where it left.
 * *calls becomes how many receives that took.
 */
bool lane_arrives(uint32_t *calls);

#endif
