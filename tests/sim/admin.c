#include "sim/admin.h"

#include "sim/world.h"

#include <assert.h>
#include <string.h>

#define CATCH_ALL_V4 17 /* holds all networks */
#define CATCH_ALL_V6 57

uint32_t admin_owner(const struct world *w, uint32_t at, uint32_t network)
{
	if (network >= NETWORKS_MAX)
		return NETWORK_NOBODYS;
	uint32_t owner = w->watch.owners[at][network];
	bool has_hub = at && w->watch.sights[at][0].peer;
	return owner == NETWORK_NOBODYS && has_hub ? 0 : owner;
}

/* ------------------------------------------------------------------ changes of one peer */

struct edit {
	struct world *w;
	uint32_t node, peer;
	struct sight *sight; /* follows when the change is made */
	struct change change;
	struct change_peer *entry; /* NULL: no memory */
};

static void edit_begin(
	struct edit *e, struct world *w, uint32_t node, uint32_t peer, const char *what)
{
	*e = (struct edit){w, node, peer, &w->watch.sights[node][peer], {0}, NULL};
	change_init(&e->change);
	e->entry = change_add_peer(&e->change, &e->sight->key);
	if (e->entry)
		e->entry->update_only = true;
	world_trace(w, "node %u: %s peer %u", node, what, peer);
}

static void edit_network(struct edit *e, uint32_t network, uint8_t v4, uint8_t v6, bool is_removed)
{
	struct ip_prefix prefix4 = {inner_address(network, false, 0), v4};
	struct ip_prefix prefix6 = {inner_address(network, true, 0), v6};
	if (e->entry && !(change_peer_add_allowed_ip(e->entry, &prefix4, is_removed) &&
				change_peer_add_allowed_ip(e->entry, &prefix6, is_removed)))
		e->entry = NULL;
}

/* The device has it; or there is no such peer, or no memory. */
static bool edit_apply(struct edit *e)
{
	bool ok = e->entry && (e->sight->peer || !e->entry->update_only) &&
		  node_apply(e->w, &e->w->nodes[e->node], &e->change);
	if (!ok)
		world_trace(e->w, "node %u: but it cannot", e->node);
	change_wipe(&e->change);
	return ok;
}

/* After the watch was told. */
static void edit_end(struct edit *e)
{
	watch_config(e->w, &e->w->nodes[e->node]);
	node_pump(e->w, &e->w->nodes[e->node]);
}

void admin_add_peer(struct world *w, uint32_t node, uint32_t peer)
{
	struct sight *sight = &w->watch.sights[node][peer];
	const struct acquaintance *wanted = &sight->wanted;
	struct edit e;
	assert(!sight->peer);
	sight->key = w->nodes[peer].us.public_key;
	edit_begin(&e, w, node, peer, "adds");
	edit_network(&e, peer, 24, 64, false);
	if (!peer)
		edit_network(&e, 0, CATCH_ALL_V4, CATCH_ALL_V6, false);
	if (e.entry) {
		e.entry->update_only = false;
		e.entry->has_preshared_key = e.entry->has_keepalive = true;
		e.entry->preshared_key = wanted->preshared_key;
		e.entry->keepalive_seconds = wanted->keepalive_seconds;
		/* Once said of a key it holds, however often the peer goes and comes. */
		bool is_hybrid = wanted->key_exchange == KEY_EXCHANGE_HYBRID;
		e.entry->has_post_quantum =
			memcmp(&sight->policy_key, &sight->key, sizeof sight->key);
		e.entry->post_quantum = is_hybrid ? POST_QUANTUM_REQUIRE : POST_QUANTUM_OFF;
		e.entry->has_endpoint = wanted->knows_endpoint;
		e.entry->endpoint = network_home(peer, w->nodes[peer].epoch);
	}
	struct endpoint endpoint = {0};
	if (wanted->knows_endpoint)
		endpoint = network_home(peer, w->nodes[peer].epoch);
	if (edit_apply(&e))
		watch_add_peer(w, &w->nodes[node], &w->nodes[peer], &endpoint);
	edit_end(&e);
}

