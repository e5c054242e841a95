/*
 * How many handshake messages a source may have processed under load [kernel]:
 * a token bucket for each IPv4 address and IPv6 /64, 20 a second, 5 at once. The
 * table is bounded: a bucket that was idle long enough to be full again is free
 * for another source; when a source finds none free, it has to wait.
 */
#ifndef ADIT_SESSION_RATELIMIT_H
#define ADIT_SESSION_RATELIMIT_H

#include "base/ip.h"
#include "base/nanos.h"
#include "crypto/hash.h"
#include "crypto/rng.h"

#define RATELIMIT_PER_SECOND 20
#define RATELIMIT_BURST	     5
#define RATELIMIT_SETS	     512
#define RATELIMIT_WAYS	     8 /* buckets in which a source may be found */

struct ratelimit_bucket {
	enum ip_family family; /* IP_NONE: never used */
	uint8_t prefix[8];
	nanos tokens; /* time's worth: a message costs 1/RATELIMIT_PER_SECOND s */
	nanos filled; /* when tokens was right */
};

struct ratelimit {
	struct siphash_key key; /* strangers choose the addresses */
	struct ratelimit_bucket buckets[RATELIMIT_SETS][RATELIMIT_WAYS];
};

void ratelimit_init(struct ratelimit *limit, const struct rng *rng);

/* Whether one more message from there is all right now; counts it if so. */
bool ratelimit_allows(struct ratelimit *limit, const struct ip_address *source, nanos boottime);

#endif
