/*
 * The peers of a change in the order of their keys, to find one by its key. Points
 * into the change, which must stay as it is meanwhile.
 */
#ifndef ADIT_TEXT_RECONCILE_INDEX_H
#define ADIT_TEXT_RECONCILE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "device/change.h"

struct reconcile_index {
	const struct change_peer **sorted;
	size_t count;
};

/* false: no memory. Freed by reconcile_index_free in any case. */
bool reconcile_index_build(struct reconcile_index *index, const struct change *change);
void reconcile_index_free(struct reconcile_index *index);

/* NULL: it has no such peer. */
const struct change_peer *reconcile_index_find(
	const struct reconcile_index *index, const struct public_key *key);

/* By family, bits, then length; of qsort's kind. */
int reconcile_compare_prefixes(const struct ip_prefix *a, const struct ip_prefix *b);

#endif
