/*
 * What an interface of that name left in the system when adit was killed: all of
 * it that does not go with the device. How the leftovers of one interface are told
 * from those of another, from what belongs to an adit that runs, and from what
 * other people set:
 *   - the packet filter's table is called adit-NAME, and its comment says which
 *     mark and table, and whether src_valid_mark was set by us;
 *   - guards are unreachable routes with our protocol number, and have the metric
 *     of that name (link_guard_metric);
 *   - rules have our protocol number; their table is the one that the comment, or
 *     a guard of a default route, says is this interface's, and no other comment.
 * So where somebody has flushed all nftables and there is no kill switch, two rules
 * stay that lead to an empty table: without effect.
 */
#ifndef ADIT_MANAGE_LINK_LEFTOVERS_H
#define ADIT_MANAGE_LINK_LEFTOVERS_H

#include "manage/link_state.h"
#include "manage/netlink.h"

/*
 * Appends them, in the order of a state. Of an interface that runs, this is what
 * its link has set. 0 or -errno; without the right to ask, as if there were none.
 */
int link_leftovers_find(struct netlink *n, const char *name, struct link_state *out);

/* Removes the items of a state that need no device. 0, or the first -errno. */
int link_leftovers_remove(struct netlink *n, const char *name, const struct link_state *leftovers);

/*
 * The mark, and the table, for a default route where the configuration has no
 * FwMark: the one that this interface has or left behind, else the first from 51820
 * on the table of which is empty, in both families [wg-quick(8)], and that no other
 * adit has or is about to use; that one is reserved (link_claim_reserve). 0 or -errno.
 */
int link_choose_mark(struct netlink *n, const char *name, uint32_t *mark);

#endif
