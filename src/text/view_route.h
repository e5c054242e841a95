/*
 * Which peer's allowed IPs an address is in: the longest prefix gets the packet,
 * shorter ones that hold the address too lose, and where none does, the ones that
 * have most of its bits are the nearest. A pass over all prefixes, as a question
 * asked once needs no trie; allowedips.h has the one that packets go through.
 */
#ifndef ADIT_TEXT_VIEW_ROUTE_H
#define ADIT_TEXT_VIEW_ROUTE_H

#include "text/out.h"
#include "text/view.h"
#include "text/view_print.h"

#define VIEW_ROUTE_NEAREST_MAX 4

struct view_route_entry {
	const struct view_peer *peer;
	const struct ip_prefix *prefix; /* both in the view */
	unsigned common_bits;		/* with the address; prefix->len: it holds it */
};

struct view_route {
	bool is_carried;
	bool is_elsewhere; /* the caller's to say: it does not come here at all */
	/*
	 * If carried: the one that carries it, then those that lose, the longest first.
	 * Else: the nearest, at most VIEW_ROUTE_NEAREST_MAX, of the address's family.
	 */
	struct view_route_entry *entries;
	size_t count, capacity;
};

/*
 * Points into `view`. view_route_free is the caller's whatever the outcome. false:
 * no memory.
 */
bool view_route_find(
	struct view_route *route, const struct view *view, const struct ip_address *address);

/* For people: who gets a packet to `address` and why, or that nobody does. */
void view_route_print(struct out *out, const struct view_route *route,
	const struct ip_address *address, const struct view_style *style);

void view_route_free(struct view_route *route);

#endif
