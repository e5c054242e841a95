/*
 * TAI64N stamps [WP 5.4.2]: 8 bytes of seconds since 1970 TAI plus 2^62, 4 of
 * nanoseconds, big-endian, so that memcmp orders them. Like other implementations
 * we count no leap seconds: TAI is UTC plus the 10 seconds of 1970. The
 * nanoseconds are cut to multiples of STAMP_WHITENING_NS: a stamp should order
 * initiations, not tell strangers how a machine's clock ticks.
 */
#ifndef ADIT_NOISE_TAI64N_H
#define ADIT_NOISE_TAI64N_H

#include <stdbool.h>

#include "base/nanos.h"
#include "noise/wire.h"

struct tai64n {
	uint8_t bytes[TAI64N_LEN];
};

struct tai64n tai64n_from_realtime(nanos realtime);

/* The instant back as nanoseconds since the Unix epoch, saturating; for messages to people. */
nanos tai64n_to_realtime(const struct tai64n *stamp);

/* The smallest whitened stamp that is after `stamp`; where none can be, `stamp` itself. */
struct tai64n tai64n_next(const struct tai64n *stamp);

bool tai64n_is_after(const struct tai64n *a, const struct tai64n *b);

#endif
