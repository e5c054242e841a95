#include "text/reconcile_index.h"

#include <stdlib.h>
#include <string.h>

static int compare_keys(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int compare_peers(const void *first, const void *second)
{
	const struct change_peer *const *a = first, *const *b = second;
	return compare_keys(&(*a)->public_key, &(*b)->public_key);
}

bool reconcile_index_build(struct reconcile_index *index, const struct change *change)
{
	*index = (struct reconcile_index){
		.sorted = calloc(change->peer_count + 1, sizeof *index->sorted)};
	if (!index->sorted)
		return false;
	for (size_t i = 0; i < change->peer_count; i++)
		index->sorted[index->count++] = &change->peers[i];
	if (index->count)
		qsort(index->sorted, index->count, sizeof *index->sorted, compare_peers);
	return true;
}

void reconcile_index_free(struct reconcile_index *index)
{
	free(index->sorted);
	*index = (struct reconcile_index){0};
}

const struct change_peer *reconcile_index_find(
	const struct reconcile_index *index, const struct public_key *key)
{
	size_t low = 0, high = index->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_keys(key, &index->sorted[middle]->public_key);
		if (order == 0)
			return index->sorted[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

int reconcile_compare_prefixes(const struct ip_prefix *a, const struct ip_prefix *b)
{
	int order = (int)a->address.family - (int)b->address.family;
	if (!order)
		order = memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
	return order ? order : a->len - b->len;
}
