#include "manage/link_state.h"

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/list.h"

/* ------------------------------------------------------------------ items */

static int compare_prefixes(const struct ip_prefix *a, const struct ip_prefix *b)
{
	if (a->len != b->len)
		return a->len > b->len ? -1 : 1;
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

int link_item_compare(const struct link_item *a, const struct link_item *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return compare_prefixes(&a->prefix, &b->prefix);
}

static void write_route(
	char text[static LINK_ITEM_MAX], const char *what, const struct link_item *item)
{
	char prefix[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(prefix, &item->prefix);
	if (item->number == RT_TABLE_MAIN)
		snprintf(text, LINK_ITEM_MAX, "%s %s", what, prefix);
	else
		snprintf(text, LINK_ITEM_MAX, "%s %s table %u", what, prefix, item->number);
}

void link_item_write(char text[static LINK_ITEM_MAX], const struct link_item *item)
{
	char prefix[ADDRTEXT_PREFIX_MAX];
	switch (item->kind) {
	case LINK_FIREWALL:
		snprintf(text, LINK_ITEM_MAX, "packet filter for mark %u", item->number);
		break;
	case LINK_SOURCE_MARK:
		snprintf(text, LINK_ITEM_MAX, "net.ipv4.conf.all.src_valid_mark=1");
		break;
	case LINK_RULES:
		snprintf(text, LINK_ITEM_MAX, "%s rules for table %u",
			item->prefix.address.family == IP_V6 ? "IPv6" : "IPv4", item->number);
		break;
	case LINK_GUARD: write_route(text, "kill switch", item); break;
	case LINK_MTU: snprintf(text, LINK_ITEM_MAX, "mtu %u", item->number); break;
	case LINK_ADDRESS:
		addrtext_write_prefix(prefix, &item->prefix);
		snprintf(text, LINK_ITEM_MAX, "address %s", prefix);
		break;
	case LINK_UP: snprintf(text, LINK_ITEM_MAX, "up"); break;
	case LINK_ROUTE: write_route(text, "route", item); break;
	}
}

/* ------------------------------------------------------------------ states */

bool link_state_add(struct link_state *state, const struct link_item *item)
{
	struct link_item *items =
		list_grow(state->items, state->count, &state->capacity, sizeof(*items));
	if (!items)
		return false;
	state->items = items;
	items[state->count++] = *item;
	return true;
}

const struct link_item *link_state_find(const struct link_state *state, enum link_kind kind)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->items[i].kind == kind)
			return &state->items[i];
	return NULL;
}

void link_state_wipe(struct link_state *state)
{
	free(state->items);
	*state = (struct link_state){0};
}

/* ------------------------------------------------------------------ what settings mean */

static int compare_wanted(const void *a, const void *b)
{
	return compare_prefixes(a, b);
}

/* The AllowedIPs as prefixes of routes, each once. NULL: no memory. */
static struct ip_prefix *sort_allowed_ips(const struct link_settings *s, size_t *count)
{
	struct ip_prefix *sorted = calloc(s->allowed_ip_count + 1, sizeof(*sorted));
	*count = 0;
	if (!sorted)
		return NULL;
	for (size_t i = 0; i < s->allowed_ip_count; i++) {
		sorted[i] = s->allowed_ips[i];
		ip_prefix_mask(&sorted[i]);
	}
	qsort(sorted, s->allowed_ip_count, sizeof(*sorted), compare_wanted);
	for (size_t i = 0; i < s->allowed_ip_count; i++)
		if (!*count || compare_prefixes(&sorted[i], &sorted[*count - 1]))
			sorted[(*count)++] = sorted[i];
	return sorted;
}

/* The kernel sets a route for an address's prefix by itself, in the main table. */
static bool is_covered(const struct link_settings *s, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < s->address_count; i++) {
		struct ip_prefix own = s->addresses[i];
		ip_prefix_mask(&own);
		bool has_route = own.address.family == IP_V6 ||
				 (own.len < ip_family_bits(IP_V4) && own.address.bytes[0]);
		if (has_route && own.len && own.len <= prefix->len &&
			ip_prefix_contains(&own, &prefix->address))
			return true;
	}
	return false;
}

static bool add_addresses(struct link_state *out, const struct link_settings *s)
{
	size_t first = out->count;
	for (size_t i = 0; i < s->address_count; i++) {
		struct link_item item = {.kind = LINK_ADDRESS, .prefix = s->addresses[i]};
		bool is_there = false;
		for (size_t j = first; j < out->count && !is_there; j++)
			is_there = !link_item_compare(&out->items[j], &item);
		if (!is_there && !link_state_add(out, &item))
			return false;
	}
	return true;
}

static uint32_t table_of(const struct link_settings *s, const struct ip_prefix *prefix)
{
	if (s->table == LINK_TABLE_NUMBER)
		return s->table_number;
	return prefix->len ? RT_TABLE_MAIN : s->fwmark;
}

/* As routes to the device or to nowhere. */
static bool add_routes(struct link_state *out, const struct link_settings *s, enum link_kind kind,
	const struct ip_prefix *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct link_item item = {
			.kind = kind, .prefix = sorted[i], .number = table_of(s, &sorted[i])};
		/* A table of one's own gets everything. */
		if (s->table == LINK_TABLE_AUTO && !s->kill_switch && is_covered(s, &sorted[i]))
			continue;
		if (!link_state_add(out, &item))
			return false;
	}
	return true;
}

bool link_has_default(const struct link_settings *s, enum ip_family family)
{
	for (size_t i = 0; s->table == LINK_TABLE_AUTO && i < s->allowed_ip_count; i++)
		if (!s->allowed_ips[i].len && s->allowed_ips[i].address.family == family)
			return true;
	return false;
}

bool link_needs_mark(const struct link_settings *s)
{
	return link_has_default(s, IP_V4) || link_has_default(s, IP_V6);
}

/* What makes a default route of one, and keeps it from our own packets. */
static bool add_policy(
	struct link_state *out, const struct link_settings *s, const struct link_facts *facts)
{
	struct link_item firewall = {.kind = LINK_FIREWALL, .number = s->fwmark};
	struct link_item source_mark = {.kind = LINK_SOURCE_MARK};
	if (!link_needs_mark(s))
		return true;
	bool ok = link_state_add(out, &firewall);
	if (link_has_default(s, IP_V4) && facts->sets_source_mark)
		ok = ok && link_state_add(out, &source_mark);
	struct link_item rules = {.kind = LINK_RULES, .number = s->fwmark};
	rules.prefix.address.family = IP_V4;
	if (link_has_default(s, IP_V4))
		ok = ok && link_state_add(out, &rules);
	rules.prefix.address.family = IP_V6;
	if (link_has_default(s, IP_V6))
		ok = ok && link_state_add(out, &rules);
	return ok;
}

bool link_state_want(
	struct link_state *out, const struct link_settings *s, const struct link_facts *facts)
{
	size_t count;
	struct ip_prefix *sorted = sort_allowed_ips(s, &count);
	if (s->table == LINK_TABLE_OFF)
		count = 0;
	*out = (struct link_state){.mtu = facts->mtu};
	bool ok = sorted && add_policy(out, s, facts);
	if (s->kill_switch)
		ok = ok && add_routes(out, s, LINK_GUARD, sorted, count);
	ok = ok && add_addresses(out, s) &&
	     link_state_add(out, &(struct link_item){.kind = LINK_UP}) &&
	     add_routes(out, s, LINK_ROUTE, sorted, count);
	free(sorted);
	return ok;
}
