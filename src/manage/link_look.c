#include "manage/link_look.h"

#include <stdlib.h>

#define ADDRESSES_MAX 1024 /* of a device; beyond, none is told from one that is gone */

static int compare(const void *a, const void *b)
{
	return link_item_compare(a, b);
}

static bool add_routes(struct link_state *out, struct netlink *n, uint32_t ifindex)
{
	struct netlink_routes routes;
	bool ok = !netlink_route_list(n, ifindex, RTPROT_ADIT, &routes);
	for (size_t i = 0; ok && i < routes.count; i++) {
		struct link_item item = {.kind = LINK_ROUTE,
			.prefix = routes.items[i].prefix,
			.number = routes.items[i].table};
		ok = link_state_add(out, &item);
	}
	netlink_routes_free(&routes);
	return ok;
}

static bool add_addresses(struct link_state *out, struct netlink *n, uint32_t ifindex)
{
	static struct ip_prefix addresses[ADDRESSES_MAX];
	size_t count;
	bool ok = !netlink_address_list(n, ifindex, addresses, ADDRESSES_MAX, &count);
	for (size_t i = 0; ok && i < count; i++) {
		struct link_item item = {.kind = LINK_ADDRESS, .prefix = addresses[i]};
		ok = link_state_add(out, &item);
	}
	return ok;
}

static bool is_there(const struct link_state *present, const struct link_item *item)
{
	return present->count &&
	       bsearch(item, present->items, present->count, sizeof(*present->items), compare);
}

void link_look(struct link *link, struct netlink *n, uint32_t mtu, bool was_down)
{
	struct link_state present = {0}, *state = &link->state;
	size_t kept = 0;
	if (!add_routes(&present, n, link->ifindex) || !add_addresses(&present, n, link->ifindex))
		present.count = 0;
	if (present.count)
		qsort(present.items, present.count, sizeof(*present.items), compare);
	for (size_t i = 0; i < state->count; i++) {
		const struct link_item *item = &state->items[i];
		bool is_asked = item->kind == LINK_ROUTE || item->kind == LINK_ADDRESS;
		bool is_lost =
			is_asked ? !is_there(&present, item) : item->kind == LINK_UP && was_down;
		if (!is_lost)
			state->items[kept++] = *item;
	}
	state->count = kept;
	state->mtu = mtu;
	link_state_wipe(&present);
}
