#include "text/reconcile.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "text/addrtext.h"
#include "text/keytext.h"
#include "text/reconcile_index.h"

#define SHOWN_PREFIXES_MAX 4 /* of a new peer, in its line */

struct owned { /* a prefix, and who has it */
	struct ip_prefix prefix;
	const struct change_peer *owner;
};

struct before {
	const struct change *change;
	struct reconcile_index peers;
	struct owned *owned;
	size_t owned_count;
};

/* ---- what was */

static int compare_owned(const void *first, const void *second)
{
	const struct owned *a = first, *b = second;
	return reconcile_compare_prefixes(&a->prefix, &b->prefix);
}

static bool gather_owned(struct before *before)
{
	const struct change *change = before->change;
	size_t count = 0;
	for (size_t i = 0; i < change->peer_count; i++)
		count += change->peers[i].allowed_ip_count;
	before->owned = calloc(count + 1, sizeof *before->owned);
	if (!before->owned)
		return false;
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct change_peer *peer = &change->peers[i];
		for (size_t j = 0; j < peer->allowed_ip_count; j++)
			before->owned[before->owned_count++] =
				(struct owned){peer->allowed_ips[j].prefix, peer};
	}
	if (count)
		qsort(before->owned, count, sizeof *before->owned, compare_owned);
	return true;
}

