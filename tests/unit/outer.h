/*
 * For tests: the outer sockets by name, where there is at most one place of a
 * family, as udp_open opens them. -1: not there.
 */
#ifndef ADIT_TESTS_OUTER_H
#define ADIT_TESTS_OUTER_H

#include "io/udp.h"

static inline struct udp_pair pair_of(const struct udp_sockets *sockets, enum ip_family family)
{
	for (uint32_t i = 0; i < sockets->count; i++)
		if (sockets->places[i].address.family == family)
			return sockets->pairs[i];
	return (struct udp_pair){-1, -1};
}

static inline int data_v4(const struct udp_sockets *sockets)
{
	return pair_of(sockets, IP_V4).data;
}

static inline int data_v6(const struct udp_sockets *sockets)
{
	return pair_of(sockets, IP_V6).data;
}

static inline int handshakes_v4(const struct udp_sockets *sockets)
{
	return pair_of(sockets, IP_V4).handshakes;
}

static inline int handshakes_v6(const struct udp_sockets *sockets)
{
	return pair_of(sockets, IP_V6).handshakes;
}

#endif
