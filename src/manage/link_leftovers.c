#include "manage/link_leftovers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manage/firewall.h"
#include "manage/link_claim.h"
#include "manage/link_step.h"
#include "manage/netlink_rule.h"

#define MARK_FIRST 51820
#define MARK_LAST  (MARK_FIRST + 1000)

/* Whether a table is one of ours, for rules. */
static bool is_own_table(const struct link_state *state, uint32_t table)
{
	for (size_t i = 0; i < state->count; i++) {
		const struct link_item *item = &state->items[i];
		if (item->number == table &&
			(item->kind == LINK_FIREWALL ||
				(item->kind == LINK_GUARD && !item->prefix.len)))
			return true;
	}
	return false;
}

static int find_firewall(struct netlink *n, const char *name, struct link_state *out)
{
	static struct firewall_record records[FIREWALL_RECORDS_MAX];
	size_t count;
	int error = firewall_list(n, records, &count);
	for (size_t i = 0; !error && i < count; i++) {
		struct link_item table = {.kind = LINK_FIREWALL, .number = records[i].mark};
		struct link_item flag = {.kind = LINK_SOURCE_MARK};
		if (strcmp(records[i].interface, name))
			continue;
		if (!link_state_add(out, &table) ||
			(records[i].has_source_mark && !link_state_add(out, &flag)))
			error = -ENOMEM;
	}
	return error;
}

static int find_guards(struct netlink *n, const char *name, struct link_state *out)
{
	struct netlink_routes routes;
	uint32_t metric = link_guard_metric(name);
	int error = netlink_unreachable_list(n, &routes);
	for (size_t i = 0; !error && i < routes.count; i++) {
		struct link_item guard = {.kind = LINK_GUARD,
			.prefix = routes.items[i].prefix,
			.number = routes.items[i].table};
		if (routes.items[i].metric == metric && !link_state_add(out, &guard))
			error = -ENOMEM;
	}
	netlink_routes_free(&routes);
	return error;
}

/* Where another interface says that they are its own they are left to it. */
static int find_rules(struct netlink *n, const char *name, struct link_state *out)
{
	static struct firewall_record records[FIREWALL_RECORDS_MAX];
	struct netlink_rules rules;
	size_t count;
	int error = netlink_rule_list(n, &rules);
	if (!error)
		error = firewall_list(n, records, &count);
	for (size_t i = 0; !error && i < rules.count; i++) {
		const struct netlink_rule *r = &rules.items[i];
		struct link_item item = {.kind = LINK_RULES, .number = r->table};
		item.prefix.address.family = r->family;
		if (r->not_fwmark == r->table && is_own_table(out, r->table) &&
			!link_claim_other(records, count, name, r->table) &&
			!link_state_add(out, &item))
			error = -ENOMEM;
	}
	netlink_rules_free(&rules);
	return error;
}

static int compare(const void *a, const void *b)
{
	return link_item_compare(a, b);
}

int link_leftovers_find(struct netlink *n, const char *name, struct link_state *out)
{
	int error = find_firewall(n, name, out);
	if (!error)
		error = find_guards(n, name, out);
	if (!error)
		error = find_rules(n, name, out);
	if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), compare);
	return error == -EPERM ? 0 : error;
}

int link_leftovers_remove(struct netlink *n, const char *name, const struct link_state *leftovers)
{
	struct link_worker worker = {.n = n, .name = name};
	struct link_state nothing = {0};
	int first = 0;
	for (size_t i = leftovers->count; i-- > 0;) {
		struct link_step step = {
			.change = LINK_REMOVE, .item = leftovers->items[i], .target = &nothing};
		int error = step.item.kind <= LINK_GUARD ? link_step_run(&worker, &step) : 0;
		first = first ? first : error;
	}
	return first;
}

/* What says that somebody has a mark, besides routes in its table. */
struct claims {
	struct netlink_rules rules;
	struct firewall_record records[FIREWALL_RECORDS_MAX];
	size_t record_count;
};

/* An adit that is just starting has its packet filter first, then its rules, then its route. */
static bool is_claimed(const struct claims *claims, const char *name, uint32_t mark)
{
	for (size_t i = 0; i < claims->rules.count; i++)
		if (claims->rules.items[i].table == mark)
			return true;
	return link_claim_other(claims->records, claims->record_count, name, mark);
}

/* Reserved at once: until it is in use, nothing else tells another adit of it. */
static int choose_free_mark(struct netlink *n, const char *name, uint32_t *mark)
{
	static struct claims claims;
	bool is_free = false;
	int error = netlink_rule_list(n, &claims.rules);
	if (!error)
		error = firewall_list(n, claims.records, &claims.record_count);
	error = error == -EPERM ? 0 : error;
	for (*mark = MARK_FIRST; !error && *mark <= MARK_LAST; ++*mark) {
		if (is_claimed(&claims, name, *mark))
			continue;
		error = netlink_table_is_empty(n, *mark, &is_free);
		is_free = is_free && link_claim_reserve(*mark) != -EADDRINUSE;
		if (is_free)
			break;
	}
	netlink_rules_free(&claims.rules);
	return error || is_free ? error : -ENOSPC;
}

int link_choose_mark(struct netlink *n, const char *name, uint32_t *mark)
{
	struct link_state own = {0};
	int error = link_leftovers_find(n, name, &own);
	const struct link_item *rules = link_state_find(&own, LINK_RULES);
	const struct link_item *firewall = link_state_find(&own, LINK_FIREWALL);
	if (rules || firewall)
		*mark = (rules ? rules : firewall)->number;
	else if (!error)
		error = choose_free_mark(n, name, mark);
	link_state_wipe(&own);
	return error;
}
