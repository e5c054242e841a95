/*
 * Strangers: they see every datagram and every index, know all public keys, and
 * hold no private one. They send noise, damaged and replayed datagrams, and
 * forgeries with a valid mac1, from their own address or from a peer's.
 */
#ifndef ADIT_SIM_STRANGER_H
#define ADIT_SIM_STRANGER_H

#include "base/nanos.h"

struct strangers {
	nanos interval; /* 0: none */
	nanos next;
};

struct world;

void strangers_start(struct world *w, nanos interval);
void strangers_step(struct world *w);

#endif
