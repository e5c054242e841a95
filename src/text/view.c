#include "text/view.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "noise/handshake.h"
#include "text/addrtext.h"
#include "text/keytext.h"
#include "text/list.h"
#include "text/uapi.h"

#define ERRNO_MAX      4095
#define FIRST_CAPACITY 8 /* peers */

struct pair { /* a line of the answer */
	const char *name, *value;
	size_t name_len, value_len;
};

static bool name_is(const struct pair *pair, const char *name)
{
	return pair->name_len == strlen(name) && !memcmp(pair->name, name, pair->name_len);
}

/* If the pair has that name: *out and whether it is right. Else leaves both alone. */
static void read_decimal(
	const struct pair *pair, const char *name, uint64_t *out, uint64_t max, bool *is_right)
{
	if (name_is(pair, name))
		*is_right = addrtext_read_decimal(out, pair->value, pair->value_len, max);
}

static bool value_is(const struct pair *pair, const char *value)
{
	return pair->value_len == strlen(value) && !memcmp(pair->value, value, pair->value_len);
}

static bool read_post_quantum(enum post_quantum *out, const struct pair *pair)
{
	*out = value_is(pair, "require") ? POST_QUANTUM_REQUIRE : POST_QUANTUM_OFF;
	return *out == POST_QUANTUM_REQUIRE || value_is(pair, "off");
}

/* One that only a later version knows is not told. */
static void read_key_exchange(struct view_peer *peer, const struct pair *pair)
{
	for (int i = KEY_EXCHANGE_X25519; i <= KEY_EXCHANGE_HYBRID; i++) {
		if (!value_is(pair, key_exchange_name((enum key_exchange)i)))
			continue;
		peer->has_key_exchange = true;
		peer->key_exchange = (enum key_exchange)i;
	}
}

static bool read_interface_line(struct view *view, const struct pair *pair)
{
	bool is_right = true;
	uint64_t port = view->listen_port, mark = view->fwmark;
	if (name_is(pair, "private_key"))
		is_right = keytext_read_hex(view->private_key.bytes, pair->value, pair->value_len);
	if (name_is(pair, UAPI_POST_QUANTUM))
		return read_post_quantum(&view->post_quantum, pair);
	read_decimal(pair, "listen_port", &port, UINT16_MAX, &is_right);
	read_decimal(pair, "fwmark", &mark, UINT32_MAX, &is_right);
	view->listen_port = (uint16_t)port;
	view->fwmark = (uint32_t)mark;
	return is_right;
}

static void wipe_peers(struct view_peer *peers, size_t count)
{
	if (peers)
		secret_wipe(peers, count * sizeof *peers);
	free(peers);
}

/* Not by list_grow, which would leave preshared keys behind in the old place. */
static bool grow_peers(struct view *view)
{
	if (view->peer_count < view->peer_capacity)
		return true;
	size_t capacity = view->peer_capacity ? 2 * view->peer_capacity : FIRST_CAPACITY;
	struct view_peer *peers = calloc(capacity, sizeof *peers);
	if (!peers)
		return false;
	if (view->peer_count)
		memcpy(peers, view->peers, view->peer_count * sizeof *peers);
	wipe_peers(view->peers, view->peer_count);
	view->peers = peers;
	view->peer_capacity = capacity;
	return true;
}

static bool add_peer(struct view *view, const struct pair *pair)
{
	if (!grow_peers(view))
		return false;
	struct view_peer *peer = &view->peers[view->peer_count++];
	*peer = (struct view_peer){0};
	return keytext_read_hex(peer->public_key.bytes, pair->value, pair->value_len);
}

static bool read_preshared_key(struct view_peer *peer, const struct pair *pair)
{
	bool is_right = keytext_read_hex(peer->preshared_key.bytes, pair->value, pair->value_len);
	peer->has_preshared_key = !secret_is_zero(&peer->preshared_key, sizeof peer->preshared_key);
	return is_right;
}

static bool add_allowed_ip(struct view_peer *peer, const struct pair *pair)
{
	struct ip_prefix *ips = list_grow(peer->allowed_ips, peer->allowed_ip_count,
		&peer->allowed_ip_capacity, sizeof *peer->allowed_ips);
	if (!ips)
		return false;
	peer->allowed_ips = ips;
	struct ip_prefix *ip = &ips[peer->allowed_ip_count++];
	if (addrtext_read_prefix(ip, pair->value, pair->value_len) != ADDRTEXT_OK)
		return false;
	ip_prefix_mask(ip); /* only another program's answer needs that */
	return true;
}

