/*
 * Session indices: random 32-bit numbers that tell which peer a message is for.
 * Open addressing with linear probing; the index is its own hash, for it is
 * random and ours. At most four per peer: three sessions and one handshake.
 */
#ifndef ADIT_DEVICE_INDEX_TABLE_H
#define ADIT_DEVICE_INDEX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/rng.h"
#include "peer/peer.h"

struct index_entry {
	struct peer *peer; /* NULL: empty */
	uint32_t index;
};

struct index_table {
	struct index_entry *entries;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void index_table_init(struct index_table *table);
void index_table_wipe(struct index_table *table);

/* Draws an index that is not in use and stores it in *index. false: no memory. */
bool index_table_draw(
	struct index_table *table, struct peer *peer, const struct rng *rng, uint32_t *index);

/* NULL: not in use. */
struct peer *index_table_find(const struct index_table *table, uint32_t index);

/* Removing what is not there is harmless. */
void index_table_remove(struct index_table *table, uint32_t index);

#endif
