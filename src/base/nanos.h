/*
 * Time as the core knows it: nanoseconds, given from outside. boottime counts
 * through suspend and never goes back; every age and deadline uses it. realtime
 * is the wall clock, may jump, and is used for TAI64N stamps and display only.
 * Nothing below io/ reads a clock.
 */
#ifndef ADIT_BASE_NANOS_H
#define ADIT_BASE_NANOS_H

#include <stdint.h>

typedef uint64_t nanos;

#define NANOS_PER_MS	 UINT64_C(1000000)
#define NANOS_PER_SECOND UINT64_C(1000000000)
#define NANOS_NEVER	 UINT64_MAX /* a deadline that is not armed */

struct now {
	nanos boottime; /* CLOCK_BOOTTIME */
	nanos realtime; /* CLOCK_REALTIME, since the Unix epoch */
};

/* a + b, or NANOS_NEVER where that would wrap. */
static inline nanos nanos_add(nanos a, nanos b)
{
	return a > NANOS_NEVER - b ? NANOS_NEVER : a + b;
}

/*
 * The time from `then` to `now`, 0 where that is earlier: who reads the clock first may
 * be second with what it read.
 */
static inline nanos nanos_since(nanos now, nanos then)
{
	return now > then ? now - then : 0;
}

static inline nanos nanos_min(nanos a, nanos b)
{
	return a < b ? a : b;
}

/* Whether `deadline` has come at `t`: true at the deadline itself, never for NANOS_NEVER. */
static inline int nanos_is_due(nanos deadline, nanos t)
{
	return deadline != NANOS_NEVER && t >= deadline;
}

#endif
