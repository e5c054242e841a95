#include "device/policies.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static struct policy **bucket_of(struct policies *policies, const struct public_key *key)
{
	return &policies->buckets[load_le32(key->bytes) % POLICIES_BUCKETS];
}

/* Out of its bucket and out of the list by age. */
static void unlink_policy(struct policies *policies, struct policy *policy)
{
	struct policy **at = bucket_of(policies, &policy->public_key);
	while (*at != policy)
		at = &(*at)->same_bucket;
	*at = policy->same_bucket;
	if (policy->older)
		policy->older->newer = policy->newer;
	else
		policies->oldest = policy->newer;
	if (policy->newer)
		policy->newer->older = policy->older;
	else
		policies->newest = policy->older;
	policies->count--;
}

void policies_wipe(struct policies *policies)
{
	for (struct policy *policy; (policy = policies->oldest); free(policy))
		unlink_policy(policies, policy);
}

void policies_keep(struct policies *policies, struct policy *policy)
{
	if (!policy)
		return;
	struct policy *oldest = policies->oldest;
	if (policies->count == POLICIES_KEPT_MAX) {
		unlink_policy(policies, oldest);
		free(oldest);
	}
	struct policy **bucket = bucket_of(policies, &policy->public_key);
	policy->same_bucket = *bucket;
	*bucket = policy;
	policy->older = policies->newest;
	policy->newer = NULL;
	if (policies->newest)
		policies->newest->newer = policy;
	else
		policies->oldest = policy;
	policies->newest = policy;
	policies->count++;
}

struct policy *policies_take(struct policies *policies, const struct public_key *key)
{
	struct policy *policy = *bucket_of(policies, key);
	while (policy && memcmp(&policy->public_key, key, sizeof *key))
		policy = policy->same_bucket;
	if (policy)
		unlink_policy(policies, policy);
	return policy;
}

enum key_exchange policies_resolve(const struct policies *policies, const struct policy *policy)
{
	return policy ? policy->key_exchange : policies->by_default;
}
