/*
 * Two devices with their pumps, loops and sockets, in a namespace of their own, for
 * tests of io/pump; a pair of sockets stands in for each TUN. Each knows the other
 * as its only peer.
 */
#ifndef ADIT_TESTS_SIDES_H
#define ADIT_TESTS_SIDES_H

#include "io/pump.h"
#include "unit/tunnel.h"

struct side {
	struct end end;
	struct loop loop;
	struct pump pump;
	int wire; /* our end of it */
	uint16_t port;
};

extern struct side a, b;

/* `outer` is where each finds the other. stderr is captured. */
bool sides_begin(const char *outer);
/* true; fails the test when something was not given back. */
bool sides_end(void);

bool side_set_endpoint(struct side *side, const struct side *other, const char *address);

/* A packet for the other one into the tunnel. */
bool side_put(struct side *from, const struct side *to, uint32_t len, uint32_t tag);
/* Lets both work until a packet comes out of the tunnel; its tag, or UINT32_MAX: none came. */
uint32_t side_take(struct side *side);

#endif
