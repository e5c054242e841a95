/*
 * The administrator of all nodes: what each should know of the others, and the
 * changes that make it so. A change that memory was short for is made later, by
 * admin_put_right.
 *
 * Network n is 10.0.n.0/24 and fd00:0:0:n::/64. Node n owns network n; the
 * floating ones belong, at each node, to whichever peer the administrator says.
 */
#ifndef ADIT_SIM_ADMIN_H
#define ADIT_SIM_ADMIN_H

#include "device/device.h"

#define NETWORKS_MAX	 64
#define NETWORK_FLOATING 60 /* the first of them */
#define NETWORK_NOBODYS	 200

/* How a node should know another. */
struct acquaintance {
	bool is_wanted;
	bool knows_endpoint; /* from the configuration */
	enum key_exchange key_exchange;
	uint16_t keepalive_seconds;
	struct preshared_key preshared_key;
};

struct world;
struct node;

/* What should be, and at once. */
void admin_introduce(
	struct world *w, uint32_t node, uint32_t peer, const struct acquaintance *wanted);

/* Single changes. They may find no memory and then change nothing; */
void admin_add_peer(struct world *w, uint32_t node, uint32_t peer);
void admin_remove_peer(struct world *w, uint32_t node, uint32_t peer);
void admin_set_preshared_key(
	struct world *w, uint32_t node, uint32_t peer, const struct preshared_key *key);
void admin_set_keepalive(struct world *w, uint32_t node, uint32_t peer, uint16_t seconds);
void admin_set_endpoint(
	struct world *w, uint32_t node, uint32_t peer, const struct endpoint *endpoint);
void admin_set_private_key(struct world *w, uint32_t node, const struct private_key *key);
/* Gives a network to the peer, whosever it was, or takes it away from it. */
void admin_move_network(
	struct world *w, uint32_t node, uint32_t peer, uint32_t network, bool is_removed);

/* Makes of the node's peers what should be: present, under their keys of now. */
void admin_put_right(struct world *w, uint32_t node);

/* Whose packets `at` accepts with a source in the network, and to whom it sends them. */
uint32_t admin_owner(const struct world *w, uint32_t at, uint32_t network);

#endif