static bool read_peer_line(struct view_peer *peer, const struct pair *pair)
{
	if (name_is(pair, "preshared_key"))
		return read_preshared_key(peer, pair);
	if (name_is(pair, "allowed_ip"))
		return add_allowed_ip(peer, pair);
	if (name_is(pair, "endpoint"))
		return addrtext_read_endpoint(&peer->endpoint, pair->value, pair->value_len);
	if (name_is(pair, UAPI_POST_QUANTUM))
		return read_post_quantum(&peer->post_quantum, pair);
	if (name_is(pair, UAPI_KEY_EXCHANGE))
		read_key_exchange(peer, pair);
	bool is_right = true;
	uint64_t keepalive = peer->keepalive_seconds;
	read_decimal(pair, "last_handshake_time_sec", &peer->handshake_sec, UINT64_MAX, &is_right);
	read_decimal(
		pair, "last_handshake_time_nsec", &peer->handshake_nsec, UINT64_MAX, &is_right);
	read_decimal(pair, "tx_bytes", &peer->tx_bytes, UINT64_MAX, &is_right);
	read_decimal(pair, "rx_bytes", &peer->rx_bytes, UINT64_MAX, &is_right);
	read_decimal(pair, "persistent_keepalive_interval", &keepalive, UINT16_MAX, &is_right);
	peer->keepalive_seconds = (uint16_t)keepalive;
	return is_right;
}

/* "drop_NAME"; one that only a later version knows is passed over. false: another key. */
static bool read_drop(struct drop_counters *drops, const struct pair *pair, bool *is_right)
{
	size_t prefix_len = strlen(UAPI_DROP_PREFIX);
	if (pair->name_len < prefix_len || memcmp(pair->name, UAPI_DROP_PREFIX, prefix_len))
		return false;
	struct pair reason = *pair;
	reason.name += prefix_len;
	reason.name_len -= prefix_len;
	for (enum drop_reason i = 0; i < DROP_REASON_COUNT; i++)
		read_decimal(&reason, drop_reason_name(i), &drops->count[i], UINT64_MAX, is_right);
	return true;
}

static bool read_pair(struct view *view, const struct pair *pair)
{
	struct view_peer *peer = view->peer_count ? &view->peers[view->peer_count - 1] : NULL;
	bool is_right = true;
	if (read_drop(peer ? &peer->drops : &view->drops, pair, &is_right))
		return is_right;
	if (name_is(pair, "public_key"))
		return add_peer(view, pair);
	if (peer)
		return read_peer_line(peer, pair);
	return read_interface_line(view, pair);
}

/* Lines up to errno, and the empty line that must be the end. */
static bool read_lines(struct view *view, const char *text, size_t len)
{
	bool has_errno = false;
	uint64_t error = 0;
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t line_len = newline ? (size_t)(newline - text) : len;
		if (!newline || has_errno)
			return has_errno && newline && line_len == 0 && len == 1;
		const char *equals = memchr(text, '=', line_len);
		if (!equals)
			return false;
		struct pair pair = {text, equals + 1, (size_t)(equals - text), 0};
		pair.value_len = line_len - pair.name_len - 1;
		bool is_right = true;
		has_errno = name_is(&pair, "errno");
		read_decimal(&pair, "errno", &error, ERRNO_MAX, &is_right);
		if (!is_right || (!has_errno && !read_pair(view, &pair)))
			return false;
		text += line_len + 1;
		len -= line_len + 1;
		view->error = (int)error;
	}
	return false;
}

bool view_parse(struct view *view, const char *text, size_t len)
{
	*view = (struct view){0};
	bool is_right = read_lines(view, text, len);
	view->has_private_key = !secret_is_zero(&view->private_key, sizeof view->private_key);
	if (view->has_private_key) /* once, however often the text has one */
		public_key_derive(&view->public_key, &view->private_key);
	return is_right;
}

void view_wipe(struct view *view)
{
	for (size_t i = 0; i < view->peer_count; i++)
		free(view->peers[i].allowed_ips);
	wipe_peers(view->peers, view->peer_count);
	secret_wipe(view, sizeof *view);
}
