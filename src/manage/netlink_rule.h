/*
 * Policy rules: which packets look their way up in which table. One request, its
 * answer; 0 or -errno, as in manage/netlink.h.
 */
#ifndef ADIT_MANAGE_NETLINK_RULE_H
#define ADIT_MANAGE_NETLINK_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"
#include "manage/netlink_socket.h"

#define NETLINK_RULES_MAX 65536 /* that a listing takes in, then -EOVERFLOW */

/* "not fwmark MARK table TABLE", "fwmark MARK ...", "... suppress_prefixlength 0". */
struct netlink_rule {
	enum ip_family family;
	uint32_t priority; /* 0 when adding: before all but the local table's */
	uint32_t table;
	uint32_t not_fwmark;	 /* 0: whatever the mark */
	uint32_t fwmark;	 /* the same; of the two at most one */
	bool suppresses_default; /* a route of length 0 found there does not count */
};

struct netlink_rules {
	struct netlink_rule *items;
	size_t count, capacity;
};

/* Marked RTPROT_ADIT. The same rule may be there several times. */
int netlink_rule_add(struct netlink *n, const struct netlink_rule *rule);
/* Only one that is ours, else -ENOENT. */
int netlink_rule_delete(struct netlink *n, const struct netlink_rule *rule);

/* Ours, of both families, by priority in each. The caller frees *out, also after a failure. */
int netlink_rule_list(struct netlink *n, struct netlink_rules *out);
void netlink_rules_free(struct netlink_rules *rules);

#endif
