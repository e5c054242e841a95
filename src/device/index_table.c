#include "device/index_table.h"

#include <stdlib.h>

#define INITIAL_CAPACITY 64

void index_table_init(struct index_table *table)
{
	*table = (struct index_table){0};
}

void index_table_wipe(struct index_table *table)
{
	free(table->entries);
	index_table_init(table);
}

/* Where `index` is, or the empty place where it would go. The table is never full. */
static size_t slot_of(const struct index_table *table, uint32_t index)
{
	size_t mask = table->capacity - 1;
	size_t slot = index & mask;
	while (table->entries[slot].peer && table->entries[slot].index != index)
		slot = (slot + 1) & mask;
	return slot;
}

/* Keeps the table at most half full, so that probes stay short. */
static bool make_room(struct index_table *table)
{
	if (table->count < table->capacity / 2)
		return true;
	struct index_table bigger = {
		.capacity = table->capacity ? 2 * table->capacity : INITIAL_CAPACITY,
		.count = table->count,
	};
	bigger.entries = calloc(bigger.capacity, sizeof *bigger.entries);
	if (!bigger.entries)
		return false;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->entries[i].peer)
			bigger.entries[slot_of(&bigger, table->entries[i].index)] =
				table->entries[i];
	free(table->entries);
	*table = bigger;
	return true;
}

bool index_table_draw(
	struct index_table *table, struct peer *peer, const struct rng *rng, uint32_t *index)
{
	if (!make_room(table))
		return false;
	size_t slot;
	do {
		*index = rng_u32(rng);
		slot = slot_of(table, *index);
	} while (table->entries[slot].peer);
	table->entries[slot] = (struct index_entry){.peer = peer, .index = *index};
	table->count++;
	return true;
}

struct peer *index_table_find(const struct index_table *table, uint32_t index)
{
	return table->capacity ? table->entries[slot_of(table, index)].peer : NULL;
}

void index_table_remove(struct index_table *table, uint32_t index)
{
	if (!index_table_find(table, index))
		return;
	size_t mask = table->capacity - 1;
	size_t hole = slot_of(table, index);
	/*
	 * Close the gap instead of leaving a tombstone: whatever follows in the run
	 * and may stand in the hole moves into it.
	 */
	for (size_t i = (hole + 1) & mask; table->entries[i].peer; i = (i + 1) & mask) {
		size_t home = table->entries[i].index & mask;
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			table->entries[hole] = table->entries[i];
			hole = i;
		}
	}
	table->entries[hole] = (struct index_entry){0};
	table->count--;
}
