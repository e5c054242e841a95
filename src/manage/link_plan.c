#include "manage/link_plan.h"

#include <stdio.h>
#include <stdlib.h>

/* A state's items, sorted for looking one up; they stay the state's. */
struct lookup {
	const struct link_item **items;
	size_t count;
};

static int compare_pointers(const void *a, const void *b)
{
	return link_item_compare(
		*(const struct link_item *const *)a, *(const struct link_item *const *)b);
}

static bool lookup_init(struct lookup *l, const struct link_state *state)
{
	l->items = calloc(state->count + 1, sizeof(*l->items));
	l->count = l->items ? state->count : 0;
	for (size_t i = 0; i < l->count; i++)
		l->items[i] = &state->items[i];
	if (l->items)
		qsort(l->items, l->count, sizeof(*l->items), compare_pointers);
	return l->items;
}

static bool lookup_has(const struct lookup *l, const struct link_item *item)
{
	return bsearch(&item, l->items, l->count, sizeof(*l->items), compare_pointers);
}

struct planning {
	struct link_plan *plan;
	const struct link_state *from, *to;
	struct lookup before, after;
	bool is_staying; /* up in both: a guard must not be there without its route */
	bool loses_v4; /* with the last IPv4 address the kernel flushes the device's IPv4 routes */
};

static bool has_v4(const struct link_state *state)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->items[i].kind == LINK_ADDRESS &&
			state->items[i].prefix.address.family == IP_V4)
			return true;
	return false;
}

static bool is_v4_route(const struct link_item *item)
{
	return item->kind == LINK_ROUTE && item->prefix.address.family == IP_V4;
}

static bool is_flushed(const struct planning *p, const struct link_item *item)
{
	return p->loses_v4 && is_v4_route(item);
}

static void put_step(struct planning *p, enum link_change change, const struct link_item *item)
{
	p->plan->steps[p->plan->count++] =
		(struct link_step){.change = change, .item = *item, .target = p->to};
}

static void put_alteration(struct planning *p, const struct link_item *item, uint32_t before)
{
	put_step(p, LINK_ALTER, item);
	p->plan->steps[p->plan->count - 1].before = before;
}

static void put_mtu(struct planning *p)
{
	struct link_item mtu = {.kind = LINK_MTU, .number = p->to->mtu};
	put_alteration(p, &mtu, p->from->mtu);
}

/* The firewall's table is made of the rules, their families' addresses, and a flag. */
static bool is_in_firewall(const struct link_state *state, const struct link_item *item)
{
	if (item->kind != LINK_ADDRESS)
		return item->kind == LINK_RULES || item->kind == LINK_SOURCE_MARK;
	for (size_t i = 0; i < state->count; i++)
		if (state->items[i].kind == LINK_RULES &&
			state->items[i].prefix.address.family == item->prefix.address.family)
			return true;
	return false;
}

/* Whether something of one state's table is not in the other state. */
static bool has_more_in_firewall(const struct link_state *state, const struct lookup *other)
{
	for (size_t i = 0; i < state->count && state->items[i].kind < LINK_ROUTE; i++)
		if (is_in_firewall(state, &state->items[i]) && !lookup_has(other, &state->items[i]))
			return true;
	return false;
}

static void put_firewall(struct planning *p)
{
	const struct link_item *before = link_state_find(p->from, LINK_FIREWALL);
	const struct link_item *after = link_state_find(p->to, LINK_FIREWALL);
	if (after && !before)
		put_step(p, LINK_ADD, after);
	else if (after &&
		 (before->number != after->number || has_more_in_firewall(p->from, &p->after) ||
			 has_more_in_firewall(p->to, &p->before)))
		put_alteration(p, after, before->number);
}

static void put_additions(struct planning *p, enum link_kind kind)
{
	for (size_t i = 0; i < p->to->count; i++) {
		const struct link_item *item = &p->to->items[i];
		if (item->kind == kind && !is_flushed(p, item) && !lookup_has(&p->before, item))
			put_step(p, LINK_ADD, item);
	}
}

static void put_removals(struct planning *p, enum link_kind kind)
{
	if (kind == LINK_FIREWALL && link_state_find(p->to, LINK_FIREWALL))
		return; /* altered */
	for (size_t i = p->from->count; i-- > 0;) {
		const struct link_item *item = &p->from->items[i];
		if (item->kind == kind && (is_flushed(p, item) || !lookup_has(&p->after, item)))
			put_step(p, LINK_REMOVE, item);
	}
}

