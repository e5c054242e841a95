#include "text/uapi.h"

#include "crypto/secret.h"
#include "text/addrtext.h"
#include "text/keytext.h"

static void add_text(struct out *out, const char *name, const char *value)
{
	out_add_text(out, name);
	out_add_text(out, "=");
	out_add_text(out, value);
	out_add_text(out, "\n");
}

static void add_decimal(struct out *out, const char *name, uint64_t value)
{
	out_add_text(out, name);
	out_add_text(out, "=");
	out_add_decimal(out, value);
	out_add_text(out, "\n");
}

static void add_key(struct out *out, const char *name, const uint8_t key[static KEYTEXT_KEY_LEN])
{
	char hex[KEYTEXT_HEX_LEN + 1];
	keytext_write_hex(hex, key);
	add_text(out, name, hex);
	secret_wipe(hex, sizeof hex);
}

static void add_endpoint(struct out *out, const struct endpoint *endpoint)
{
	char text[ADDRTEXT_ENDPOINT_MAX];
	addrtext_write_endpoint(text, endpoint);
	add_text(out, "endpoint", text);
}

static void add_allowed_ip(struct out *out, const struct ip_prefix *prefix, bool remove)
{
	char text[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(text, prefix);
	out_add_text(out, remove ? "allowed_ip=-" : "allowed_ip=");
	out_add_text(out, text);
	out_add_text(out, "\n");
}

/* Keys of our own, which wg(8) passes over. */
static void add_drops(struct out *out, const struct drop_counters *drops)
{
	for (enum drop_reason reason = 0; reason < DROP_REASON_COUNT; reason++) {
		if (!drops->count[reason])
			continue;
		out_add_text(out, UAPI_DROP_PREFIX);
		add_decimal(out, drop_reason_name(reason), drops->count[reason]);
	}
}

static void add_post_quantum(struct out *out, enum key_exchange key_exchange)
{
	add_text(out, UAPI_POST_QUANTUM, key_exchange == KEY_EXCHANGE_HYBRID ? "require" : "off");
}

static void add_peer_head(struct out *out, const struct peer *peer)
{
	add_key(out, "public_key", peer->public_key.bytes);
	add_key(out, "preshared_key", peer->remote->preshared_key.bytes);
	add_text(out, "protocol_version", "1");
	if (peer->endpoint.address.family != IP_NONE)
		add_endpoint(out, &peer->endpoint);
	nanos handshake = peer->latest_handshake_realtime;
	add_decimal(out, "last_handshake_time_sec", handshake / NANOS_PER_SECOND);
	add_decimal(out, "last_handshake_time_nsec", handshake % NANOS_PER_SECOND);
	add_decimal(out, "tx_bytes", peer->tx_bytes);
	add_decimal(out, "rx_bytes", peer->rx_bytes);
	add_decimal(out, "persistent_keepalive_interval", peer->keepalive_seconds);
	if (peer->policy)
		add_post_quantum(out, peer->key_exchange);
	if (peer->keyring.current)
		add_text(out, UAPI_KEY_EXCHANGE,
			key_exchange_name(peer->keyring.current->key_exchange));
}

static void add_interface(
	struct out *out, const struct device *device, const struct uapi_link *link)
{
	const struct private_key *key = device_private_key(device);
	if (key)
		add_key(out, "private_key", key->bytes);
	if (link->listen_port)
		add_decimal(out, "listen_port", link->listen_port);
	if (link->fwmark)
		add_decimal(out, "fwmark", link->fwmark);
	if (device_default_exchange(device) != KEY_EXCHANGE_X25519)
		add_post_quantum(out, device_default_exchange(device));
	add_drops(out, device_drops(device));
}

/* The rest of the peer; false: there is more of it. */
static bool add_peer_part(struct out *out, struct uapi_get *get, size_t stop)
{
	struct ip_prefix prefix;
	if (!get->node)
		add_peer_head(out, get->peer);
	while ((get->node = allowedips_next(get->peer, get->node, &prefix))) {
		add_allowed_ip(out, &prefix, false);
		if (out->len >= stop)
			return false;
	}
	add_drops(out, &get->peer->drops);
	return true;
}

bool uapi_format_get_part(struct out *out, const struct device *device,
	const struct uapi_link *link, struct uapi_get *get)
{
	size_t stop = out->len + UAPI_PART_LEN;
	if (!get->has_begun) {
		add_interface(out, device, link);
		*get = (struct uapi_get){.has_begun = true, .peer = device_first_peer(device)};
	}
	while (get->peer && out->len < stop && !out->has_failed)
		if (add_peer_part(out, get, stop))
			get->peer = get->peer->next;
	if (get->peer && !out->has_failed)
		return false;
	uapi_format_errno(out, UAPI_GET, 0);
	return true;
}

void uapi_format_get(struct out *out, const struct device *device, const struct uapi_link *link)
{
	struct uapi_get get = {0};
	while (!uapi_format_get_part(out, device, link, &get))
		continue;
}

void uapi_format_errno(struct out *out, enum uapi_verdict operation, int error)
{
	out_add_text(out, error && operation == UAPI_SET ? "errno=-" : "errno=");
	out_add_decimal(out, (uint64_t)error);
	out_add_text(out, "\n\n");
}

static void add_policy(struct out *out, enum post_quantum policy)
{
	static const char *const names[] = {[POST_QUANTUM_DEFAULT] = "default",
		[POST_QUANTUM_OFF] = "off",
		[POST_QUANTUM_REQUIRE] = "require"};
	add_text(out, UAPI_POST_QUANTUM, names[policy]);
}

static void add_change_peer(struct out *out, const struct change_peer *peer)
{
	add_key(out, "public_key", peer->public_key.bytes);
	if (peer->remove)
		add_text(out, "remove", "true");
	if (peer->update_only)
		add_text(out, "update_only", "true");
	if (peer->has_preshared_key)
		add_key(out, "preshared_key", peer->preshared_key.bytes);
	if (peer->has_endpoint)
		add_endpoint(out, &peer->endpoint);
	if (peer->has_keepalive)
		add_decimal(out, "persistent_keepalive_interval", peer->keepalive_seconds);
	if (peer->has_post_quantum)
		add_policy(out, peer->post_quantum);
	if (peer->replace_allowed_ips)
		add_text(out, "replace_allowed_ips", "true");
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		add_allowed_ip(out, &peer->allowed_ips[i].prefix, peer->allowed_ips[i].remove);
}

void uapi_format_set(struct out *out, const struct change *change)
{
	out_add_text(out, "set=1\n");
	if (change->has_private_key)
		add_key(out, "private_key", change->private_key.bytes);
	if (change->has_listen_port)
		add_decimal(out, "listen_port", change->listen_port);
	if (change->has_fwmark)
		add_decimal(out, "fwmark", change->fwmark);
	if (change->has_post_quantum)
		add_policy(out, change->post_quantum == POST_QUANTUM_REQUIRE ? POST_QUANTUM_REQUIRE
									     : POST_QUANTUM_OFF);
	if (change->replace_peers)
		add_text(out, "replace_peers", "true");
	for (size_t i = 0; i < change->peer_count; i++)
		add_change_peer(out, &change->peers[i]);
	out_add_text(out, "\n");
}
