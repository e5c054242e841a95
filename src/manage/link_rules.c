#include "manage/link_rules.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "manage/netlink_rule.h"

static struct netlink_rule companion_of(const struct netlink_rule *rule)
{
	return (struct netlink_rule){.family = rule->family,
		.priority = rule->priority - 1,
		.table = RT_TABLE_MAIN,
		.suppresses_default = true};
}

static bool is_for(const struct netlink_rule *rule, enum ip_family family, uint32_t mark)
{
	return rule->family == family && rule->table == mark && rule->not_fwmark == mark;
}

static bool has_companion(const struct netlink_rules *rules, const struct netlink_rule *rule)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct netlink_rule *r = &rules->items[i];
		if (r->family == rule->family && r->priority == rule->priority - 1 &&
			r->table == RT_TABLE_MAIN && r->suppresses_default)
			return true;
	}
	return false;
}

/* Finds the rule with the mark; *has_both: and its companion. -ENOENT: there is none. */
static int find(struct netlink *n, enum ip_family family, uint32_t mark, struct netlink_rule *found,
	bool *has_both)
{
	struct netlink_rules rules;
	int error = netlink_rule_list(n, &rules);
	if (!error)
		error = -ENOENT;
	for (size_t i = 0; error == -ENOENT && i < rules.count; i++) {
		if (!is_for(&rules.items[i], family, mark))
			continue;
		*found = rules.items[i];
		*has_both = has_companion(&rules, found);
		error = 0;
	}
	netlink_rules_free(&rules);
	return error;
}

/*
 * The one with the mark first: it is known by its table when we are killed in
 * between, and does nothing yet, because the table is empty.
 */
int link_rules_add(struct netlink *n, enum ip_family family, uint32_t mark)
{
	struct netlink_rule rule = {.family = family, .table = mark, .not_fwmark = mark};
	bool has_both = false;
	int error = find(n, family, mark, &rule, &has_both);
	bool is_new = error == -ENOENT;
	if (is_new)
		error = netlink_rule_add(n, &rule);
	if (!error && is_new)
		error = find(n, family, mark, &rule, &has_both);
	if (error || has_both)
		return error;
	struct netlink_rule companion = companion_of(&rule);
	error = netlink_rule_add(n, &companion);
	if (error && is_new) {
		struct netlink undo = *n; /* the words about the failure stay */
		netlink_rule_delete(&undo, &rule);
		n->sequence = undo.sequence;
	}
	return error;
}

int link_rules_remove(struct netlink *n, enum ip_family family, uint32_t mark)
{
	struct netlink_rule rule, companion;
	bool has_both;
	int error = find(n, family, mark, &rule, &has_both);
	if (error)
		return error;
	companion = companion_of(&rule);
	if (has_both)
		error = netlink_rule_delete(n, &companion);
	return error && error != -ENOENT ? error : netlink_rule_delete(n, &rule);
}

int link_rules_pass(struct netlink *n, uint32_t mark)
{
	struct netlink_rule rule = {.family = IP_V4, .table = RT_TABLE_MAIN, .fwmark = mark};
	int first = netlink_rule_add(n, &rule);
	rule.family = IP_V6;
	int error = netlink_rule_add(n, &rule);
	return first ? first : error;
}

int link_rules_pass_no_more(struct netlink *n, uint32_t mark)
{
	struct netlink_rules rules;
	int first = netlink_rule_list(n, &rules);
	for (size_t i = 0; !first && i < rules.count; i++)
		if (rules.items[i].fwmark == mark && rules.items[i].table == RT_TABLE_MAIN)
			first = netlink_rule_delete(n, &rules.items[i]);
	netlink_rules_free(&rules);
	return first;
}
