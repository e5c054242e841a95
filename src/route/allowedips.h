/*
 * AllowedIPs: prefix -> peer, longest match wins, for IPv4 and IPv6. A prefix
 * belongs to one peer; inserting it for another moves it. Each peer's prefixes
 * form a list headed by peer->allowed_ips, which only this module writes.
 */
#ifndef ADIT_ROUTE_ALLOWEDIPS_H
#define ADIT_ROUTE_ALLOWEDIPS_H

#include "base/ip.h"
#include "peer/peer.h"

struct allowedips_node; /* of the tries, private */

#define ALLOWEDIPS_NODES_MAX (1u << 22) /* of both tries; a prefix needs one or two */

struct allowedips {
	struct allowedips_node *root4, *root6;
	struct allowedips_node *reserve; /* unused nodes */
	size_t reserve_count;
	size_t node_count, node_max; /* allocated, the reserve included */
};

void allowedips_init(struct allowedips *table);

/* Frees all; every peer's list is empty afterwards. */
void allowedips_wipe(struct allowedips *table);

/*
 * Memory for `count` inserts ahead, so that they cannot fail: a change is
 * prepared with it and then committed. false: no memory or more than
 * ALLOWEDIPS_NODES_MAX; nothing changed.
 */
bool allowedips_reserve(struct allowedips *table, size_t count);

/*
 * Host bits must be zero (ip_prefix_mask). A prefix that is there already moves to
 * `peer`, which takes no memory. false: as above.
 */
bool allowedips_insert(struct allowedips *table, const struct ip_prefix *prefix, struct peer *peer);

/* Removes exactly this prefix if it belongs to `peer`; true if it did. */
bool allowedips_remove(
	struct allowedips *table, const struct ip_prefix *prefix, const struct peer *peer);

void allowedips_remove_peer(struct allowedips *table, struct peer *peer);

/* The peer of the longest prefix that holds `address`, or NULL. */
struct peer *allowedips_lookup(const struct allowedips *table, const struct ip_address *address);

/*
 * Walks a peer's prefixes: pass NULL first, then the last result; NULL ends it.
 * *prefix is filled. The order is that of insertion.
 */
const struct allowedips_node *allowedips_next(
	const struct peer *peer, const struct allowedips_node *after, struct ip_prefix *prefix);

#endif
