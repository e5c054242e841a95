/*
 * The pair of policy rules that makes a table the one for all that does not carry
 * a mark [wg-quick(8)]: "not fwmark M table M", and right before it in evaluation
 * "table main suppress_prefixlength 0", so that all of the main table but its
 * default route counts as ever. They belong together by their priorities, P and
 * P - 1, and both carry RTPROT_ADIT.
 */
#ifndef ADIT_MANAGE_LINK_RULES_H
#define ADIT_MANAGE_LINK_RULES_H

#include "base/ip.h"
#include "manage/netlink_socket.h"

/* 0 or -errno, also when the pair, or the first of it, is there already. */
int link_rules_add(struct netlink *n, enum ip_family family, uint32_t mark);

/* -ENOENT: there is none. */
int link_rules_remove(struct netlink *n, enum ip_family family, uint32_t mark);

/*
 * "fwmark M table main", before the pairs that are there, of both families: while the
 * pair of another mark is in force, what carries this one passes it all the same. A
 * pair that is added later comes before it. 0 or the first -errno.
 */
int link_rules_pass(struct netlink *n, uint32_t mark);
int link_rules_pass_no_more(struct netlink *n, uint32_t mark);

#endif
