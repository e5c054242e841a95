/*
 * The device's peers: a hash table by public key (SipHash with a random key,
 * for strangers choose which keys are looked up) and a list in order of creation.
 */
#ifndef ADIT_DEVICE_PEER_TABLE_H
#define ADIT_DEVICE_PEER_TABLE_H

#include "crypto/hash.h"
#include "crypto/rng.h"
#include "peer/peer.h"

struct peer_table {
	struct siphash_key key;
	struct peer **buckets;
	size_t bucket_count; /* a power of two */
	struct peer *first, *last;
	size_t count;
};

/* false: no memory. */
bool peer_table_init(struct peer_table *table, const struct rng *rng);

/* The peers themselves must be gone. */
void peer_table_wipe(struct peer_table *table);

struct peer *peer_table_find(const struct peer_table *table, const struct public_key *key);

/* Cannot fail: where memory is short the chains grow longer instead. */
void peer_table_add(struct peer_table *table, struct peer *peer);
void peer_table_remove(struct peer_table *table, struct peer *peer);

#endif
