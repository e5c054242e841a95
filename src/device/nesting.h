/*
 * Our own datagrams that routes lead back into a tunnel of ours. One peer behind
 * another is fine: the one's datagrams travel inside the other's. But where that
 * leads in a circle, of one peer or of several, a packet would go round, a layer
 * more each time, without end. So each peer remembers in whose tunnel it was seen.
 */
#ifndef ADIT_DEVICE_NESTING_H
#define ADIT_DEVICE_NESTING_H

#include "device/state.h"

#define NESTING_MAX 8 /* tunnels within tunnels */
#define NESTING_TIME                                                                               \
	(10 * NANOS_PER_SECOND) /* routes may change: seen so long ago is forgotten                \
				 */

/* The inner packet, read as `packet`, is for the tunnel of `peer`, and must not go there. */
bool nesting_is_loop(struct device *d, const uint8_t *bytes, const struct ip_packet *packet,
	struct peer *peer, const struct now *now);

/* A peer goes: what was seen of any may point to it, and is forgotten. */
void nesting_forget(struct device *d);

/*
 * Datagrams from there came out of a tunnel of ours. Who holds the keys of two peers
 * could nest one datagram of each in the other's tunnel, and so bend the circle.
 */
bool nesting_is_inside(const struct device *d, const struct endpoint *from);

#endif
