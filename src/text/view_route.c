#include "text/view_route.h"

#include <stdlib.h>

#include "text/addrtext.h"
#include "text/list.h"
#include "text/view_text.h"

/* How many of the prefix's bits the address has, from the front. */
static unsigned common_bits(const struct ip_prefix *prefix, const struct ip_address *address)
{
	unsigned bits = 0;
	while (bits < prefix->len) {
		unsigned different = prefix->address.bytes[bits / 8] ^ address->bytes[bits / 8];
		if (different >> (7 - bits % 8) & 1)
			break;
		bits++;
	}
	return bits;
}

/* The better first: what holds the address before what does not, the longer before the shorter. */
static int compare_entries(const void *first, const void *second)
{
	const struct view_route_entry *a = first, *b = second;
	if (a->common_bits != b->common_bits)
		return a->common_bits > b->common_bits ? -1 : 1;
	if (a->peer != b->peer)
		return a->peer < b->peer ? -1 : 1; /* both in one array */
	return (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

static bool add_entry(struct view_route *route, const struct view_route_entry *entry)
{
	struct view_route_entry *entries =
		list_grow(route->entries, route->count, &route->capacity, sizeof *route->entries);
	if (!entries)
		return false;
	route->entries = entries;
	entries[route->count++] = *entry;
	return true;
}

/* Of those that do not hold the address, only the nearest are kept. */
static bool add_nearest(struct view_route *route, const struct view_route_entry *entry)
{
	unsigned best = route->count ? route->entries[0].common_bits : 0;
	if (entry->common_bits < best || !entry->common_bits)
		return true;
	if (entry->common_bits > best)
		route->count = 0;
	return route->count == VIEW_ROUTE_NEAREST_MAX || add_entry(route, entry);
}

static bool consider(struct view_route *route, const struct view_route_entry *entry)
{
	bool is_holder = entry->common_bits == entry->prefix->len;
	if (is_holder && !route->is_carried) {
		route->count = 0;
		route->is_carried = true;
	}
	if (is_holder)
		return add_entry(route, entry);
	return route->is_carried || add_nearest(route, entry);
}

bool view_route_find(
	struct view_route *route, const struct view *view, const struct ip_address *address)
{
	*route = (struct view_route){0};
	for (size_t i = 0; i < view->peer_count; i++) {
		const struct view_peer *peer = &view->peers[i];
		for (size_t j = 0; j < peer->allowed_ip_count; j++) {
			const struct ip_prefix *prefix = &peer->allowed_ips[j];
			if (prefix->address.family != address->family)
				continue;
			struct view_route_entry entry = {
				peer, prefix, common_bits(prefix, address)};
			if (!consider(route, &entry))
				return false;
		}
	}
	if (route->count)
		qsort(route->entries, route->count, sizeof *route->entries, compare_entries);
	return true;
}

static void add_entry_text(struct out *out, const char *words, const struct view_route_entry *entry)
{
	out_add_text(out, words);
	view_add_prefix(out, entry->prefix);
	out_add_text(out, " of peer ");
	view_add_key(out, entry->peer->public_key.bytes);
	out_add_text(out, "\n");
}

static void add_winner(
	struct out *out, const struct view_route_entry *entry, const struct view_style *style)
{
	out_add_text(out, " goes to peer ");
	view_add_key(out, entry->peer->public_key.bytes);
	out_add_text(out, "\n  by its allowed IPs ");
	view_add_prefix(out, entry->prefix);
	if (entry->peer->endpoint.address.family == IP_NONE) {
		out_add_text(
			out, "\n  its endpoint is not known: dropped until it sends something\n");
		return;
	}
	out_add_text(out, "\n  to its endpoint ");
	view_add_endpoint(out, &entry->peer->endpoint, style);
	out_add_text(out, "\n");
}

void view_route_print(struct out *out, const struct view_route *route,
	const struct ip_address *address, const struct view_style *style)
{
	char text[ADDRTEXT_ADDRESS_MAX];
	addrtext_write_address(text, address);
	out_add_text(out, style->interface_name);
	out_add_text(out, ": ");
	out_add_text(out, text);
	if (route->is_carried)
		add_winner(out, &route->entries[0], style);
	else
		out_add_text(out, route->is_elsewhere ? " is in no peer's allowed IPs\n"
						      : " is in no peer's allowed IPs: dropped\n");
	for (size_t i = route->is_carried; i < route->count; i++)
		add_entry_text(out, route->is_carried ? "  shorter, so it loses: " : "  nearest: ",
			&route->entries[i]);
}

void view_route_free(struct view_route *route)
{
	free(route->entries);
	*route = (struct view_route){0};
}
