#include "manage/netlink_rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "manage/netlink.h"
#include "manage/netlink_request.h"

#define LISTING_TRIES 8 /* of a listing that changes underneath */

static int change_rule(
	struct netlink *n, uint16_t type, uint16_t flags, const struct netlink_rule *rule)
{
	union netlink_request r;
	struct fib_rule_hdr *m = netlink_request_init(&r, type, flags, sizeof(*m));
	m->family = rule->family == IP_V6 ? AF_INET6 : AF_INET;
	m->action = FR_ACT_TO_TBL;
	m->flags = rule->not_fwmark ? FIB_RULE_INVERT : 0;
	mnl_attr_put_u32(&r.header, FRA_TABLE, rule->table);
	mnl_attr_put_u8(&r.header, FRA_PROTOCOL, RTPROT_ADIT);
	if (rule->priority)
		mnl_attr_put_u32(&r.header, FRA_PRIORITY, rule->priority);
	if (rule->not_fwmark || rule->fwmark) {
		mnl_attr_put_u32(&r.header, FRA_FWMARK, rule->not_fwmark | rule->fwmark);
		mnl_attr_put_u32(&r.header, FRA_FWMASK, UINT32_MAX);
	}
	if (rule->suppresses_default)
		mnl_attr_put_u32(&r.header, FRA_SUPPRESS_PREFIXLEN, 0);
	return netlink_request_run(n, &r, NULL, NULL);
}

int netlink_rule_add(struct netlink *n, const struct netlink_rule *rule)
{
	return change_rule(n, RTM_NEWRULE, NLM_F_CREATE, rule);
}

int netlink_rule_delete(struct netlink *n, const struct netlink_rule *rule)
{
	return change_rule(n, RTM_DELRULE, 0, rule);
}

static int append_rule(struct netlink_rules *rules, const struct netlink_rule *rule)
{
	if (rules->count == rules->capacity) {
		size_t capacity = rules->capacity ? 2 * rules->capacity : 16;
		if (capacity > NETLINK_RULES_MAX)
			return -EOVERFLOW;
		void *grown = realloc(rules->items, capacity * sizeof(*rules->items));
		if (!grown)
			return -ENOMEM;
		rules->items = grown;
		rules->capacity = capacity;
	}
	rules->items[rules->count++] = *rule;
	return 0;
}

static int take_rule(const struct nlmsghdr *message, void *context)
{
	const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(message);
	struct netlink_attrs attrs;
	if (message->nlmsg_type != RTM_NEWRULE || m->action != FR_ACT_TO_TBL ||
		(m->family != AF_INET && m->family != AF_INET6))
		return 0;
	netlink_attrs_read(&attrs, message, sizeof(*m));
	const struct nlattr *protocol = attrs.by_type[FRA_PROTOCOL];
	const struct nlattr *suppress = attrs.by_type[FRA_SUPPRESS_PREFIXLEN];
	if (!protocol || mnl_attr_get_payload_len(protocol) < 1 ||
		mnl_attr_get_u8(protocol) != RTPROT_ADIT)
		return 0;
	struct netlink_rule rule = {
		.family = m->family == AF_INET6 ? IP_V6 : IP_V4,
		.priority = netlink_attr_u32(attrs.by_type[FRA_PRIORITY]),
		.table = netlink_attr_u32(attrs.by_type[FRA_TABLE]),
		.suppresses_default = suppress && netlink_attr_u32(suppress) == 0,
	};
	const struct nlattr *mark = attrs.by_type[FRA_FWMARK];
	if (mark)
		*(m->flags & FIB_RULE_INVERT ? &rule.not_fwmark : &rule.fwmark) =
			netlink_attr_u32(mark);
	return append_rule(context, &rule);
}

int netlink_rule_list(struct netlink *n, struct netlink_rules *out)
{
	int error = -EINTR;
	*out = (struct netlink_rules){0};
	for (int try = 0; error == -EINTR && try < LISTING_TRIES; try++) {
		union netlink_request r;
		netlink_request_init(&r, RTM_GETRULE, NLM_F_DUMP, sizeof(struct fib_rule_hdr));
		out->count = 0;
		error = netlink_request_run(n, &r, take_rule, out);
	}
	return error;
}

void netlink_rules_free(struct netlink_rules *rules)
{
	free(rules->items);
	*rules = (struct netlink_rules){0};
}
