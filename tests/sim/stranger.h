/*
 * Strangers: they see every datagram and every index, know all public keys, and
 * hold no private one. They send noise, damaged and replayed datagrams, and
 * forgeries with a valid mac1, from their own addresses or from a peer's. A flood
 * is more handshakes than a node can answer; strangers who read their mail answer
 * a cookie with a flood that carries it.
 */
#ifndef ADIT_SIM_STRANGER_H
#define ADIT_SIM_STRANGER_H

#include "device/device.h"

#include <stdint.h>

struct flood {
	uint32_t target;
	uint32_t messages; /* at once, */
	uint32_t rounds;   /* so many times */
	bool is_hybrid;
	bool has_cookies;      /* all from one address, with the cookie it got */
	nanos next;	       /* NANOS_NEVER: it is over */
	struct cookie_jar jar; /* of that address */
};

#define FLOOD_INTERVAL (500 * NANOS_PER_MS)

struct strangers {
	nanos interval; /* 0: none */
	nanos next;
	struct flood flood;
	bool splices_only;
};

struct world;

void strangers_start(struct world *w, nanos interval);

/*
 * So many initiations with a valid mac1 every FLOOD_INTERVAL: from many addresses,
 * or from one that uses the cookie it gets, for ever. With 0 rounds what was under
 * way ends.
 */
void strangers_flood(
	struct world *w, uint32_t target, uint32_t messages, uint32_t rounds, bool has_cookies);

void strangers_step(struct world *w);
nanos strangers_deadline(const struct strangers *strangers);

/* false: nobody's address that is a stranger's. */
bool stranger_find(const struct endpoint *endpoint, uint32_t *number);

/* A cookie that was sent to a stranger. */
void strangers_get(struct world *w, const struct endpoint *to, const uint8_t *bytes, uint32_t len);

#endif
