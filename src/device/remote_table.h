/*
 * All sessions by their remote index, the one that our data carries: so a datagram
 * of ours is known again. Peers choose these indices, so several sessions may have
 * the same, and the hash has a key (SipHash). Sessions link themselves; owns none.
 */
#ifndef ADIT_DEVICE_REMOTE_TABLE_H
#define ADIT_DEVICE_REMOTE_TABLE_H

#include <stddef.h>

#include "crypto/hash.h"
#include "crypto/rng.h"
#include "session/session.h"

struct remote_table {
	struct siphash_key key;
	struct session **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

/* false: no memory. */
bool remote_table_init(struct remote_table *table, const struct rng *rng);
void remote_table_wipe(struct remote_table *table);

/* Cannot fail: where memory is short the chains grow longer instead. */
void remote_table_add(struct remote_table *table, struct session *session);
void remote_table_remove(struct remote_table *table, struct session *session);

/* The next session with this index after `after`; NULL begins, and ends. */
struct session *remote_table_next(
	const struct remote_table *table, uint32_t remote_index, const struct session *after);

#endif