static const struct change_peer *find_owner(
	const struct before *before, const struct ip_prefix *prefix)
{
	size_t low = 0, high = before->owned_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = reconcile_compare_prefixes(prefix, &before->owned[middle].prefix);
		if (order == 0)
			return before->owned[middle].owner;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- pieces of a line */

static void add_key(struct out *out, const struct public_key *key)
{
	char text[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(text, key->bytes);
	out_add_text(out, text);
}

static void add_prefix(struct out *out, const struct ip_prefix *prefix)
{
	char text[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(text, prefix);
	out_add_text(out, text);
}

static void add_endpoint(struct out *out, const struct endpoint *endpoint)
{
	char text[ADDRTEXT_ENDPOINT_MAX];
	addrtext_write_endpoint(text, endpoint);
	out_add_text(out, text);
}

static void add_mark(struct out *out, uint32_t mark)
{
	if (!mark) {
		out_add_text(out, "off");
		return;
	}
	unsigned digits = 8;
	while (digits > 1 && !(mark >> (4 * (digits - 1))))
		digits--;
	out_add_text(out, "0x");
	while (digits--)
		out_add(out, &"0123456789abcdef"[mark >> (4 * digits) & 15], 1);
}

static void add_seconds(struct out *out, uint16_t seconds)
{
	if (seconds) {
		out_add_decimal(out, seconds);
		out_add_text(out, " s");
	} else {
		out_add_text(out, "off");
	}
}

static const char *sign_of(bool was, bool is)
{
	return was ? is ? "~ " : "- " : "+ ";
}

static bool is_set(const void *key, size_t len)
{
	return !secret_is_zero(key, len);
}

/* ---- lines */

static void render_private_key(
	struct out *out, const struct change *from, const struct change *change)
{
	const struct private_key *old = &from->private_key, *new = &change->private_key;
	bool was = from->has_private_key && is_set(old, sizeof *old);
	bool is = is_set(new, sizeof *new);
	struct public_key key;
	out_add_text(out, sign_of(was, is));
	out_add_text(out, "private key, whose public key is ");
	if (was) {
		public_key_derive(&key, old);
		add_key(out, &key);
	}
	out_add_text(out, was && is ? " -> " : "");
	if (is) {
		public_key_derive(&key, new);
		add_key(out, &key);
	}
	out_add_text(out, "\n");
}

static void add_policy(struct out *out, enum post_quantum policy)
{
	static const char *const names[] = {[POST_QUANTUM_DEFAULT] = "as the interface",
		[POST_QUANTUM_OFF] = "off",
		[POST_QUANTUM_REQUIRE] = "require"};
	out_add_text(out, names[policy]);
}

static void render_interface(
	struct out *out, const struct change *from, const struct change *change)
{
	if (change->has_private_key)
		render_private_key(out, from, change);
	if (change->has_listen_port) {
		out_add_text(out, "~ listen port ");
		out_add_decimal(out, from->has_listen_port ? from->listen_port : 0);
		out_add_text(out, " -> ");
		out_add_decimal(out, change->listen_port);
		out_add_text(out, "\n");
	}
	if (change->has_fwmark) {
		out_add_text(out, "~ fwmark ");
		add_mark(out, from->has_fwmark ? from->fwmark : 0);
		out_add_text(out, " -> ");
		add_mark(out, change->fwmark);
		out_add_text(out, "\n");
	}
	if (change->has_post_quantum) {
		bool is_required = change->post_quantum == POST_QUANTUM_REQUIRE;
		out_add_text(out, is_required ? "~ post-quantum off -> require"
					      : "~ post-quantum require -> off");
		out_add_text(out, ", where a peer says nothing itself\n");
	}
}

static void render_new_peer(struct out *out, const struct change_peer *peer)
{
	out_add_text(out, "+ peer ");
	add_key(out, &peer->public_key);
	if (peer->has_endpoint) {
		out_add_text(out, ", endpoint ");
		add_endpoint(out, &peer->endpoint);
	}
	if (peer->has_post_quantum && peer->post_quantum != POST_QUANTUM_DEFAULT) {
		out_add_text(out, ", post-quantum ");
		add_policy(out, peer->post_quantum);
	}
	size_t count = peer->allowed_ip_count;
	out_add_text(out, count ? ", allowed ips " : "");
	for (size_t i = 0; i < count && i < SHOWN_PREFIXES_MAX; i++) {
		out_add_text(out, i ? ", " : "");
		add_prefix(out, &peer->allowed_ips[i].prefix);
	}
	if (count > SHOWN_PREFIXES_MAX) {
		out_add_text(out, " and ");
		out_add_decimal(out, count - SHOWN_PREFIXES_MAX);
		out_add_text(out, " more");
	}
	out_add_text(out, "\n");
}

/* "~ WHAT of peer KEY" */
static void begin_line(
	struct out *out, const char *sign, const char *what, const struct change_peer *peer)
{
	out_add_text(out, sign);
	out_add_text(out, what);
	out_add_text(out, " of peer ");
	add_key(out, &peer->public_key);
}

static void render_settings(
	struct out *out, const struct change_peer *was, const struct change_peer *peer)
{
	if (peer->has_preshared_key) {
		bool had = was->has_preshared_key &&
			   is_set(&was->preshared_key, sizeof was->preshared_key);
		bool has = is_set(&peer->preshared_key, sizeof peer->preshared_key);
		begin_line(out, sign_of(had, has), "preshared key", peer);
		out_add_text(out, "\n");
	}
	if (peer->has_endpoint) {
		begin_line(out, sign_of(was->has_endpoint, true), "endpoint", peer);
		out_add_text(out, ": ");
		if (was->has_endpoint) {
			add_endpoint(out, &was->endpoint);
			out_add_text(out, " -> ");
		}
		add_endpoint(out, &peer->endpoint);
		out_add_text(out, "\n");
	}
	if (peer->has_keepalive) {
		begin_line(out, "~ ", "persistent keepalive", peer);
		out_add_text(out, ": ");
		add_seconds(out, was->has_keepalive ? was->keepalive_seconds : 0);
		out_add_text(out, " -> ");
		add_seconds(out, peer->keepalive_seconds);
		out_add_text(out, "\n");
	}
	if (peer->has_post_quantum) {
		begin_line(out, "~ ", "post-quantum", peer);
		out_add_text(out, ": ");
		add_policy(out, was->has_post_quantum ? was->post_quantum : POST_QUANTUM_DEFAULT);
		out_add_text(out, " -> ");
		add_policy(out, peer->post_quantum);
		out_add_text(out, "\n");
	}
}

static void render_allowed_ip(struct out *out, const struct before *before,
	const struct change_peer *peer, const struct change_allowed_ip *ip)
{
	const struct change_peer *owner = ip->remove ? NULL : find_owner(before, &ip->prefix);
	out_add_text(out, ip->remove ? "- allowed ip " : owner ? "~ allowed ip " : "+ allowed ip ");
	add_prefix(out, &ip->prefix);
	out_add_text(out, owner ? ": peer " : " of peer ");
	if (owner) {
		add_key(out, &owner->public_key);
		out_add_text(out, " -> peer ");
	}
	add_key(out, &peer->public_key);
	out_add_text(out, "\n");
}

static void render_peer(
	struct out *out, const struct before *before, const struct change_peer *peer)
{
	const struct change_peer *was = reconcile_index_find(&before->peers, &peer->public_key);
	if (peer->remove) {
		out_add_text(out, "- peer ");
		add_key(out, &peer->public_key);
		out_add_text(out, "\n");
		return;
	}
	if (was)
		render_settings(out, was, peer);
	else
		render_new_peer(out, peer);
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		if (was || find_owner(before, &peer->allowed_ips[i].prefix))
			render_allowed_ip(out, before, peer, &peer->allowed_ips[i]);
}

void reconcile_render(struct out *out, const struct change *from, const struct change *change)
{
	struct before before = {.change = from};
	render_interface(out, from, change);
	if (reconcile_index_build(&before.peers, from) && gather_owned(&before)) {
		for (size_t i = 0; i < change->peer_count; i++)
			render_peer(out, &before, &change->peers[i]);
	} else {
		out->has_failed = true;
	}
	reconcile_index_free(&before.peers);
	free(before.owned);
}
