/*
 * The way out: inner packets to sealed bursts, and what waits for a session in
 * between. Begin and finish of sealing; run is session/job.c.
 */
#ifndef ADIT_DEVICE_TRANSMIT_H
#define ADIT_DEVICE_TRANSMIT_H

#include "device/state.h"

/* Seals and sends a burst of inner packets, or stages it. Takes the burst. */
void transmit_burst(
	struct device *d, struct peer *peer, struct burst *burst, const struct now *now);

/* What waits for a session goes out, if there is one; else a handshake begins. */
void transmit_staged(struct device *d, struct peer *peer, const struct now *now);

/* An empty packet, or instead what is staged; without a session a handshake begins. */
void transmit_keepalive(struct device *d, struct peer *peer, const struct now *now);

/* The carrier of a JOB_SEAL that was run. Takes it. */
void transmit_finish(struct device *d, struct carrier *carrier, const struct now *now);

#endif
