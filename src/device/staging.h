/*
 * Inner packets that wait for a session: each peer has a queue of its own, and all
 * packets together keep to d->staged_bytes_max. Where there is no room the oldest of
 * all goes, whoever it waits for: a peer that answers gets its packets staged however
 * much waits for peers that do not. What becomes of the packets the caller decides.
 */
#ifndef ADIT_DEVICE_STAGING_H
#define ADIT_DEVICE_STAGING_H

#include "device/state.h"

/* Copies one packet to the end of the peer's queue. What has to go for it is counted. */
void staging_push(struct device *d, struct peer *peer, const uint8_t *packet, uint32_t len);

/* Takes the peer's oldest off, NULL when none waits; the caller frees it. */
struct staged_packet *staging_pop(struct device *d, struct peer *peer);

/* Drops all that waits for the peer. */
void staging_drop(struct device *d, struct peer *peer, enum drop_reason reason);

#endif
