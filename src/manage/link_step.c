#include "manage/link_step.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manage/firewall.h"
#include "manage/link_claim.h"
#include "manage/link_rules.h"
#include "manage/source_mark.h"

/* Whether our own device has that route by somebody else: the kernel, for an address; a hook. */
static bool has_route(const struct link_worker *w, const struct link_item *route)
{
	struct netlink_routes present;
	bool is_there = false;
	int error = netlink_route_list(w->n, w->ifindex, 0, &present);
	for (size_t i = 0; !error && i < present.count; i++) {
		const struct netlink_route *p = &present.items[i];
		is_there |= p->table == route->number && p->prefix.len == route->prefix.len &&
			    ip_address_is_equal(&p->prefix.address, &route->prefix.address);
	}
	netlink_routes_free(&present);
	return is_there;
}

static int add_route(const struct link_worker *w, const struct link_item *route)
{
	int error = netlink_route_add(w->n, w->ifindex, route->number, &route->prefix);
	if (error != -EEXIST)
		return error;
	if (!has_route(w, route))
		/* Through another device; once more, for the words. */
		return netlink_route_add(w->n, w->ifindex, route->number, &route->prefix);
	error = netlink_route_append(w->n, w->ifindex, route->number, &route->prefix);
	return error == -EEXIST ? 0 : error;
}

static int raise(const struct link_worker *w)
{
	int error = netlink_link_set_no_autoconf(w->n, w->ifindex);
	if (!error)
		error = netlink_link_set_promotion(w->n, w->ifindex);
	return error ? error : netlink_link_set_up(w->n, w->ifindex, true);
}

uint32_t link_guard_metric(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return 0xf0000000u | (hash ^ hash >> 28);
}

static int add_guard(const struct link_worker *w, const struct link_item *item)
{
	int error = netlink_unreachable_add(
		w->n, item->number, &item->prefix, link_guard_metric(w->name));
	return error == -EEXIST ? 0 : error;
}

static bool has_rules(const struct link_state *state, enum ip_family family)
{
	for (size_t i = 0; i < state->count && state->items[i].kind <= LINK_RULES; i++)
		if (state->items[i].kind == LINK_RULES &&
			state->items[i].prefix.address.family == family)
			return true;
	return false;
}

/* The table for the state that the step is on the way to. */
static int set_firewall(const struct link_worker *w, const struct link_state *state, uint32_t mark)
{
	struct ip_prefix *addresses = calloc(state->count + 1, sizeof(*addresses));
	struct firewall firewall = {.record.mark = mark, .addresses = addresses};
	if (!addresses)
		return -ENOMEM;
	snprintf(firewall.record.interface, sizeof(firewall.record.interface), "%s", w->name);
	firewall.record.has_source_mark = link_state_find(state, LINK_SOURCE_MARK);
	for (size_t i = 0; i < state->count; i++) {
		const struct link_item *item = &state->items[i];
		if (item->kind == LINK_ADDRESS && has_rules(state, item->prefix.address.family))
			addresses[firewall.address_count++] = item->prefix;
	}
	int error = firewall_set(w->n, &firewall);
	free(addresses);
	return error;
}

/* Never those of another interface: what undoes this step would take them away. */
static int add_rules(const struct link_worker *w, enum ip_family family, uint32_t mark)
{
	int error = link_claim_check(w->n, w->name, family, mark);
	return error ? error : link_rules_add(w->n, family, mark);
}

/* The last interface that wanted it puts it back. */
static int clear_source_mark(const struct link_worker *w)
{
	static struct firewall_record records[FIREWALL_RECORDS_MAX];
	size_t count;
	int error = firewall_list(w->n, records, &count);
	for (size_t i = 0; !error && i < count; i++)
		if (records[i].has_source_mark && strcmp(records[i].interface, w->name))
			return 0;
	return error ? error : source_mark_set(false);
}

static int add(const struct link_worker *w, const struct link_step *step)
{
	const struct link_item *item = &step->item;
	switch (item->kind) {
	case LINK_FIREWALL: return set_firewall(w, step->target, item->number);
	case LINK_SOURCE_MARK: return source_mark_set(true);
	case LINK_RULES: return add_rules(w, item->prefix.address.family, item->number);
	case LINK_GUARD: return add_guard(w, item);
	case LINK_MTU: return netlink_link_set_mtu(w->n, w->ifindex, item->number);
	case LINK_ADDRESS: return netlink_address_add(w->n, w->ifindex, &item->prefix);
	case LINK_UP: return raise(w);
	case LINK_ROUTE: return add_route(w, item);
	}
	return -EINVAL;
}

static int take_away(const struct link_worker *w, const struct link_item *item)
{
	switch (item->kind) {
	case LINK_FIREWALL: return firewall_remove(w->n, w->name);
	case LINK_SOURCE_MARK: return clear_source_mark(w);
	case LINK_RULES: return link_rules_remove(w->n, item->prefix.address.family, item->number);
	case LINK_GUARD:
		return netlink_unreachable_delete(
			w->n, item->number, &item->prefix, link_guard_metric(w->name));
	case LINK_ADDRESS: return netlink_address_delete(w->n, w->ifindex, &item->prefix);
	case LINK_UP: return netlink_link_set_up(w->n, w->ifindex, false);
	case LINK_ROUTE: return netlink_route_delete(w->n, w->ifindex, item->number, &item->prefix);
	default: return -EINVAL;
	}
}

/* What the kernel says of something that is not there, or whose device is not. */
static bool is_gone(int error)
{
	return error == -ESRCH || error == -ENOENT || error == -ENODEV || error == -EADDRNOTAVAIL;
}

int link_step_run(void *context, const struct link_step *step)
{
	const struct link_worker *w = context;
	w->n->words[0] = 0; /* not all of this goes through netlink */
	if (step->change != LINK_REMOVE)
		return add(w, step);
	int error = take_away(w, &step->item);
	return is_gone(error) ? 0 : error;
}
