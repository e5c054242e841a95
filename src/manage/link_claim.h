/*
 * Whose a mark is, and with it the table and the rules of a default route: two
 * interfaces that share one would take each other's rules away. An interface that
 * is up, or that left something, is known by its packet filter's record, or by rules
 * with a table in use; one that has only chosen its mark by a reservation, which is
 * an abstract socket's name: the network namespace's own, one holder, gone with it.
 */
#ifndef ADIT_MANAGE_LINK_CLAIM_H
#define ADIT_MANAGE_LINK_CLAIM_H

#include "manage/firewall.h"
#include "manage/netlink.h"

/* The record of another interface than `name` that has the mark; NULL: there is none. */
const struct firewall_record *link_claim_other(
	const struct firewall_record *records, size_t count, const char *name, uint32_t mark);

/*
 * Asked right before rules are added that are not known as this interface's, when its
 * own record is there already: of two that begin together at least one is refused.
 * -EEXIST, netlink_explain says whose it is; 0 also for rules that lead to nothing and
 * are nobody's. Else -errno.
 */
int link_claim_check(struct netlink *n, const char *name, enum ip_family family, uint32_t mark);

/*
 * Keeps other processes from choosing the mark, as long as this one lives or until
 * it reserves another one. -EADDRINUSE: somebody has it. Else -errno.
 */
int link_claim_reserve(uint32_t mark);

#endif
