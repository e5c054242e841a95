/*
 * Telling a sender at once that nobody can get its packet: an ICMP or ICMPv6
 * error [RFC 792, RFC 4443] into the TUN, as from the destination itself, at most
 * so many a second. Not for what must not be answered [RFC 1122 3.2.2].
 */
#ifndef ADIT_DEVICE_UNREACHABLE_H
#define ADIT_DEVICE_UNREACHABLE_H

#include "device/state.h"

#define UNREACHABLE_PER_SECOND 100
#define UNREACHABLE_BURST      50

/* The first packet of a burst of inner packets, which has been read as `packet`. */
void unreachable_answer(struct device *d, const struct burst *burst, const struct ip_packet *packet,
	const struct now *now);

#endif
