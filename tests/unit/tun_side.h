/*
 * For tests of io/tun in a sandbox: a TUN wg0 in the process's namespace, with 10.9.0.LAST and
 * fd07::LAST, a queue that no test fills, and sockets at those addresses.
 */
#ifndef ADIT_TESTS_TUN_SIDE_H
#define ADIT_TESTS_TUN_SIDE_H

#include <netinet/in.h>

#include "io/tun.h"

#define SIDE_MTU  1420
#define SIDE_PORT 7007
#define NO_TUN	  "no TUN device can be made; run as root"

struct tun_side {
	struct tun tun;
	uint64_t packets, bursts; /* read from it */
};

/* true with tun.fd 0: it cannot be made here, and the test is skipped. */
bool tun_side_open(struct tun_side *side, uint8_t last, unsigned offloads);

/* The address of wg0. */
bool tun_side_set_v4(uint8_t last);

union tun_side_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* SIDE_PORT of LAST; returns the length. */
socklen_t tun_side_address(union tun_side_address *out, int version, uint8_t last);

/* Does not block; bound to SIDE_PORT of LAST, which the kernel takes a moment to accept. -1: not.
 */
int tun_side_socket(int version, int type, uint8_t last);

#endif