static void put_flushed(struct planning *p)
{
	for (size_t i = 0; i < p->to->count; i++)
		if (is_flushed(p, &p->to->items[i]))
			put_step(p, LINK_ADD, &p->to->items[i]);
}

static bool is_up(const struct link_state *state)
{
	return link_state_find(state, LINK_UP);
}

/* A link comes up with its MTU; later a larger one comes before what may need it. */
static bool has_mtu_first(const struct planning *p)
{
	return !is_up(p->from) || (is_up(p->to) && p->to->mtu > p->from->mtu);
}

static void put_steps(struct planning *p)
{
	bool has_mtu = p->from->mtu != p->to->mtu, is_first = has_mtu_first(p);
	if (p->is_staying)
		put_removals(p, LINK_GUARD);
	put_firewall(p);
	put_additions(p, LINK_SOURCE_MARK);
	put_additions(p, LINK_RULES);
	if (!p->is_staying)
		put_additions(p, LINK_GUARD);
	if (has_mtu && is_first)
		put_mtu(p);
	put_additions(p, LINK_ADDRESS);
	put_additions(p, LINK_UP);
	put_additions(p, LINK_ROUTE);
	if (p->is_staying)
		put_additions(p, LINK_GUARD);
	put_removals(p, LINK_ROUTE);
	put_removals(p, LINK_ADDRESS);
	put_removals(p, LINK_UP); /* last: going down, the kernel takes IPv6 addresses by itself */
	put_flushed(p);
	if (has_mtu && !is_first)
		put_mtu(p);
	if (!p->is_staying)
		put_removals(p, LINK_GUARD);
	put_removals(p, LINK_RULES);
	put_removals(p, LINK_SOURCE_MARK);
	put_removals(p, LINK_FIREWALL);
}

bool link_plan_make(
	struct link_plan *plan, const struct link_state *from, const struct link_state *to)
{
	struct planning p = {
		.plan = plan, .from = from, .to = to, .loses_v4 = has_v4(from) && !has_v4(to)};
	/* No item of either is in more than one step. */
	*plan = (struct link_plan){
		.steps = calloc(from->count + to->count + 1, sizeof(*plan->steps)), .from = from};
	bool ok = lookup_init(&p.before, from);
	ok = lookup_init(&p.after, to) && ok && plan->steps;
	p.is_staying = is_up(from) && is_up(to);
	if (ok)
		put_steps(&p);
	free(p.before.items);
	free(p.after.items);
	return ok;
}

void link_plan_wipe(struct link_plan *plan)
{
	free(plan->steps);
	*plan = (struct link_plan){0};
}

struct link_step link_step_opposite(const struct link_plan *plan, const struct link_step *step)
{
	struct link_step other = *step;
	other.target = plan->from;
	if (step->change == LINK_ALTER) {
		other.item.number = step->before;
		other.before = step->item.number;
	} else {
		other.change = step->change == LINK_ADD ? LINK_REMOVE : LINK_ADD;
	}
	return other;
}

/* Undoing took the last IPv4 address: what the kernel flushed with it comes back. */
static void restore_flushed(const struct link_plan *plan,
	int (*run)(void *context, const struct link_step *step), void *context)
{
	struct link_step step = {.change = LINK_ADD, .target = plan->from};
	for (size_t i = 0; i < plan->from->count; i++) {
		step.item = plan->from->items[i];
		if (is_v4_route(&step.item))
			run(context, &step);
	}
}

int link_plan_run(const struct link_plan *plan,
	int (*run)(void *context, const struct link_step *step), void *context)
{
	int error = 0;
	size_t done = 0;
	bool is_flushing = false;
	while (done < plan->count && !(error = run(context, &plan->steps[done])))
		done++;
	while (error && done) {
		struct link_step back = link_step_opposite(plan, &plan->steps[--done]);
		is_flushing |= back.change == LINK_REMOVE && back.item.kind == LINK_ADDRESS &&
			       back.item.prefix.address.family == IP_V4;
		run(context, &back);
	}
	if (is_flushing && !has_v4(plan->from))
		restore_flushed(plan, run, context);
	return error;
}

void link_step_write(char text[static LINK_LINE_MAX], const struct link_step *step)
{
	static const char signs[] = {[LINK_ADD] = '+', [LINK_REMOVE] = '-', [LINK_ALTER] = '~'};
	char item[LINK_ITEM_MAX];
	link_item_write(item, &step->item);
	if (step->item.kind == LINK_MTU)
		snprintf(text, LINK_LINE_MAX, "~ mtu %u -> %u", step->before, step->item.number);
	else
		snprintf(text, LINK_LINE_MAX, "%c %s", signs[step->change], item);
}