void admin_remove_peer(struct world *w, uint32_t node, uint32_t peer)
{
	struct edit e;
	edit_begin(&e, w, node, peer, "removes");
	if (e.entry)
		e.entry->remove = true;
	if (edit_apply(&e))
		watch_remove_peer(w, &w->nodes[node], &w->nodes[peer]);
	edit_end(&e);
}

void admin_set_preshared_key(
	struct world *w, uint32_t node, uint32_t peer, const struct preshared_key *key)
{
	struct edit e;
	edit_begin(&e, w, node, peer, "changes the preshared key of");
	if (e.entry) {
		e.entry->has_preshared_key = true;
		e.entry->preshared_key = *key;
	}
	if (edit_apply(&e))
		e.sight->preshared_key = *key;
	edit_end(&e);
}

void admin_set_keepalive(struct world *w, uint32_t node, uint32_t peer, uint16_t seconds)
{
	struct edit e;
	edit_begin(&e, w, node, peer, "changes the keepalive of");
	if (e.entry) {
		e.entry->has_keepalive = true;
		e.entry->keepalive_seconds = seconds;
	}
	if (edit_apply(&e))
		e.sight->keepalive_seconds = seconds;
	edit_end(&e);
}

void admin_set_endpoint(
	struct world *w, uint32_t node, uint32_t peer, const struct endpoint *endpoint)
{
	struct edit e;
	edit_begin(&e, w, node, peer, "changes the endpoint of");
	if (e.entry) {
		e.entry->has_endpoint = true;
		e.entry->endpoint = *endpoint;
	}
	if (edit_apply(&e))
		e.sight->endpoint = *endpoint;
	edit_end(&e);
}

void admin_move_network(
	struct world *w, uint32_t node, uint32_t peer, uint32_t network, bool is_removed)
{
	uint8_t *owner = &w->watch.owners[node][network];
	struct edit e;
	edit_begin(&e, w, node, peer, is_removed ? "takes a network from" : "gives a network to");
	edit_network(&e, network, 24, 64, is_removed);
	if (edit_apply(&e)) {
		if (!is_removed)
			*owner = (uint8_t)peer;
		else if (*owner == peer)
			*owner = NETWORK_NOBODYS;
	}
	edit_end(&e);
}

/* ------------------------------------------------------------------ the rest */

void admin_set_private_key(struct world *w, uint32_t node, const struct private_key *key)
{
	struct node *n = &w->nodes[node];
	struct change change;
	world_trace(w, "node %u: changes its private key", node);
	change_init(&change);
	change.has_private_key = true;
	change.private_key = *key;
	if (node_apply(w, n, &change))
		watch_private_key(w, n, key);
	change_wipe(&change);
	watch_config(w, n);
	node_pump(w, n);
}

void admin_introduce(
	struct world *w, uint32_t node, uint32_t peer, const struct acquaintance *wanted)
{
	w->watch.sights[node][peer].wanted = *wanted;
	admin_put_right(w, node);
}

static void put_peer_right(struct world *w, uint32_t node, uint32_t peer)
{
	const struct sight *sight = &w->watch.sights[node][peer];
	const struct acquaintance *wanted = &sight->wanted;
	bool is_old = memcmp(&sight->key, &w->nodes[peer].us.public_key, sizeof sight->key);
	if (sight->peer && (is_old || !wanted->is_wanted))
		admin_remove_peer(w, node, peer);
	if (!wanted->is_wanted)
		return;
	if (!sight->peer)
		admin_add_peer(w, node, peer);
	if (sight->peer && memcmp(&sight->preshared_key, &wanted->preshared_key, DH_LEN))
		admin_set_preshared_key(w, node, peer, &wanted->preshared_key);
	if (sight->peer && sight->keepalive_seconds != wanted->keepalive_seconds)
		admin_set_keepalive(w, node, peer, wanted->keepalive_seconds);
}

void admin_put_right(struct world *w, uint32_t node)
{
	for (uint32_t peer = 0; peer < w->node_count && !w->is_broken; peer++) {
		if (peer != node)
			put_peer_right(w, node, peer);
	}
}
