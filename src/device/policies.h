/*
 * Which key exchange an administrator wants with whom: what was said of a public
 * key, and the interface's default for all others. What was said belongs to the
 * key, not to the peer: a tool that removes peers and adds them again without a
 * word about it (`wg setconf`) does not undo it. So the policy of a peer that goes
 * is kept here until the peer comes back, or something else is said of it.
 *
 * Bounded: only who may say policies makes entries, and of those that no peer has,
 * as many are kept as there can be peers. So one change that removes every peer and
 * adds them again loses none; beyond that the oldest goes first.
 */
#ifndef ADIT_DEVICE_POLICIES_H
#define ADIT_DEVICE_POLICIES_H

#include "device/device.h"

#define POLICIES_KEPT_MAX DEVICE_PEERS_MAX
#define POLICIES_BUCKETS  4096 /* only an administrator's keys: no stranger makes them full */

struct policy {
	struct policy *same_bucket, *older, *newer; /* of those that are kept */
	struct public_key public_key;
	enum key_exchange key_exchange;
};

struct policies { /* all zero at first: X25519 for everybody */
	enum key_exchange by_default;
	struct policy *buckets[POLICIES_BUCKETS];
	struct policy *oldest, *newest;
	uint32_t count;
};

/* Frees what is kept. */
void policies_wipe(struct policies *policies);

/* Takes the policy of a peer that goes; NULL (nothing was said of it) is allowed. */
void policies_keep(struct policies *policies, struct policy *policy);

/* The policy kept for a peer that comes, now the caller's to free or to keep; NULL: none. */
struct policy *policies_take(struct policies *policies, const struct public_key *key);

/* What holds for whom `policy` was said of; NULL: nothing was. */
enum key_exchange policies_resolve(const struct policies *policies, const struct policy *policy);

#endif
