#include "noise/tai64n.h"

#include "base/bytes.h"
#include "noise/limits.h"

#include <string.h>

/* The label of 1970-01-01 00:00:00 UTC: 2^62, and the 10 seconds TAI was ahead then [kernel]. */
#define UNIX_EPOCH_LABEL UINT64_C(0x400000000000000a)

static struct tai64n stamp_from(uint64_t label, uint32_t ns)
{
	struct tai64n stamp;
	store_be64(stamp.bytes, label);
	store_be32(stamp.bytes + 8, ns);
	return stamp;
}

static uint32_t whiten(uint32_t ns)
{
	return ns & ~(STAMP_WHITENING_NS - 1);
}

struct tai64n tai64n_from_realtime(nanos realtime)
{
	return stamp_from(UNIX_EPOCH_LABEL + realtime / NANOS_PER_SECOND,
		whiten((uint32_t)(realtime % NANOS_PER_SECOND)));
}

nanos tai64n_to_realtime(const struct tai64n *stamp)
{
	uint64_t label = load_be64(stamp->bytes);
	if (label < UNIX_EPOCH_LABEL)
		return 0;
	uint64_t seconds = label - UNIX_EPOCH_LABEL;
	if (seconds > NANOS_NEVER / NANOS_PER_SECOND)
		return NANOS_NEVER;
	return nanos_add(seconds * NANOS_PER_SECOND, load_be32(stamp->bytes + 8));
}

struct tai64n tai64n_next(const struct tai64n *stamp)
{
	uint64_t label = load_be64(stamp->bytes);
	uint64_t ns = (uint64_t)whiten(load_be32(stamp->bytes + 8)) + STAMP_WHITENING_NS;
	if (ns < NANOS_PER_SECOND)
		return stamp_from(label, (uint32_t)ns);
	return label == UINT64_MAX ? *stamp : stamp_from(label + 1, 0);
}

bool tai64n_is_after(const struct tai64n *a, const struct tai64n *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) > 0;
}
