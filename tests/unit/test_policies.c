#include "device/policies.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "unit/test.h"

static struct public_key key_of(uint32_t i)
{
	struct public_key key = {{0}};
	store_le32(key.bytes, i % 5); /* many to a bucket */
	store_le32(key.bytes + 8, i);
	return key;
}

static struct policy *make(uint32_t i, enum key_exchange key_exchange)
{
	struct policy *policy = calloc(1, sizeof *policy);
	if (!policy)
		abort();
	policy->public_key = key_of(i);
	policy->key_exchange = key_exchange;
	return policy;
}

static bool take(struct policies *policies, uint32_t i)
{
	struct public_key key = key_of(i);
	struct policy *policy = policies_take(policies, &key);
	bool is_right = policy && !memcmp(&policy->public_key, &key, sizeof key);
	free(policy);
	return is_right;
}

TEST(policies_what_was_said_comes_before_the_default)
{
	struct policies *policies = calloc(1, sizeof *policies);
	struct policy *hybrid = make(1, KEY_EXCHANGE_HYBRID), *classical = make(2, 0);
	CHECK_EQ(KEY_EXCHANGE_X25519, policies_resolve(policies, NULL));
	CHECK_EQ(KEY_EXCHANGE_HYBRID, policies_resolve(policies, hybrid));
	policies->by_default = KEY_EXCHANGE_HYBRID;
	CHECK_EQ(KEY_EXCHANGE_HYBRID, policies_resolve(policies, NULL));
	CHECK_EQ(KEY_EXCHANGE_X25519, policies_resolve(policies, classical));
	free(hybrid);
	free(classical);
	free(policies);
}

/* In and out in any order; each key once. */
TEST(policies_are_kept_by_key)
{
	struct policies *policies = calloc(1, sizeof *policies);
	policies_keep(policies, NULL); /* of a peer of whom nothing was said */
	CHECK_EQ(0, policies->count);
	for (uint32_t i = 0; i < 40; i++)
		policies_keep(policies, make(i, KEY_EXCHANGE_HYBRID));
	CHECK_EQ(40, policies->count);
	CHECK(!take(policies, 40));
	CHECK(take(policies, 0) && take(policies, 39) && take(policies, 17)); /* ends, middle */
	CHECK(!take(policies, 0) && !take(policies, 39) && !take(policies, 17));
	CHECK_EQ(37, policies->count);
	policies_keep(policies, make(17, KEY_EXCHANGE_HYBRID));
	for (uint32_t i = 1; i < 39; i++)
		CHECK(take(policies, i));
	CHECK(!policies->oldest && !policies->newest && !policies->count);
	for (uint32_t i = 0; i < 7; i++)
		policies_keep(policies, make(i, KEY_EXCHANGE_HYBRID));
	policies_wipe(policies);
	CHECK(!policies->oldest && !policies->newest && !policies->count);
	free(policies);
}

/* As many as there can be peers: so a change that removes all of them loses none. */
TEST(policies_beyond_the_bound_forget_the_oldest)
{
	struct policies *policies = calloc(1, sizeof *policies);
	CHECK_EQ(DEVICE_PEERS_MAX, POLICIES_KEPT_MAX);
	for (uint32_t i = 0; i < POLICIES_KEPT_MAX + 3; i++) {
		struct policy *policy = make(i, KEY_EXCHANGE_HYBRID);
		store_le32(policy->public_key.bytes, i); /* buckets as of real keys */
		policies_keep(policies, policy);
	}
	CHECK_EQ(POLICIES_KEPT_MAX, policies->count);
	CHECK_EQ(3, load_le32(policies->oldest->public_key.bytes));
	CHECK_EQ(POLICIES_KEPT_MAX + 2, load_le32(policies->newest->public_key.bytes));
	policies_wipe(policies);
	free(policies);
}
