#include "text/view_change.h"

static bool add_peer(struct change *change, const struct view_peer *peer)
{
	struct change_peer *entry = change_add_peer(change, &peer->public_key);
	if (!entry)
		return false;
	entry->has_preshared_key = entry->has_keepalive = true;
	entry->preshared_key = peer->preshared_key;
	entry->keepalive_seconds = peer->keepalive_seconds;
	entry->has_post_quantum = peer->post_quantum != POST_QUANTUM_DEFAULT;
	entry->post_quantum = peer->post_quantum;
	entry->has_endpoint = peer->endpoint.address.family != IP_NONE;
	entry->endpoint = peer->endpoint;
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		struct ip_prefix prefix = peer->allowed_ips[i];
		ip_prefix_mask(&prefix);
		if (!change_peer_add_allowed_ip(entry, &prefix, false))
			return false;
	}
	return true;
}

bool view_to_change(struct change *change, const struct view *view)
{
	change_init(change);
	change->has_private_key = change->has_listen_port = change->has_fwmark = true;
	change->private_key = view->private_key;
	change->listen_port = view->listen_port;
	change->fwmark = view->fwmark;
	change->has_post_quantum = view->post_quantum != POST_QUANTUM_DEFAULT;
	change->post_quantum = view->post_quantum;
	for (size_t i = 0; i < view->peer_count; i++)
		if (!add_peer(change, &view->peers[i]))
			return false;
	return true;
}
