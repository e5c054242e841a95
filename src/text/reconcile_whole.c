#include "text/reconcile.h"

#include "crypto/secret.h"
#include "text/reconcile_index.h"

/* What the present and the last file know of the peers that the new one names. */
struct known {
	struct reconcile_index now, said;
};

static void complete_interface(
	struct change *out, const struct change *from, const struct change *said)
{
	if (!out->has_private_key && !said->has_private_key && from->has_private_key)
		out->private_key = from->private_key;
	out->has_private_key = true;
	if (!out->has_listen_port || !out->listen_port) {
		out->has_listen_port = from->has_listen_port;
		out->listen_port = from->listen_port;
	}
	if (!out->has_fwmark && !said->has_fwmark && from->has_fwmark)
		out->fwmark = from->fwmark;
	out->has_fwmark = true;
	if (!out->has_post_quantum && !said->has_post_quantum) {
		out->has_post_quantum = from->has_post_quantum;
		out->post_quantum = from->post_quantum;
	}
}

static void complete_peer(
	struct change_peer *peer, const struct change_peer *now, const struct change_peer *said)
{
	if (!now)
		return;
	if (!peer->has_preshared_key && said && !said->has_preshared_key) {
		peer->has_preshared_key = now->has_preshared_key;
		peer->preshared_key = now->preshared_key;
	}
	if (!peer->has_post_quantum && said && !said->has_post_quantum) {
		peer->has_post_quantum = now->has_post_quantum;
		peer->post_quantum = now->post_quantum;
	}
	bool is_said_again = said && said->has_endpoint &&
			     endpoint_is_same_remote(&said->endpoint, &peer->endpoint);
	if (!peer->has_endpoint || (is_said_again && now->has_endpoint)) {
		peer->has_endpoint = now->has_endpoint;
		peer->endpoint = now->endpoint;
	}
}

static bool copy_peer(struct change *out, const struct change_peer *peer, const struct known *known)
{
	struct change_peer *copy = change_add_peer(out, &peer->public_key);
	if (!copy)
		return false;
	*copy = *peer;
	copy->allowed_ips = NULL;
	copy->allowed_ip_count = copy->allowed_ip_capacity = 0;
	complete_peer(copy, reconcile_index_find(&known->now, &peer->public_key),
		reconcile_index_find(&known->said, &peer->public_key));
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		if (!change_peer_add_allowed_ip(
			    copy, &peer->allowed_ips[i].prefix, peer->allowed_ips[i].remove))
			return false;
	return true;
}

static bool copy_peers(struct change *out, const struct change *file, const struct known *known)
{
	bool has_key = !secret_is_zero(&out->private_key, sizeof out->private_key);
	struct public_key own = {{0}};
	if (has_key)
		public_key_derive(&own, &out->private_key);
	for (size_t i = 0; i < file->peer_count; i++) {
		const struct change_peer *peer = &file->peers[i];
		if (has_key && secret_is_equal(&own, &peer->public_key, sizeof own))
			continue;
		if (!copy_peer(out, peer, known))
			return false;
	}
	return true;
}

bool reconcile_complete(struct change *out, const struct change *file, const struct change *from,
	const struct change *said)
{
	struct known known = {{0}, {0}};
	change_init(out);
	out->has_private_key = file->has_private_key;
	out->private_key = file->private_key;
	out->has_listen_port = file->has_listen_port;
	out->listen_port = file->listen_port;
	out->has_fwmark = file->has_fwmark;
	out->fwmark = file->fwmark;
	out->has_post_quantum = file->has_post_quantum;
	out->post_quantum = file->post_quantum;
	complete_interface(out, from, said);
	bool ok = reconcile_index_build(&known.now, from) &&
		  reconcile_index_build(&known.said, said) && copy_peers(out, file, &known);
	reconcile_index_free(&known.now);
	reconcile_index_free(&known.said);
	return ok;
}

void reconcile_forget_secrets(struct change *file)
{
	secret_wipe(&file->private_key, sizeof file->private_key);
	for (size_t i = 0; i < file->peer_count; i++)
		secret_wipe(&file->peers[i].preshared_key, sizeof file->peers[i].preshared_key);
}
