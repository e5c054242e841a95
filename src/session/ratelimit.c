#include "session/ratelimit.h"

#include <string.h>

#define COST	   (NANOS_PER_SECOND / RATELIMIT_PER_SECOND)
#define TOKENS_MAX (RATELIMIT_BURST * COST)

void ratelimit_init(struct ratelimit *limit, const struct rng *rng)
{
	memset(limit, 0, sizeof *limit);
	rng_fill(rng, &limit->key, sizeof limit->key);
}

static void refill(struct ratelimit_bucket *bucket, nanos boottime)
{
	nanos passed = nanos_since(boottime, bucket->filled);
	bucket->tokens = nanos_min(TOKENS_MAX, nanos_add(bucket->tokens, passed));
	bucket->filled += passed;
}

static bool is_of(const struct ratelimit_bucket *bucket, const struct ratelimit_bucket *source)
{
	return bucket->family == source->family &&
	       !memcmp(bucket->prefix, source->prefix, sizeof bucket->prefix);
}

/* The source's own bucket, else one that is full again and so nobody's; NULL: all are busy. */
static struct ratelimit_bucket *find_bucket(
	struct ratelimit_bucket *set, const struct ratelimit_bucket *source, nanos boottime)
{
	struct ratelimit_bucket *idle = NULL;
	for (size_t i = 0; i < RATELIMIT_WAYS; i++) {
		if (is_of(&set[i], source))
			return &set[i];
		if (set[i].family == IP_NONE || nanos_since(boottime, set[i].filled) >= TOKENS_MAX)
			idle = &set[i];
	}
	if (idle)
		*idle = *source;
	return idle;
}

bool ratelimit_allows(struct ratelimit *limit, const struct ip_address *source, nanos boottime)
{
	struct ratelimit_bucket fresh = {
		.family = source->family, .tokens = TOKENS_MAX, .filled = boottime};
	memcpy(fresh.prefix, source->bytes, source->family == IP_V4 ? 4 : sizeof fresh.prefix);
	uint64_t hash = siphash24(&limit->key, source->bytes, sizeof fresh.prefix);
	struct ratelimit_bucket *bucket =
		find_bucket(limit->buckets[hash % RATELIMIT_SETS], &fresh, boottime);
	if (!bucket)
		return false;
	refill(bucket, boottime);
	if (bucket->tokens < COST)
		return false;
	bucket->tokens -= COST;
	return true;
}
