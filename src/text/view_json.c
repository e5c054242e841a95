#include "text/view_print.h"

#include <string.h>

#include "crypto/secret.h"
#include "noise/handshake.h"
#include "text/addrtext.h"
#include "text/keytext.h"
#include "text/view_text.h"

#define NAME_MAX_LEN  32 /* of a drop reason, the zero at the end included */
#define ENDPOINT_SIZE 128

static void add_key(struct json_out *json, const char *name, const uint8_t *key)
{
	char text[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(text, key);
	json_out_text(json, name, text, KEYTEXT_BASE64_LEN);
	secret_wipe(text, sizeof text);
}

/* As the field writes it: absent when zero. */
static void add_number(struct json_out *json, const char *name, uint64_t value)
{
	if (value)
		json_out_decimal(json, name, value);
}

static void add_prefixes(
	struct json_out *json, const char *name, const struct ip_prefix *prefixes, size_t count)
{
	json_out_begin_array(json, name);
	for (size_t i = 0; i < count; i++) {
		char text[ADDRTEXT_PREFIX_MAX];
		addrtext_write_prefix(text, &prefixes[i]);
		json_out_text(json, NULL, text, strlen(text));
	}
	json_out_end_array(json);
}

/* "under-load" to "underLoad", like the names around it. */
static void write_camel(char name[static NAME_MAX_LEN], const char *words)
{
	size_t len = 0;
	bool is_upper = false;
	for (; *words && len < NAME_MAX_LEN - 1; words++) {
		bool is_letter = *words >= 'a' && *words <= 'z';
		if (*words != '-')
			name[len++] = (char)(is_upper && is_letter ? *words - 'a' + 'A' : *words);
		is_upper = *words == '-';
	}
	name[len] = 0;
}

static bool is_any(const struct drop_counters *drops)
{
	for (enum drop_reason reason = 0; reason < DROP_REASON_COUNT; reason++)
		if (drops->count[reason])
			return true;
	return false;
}

static void add_drops(struct json_out *json, const struct drop_counters *drops)
{
	if (!is_any(drops))
		return;
	json_out_begin_object(json, "drops");
	for (enum drop_reason reason = 0; reason < DROP_REASON_COUNT; reason++) {
		char name[NAME_MAX_LEN];
		write_camel(name, drop_reason_name(reason));
		add_number(json, name, drops->count[reason]);
	}
	json_out_end_object(json);
}

static void add_endpoint(
	struct json_out *json, const struct endpoint *endpoint, const struct view_style *style)
{
	char text[ENDPOINT_SIZE];
	struct out out;
	if (endpoint->address.family == IP_NONE)
		return;
	out_init_fixed(&out, text, sizeof text);
	view_add_endpoint(&out, endpoint, style);
	json_out_text(json, "endpoint", text, out.len);
}

static void add_text(struct json_out *json, const char *name, const char *text)
{
	json_out_text(json, name, text, strlen(text));
}

static void add_key_exchange(
	struct json_out *json, const struct view *view, const struct view_peer *peer)
{
	if (peer->has_key_exchange)
		add_text(json, "keyExchange", key_exchange_name(peer->key_exchange));
	if (view_requires_post_quantum(view, peer))
		add_text(json, "postQuantum", "require");
	else if (peer->post_quantum == POST_QUANTUM_OFF)
		add_text(json, "postQuantum", "off");
}

static void add_peer(struct json_out *json, const struct view *view, const struct view_peer *peer,
	const struct view_style *style)
{
	char name[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(name, peer->public_key.bytes);
	json_out_begin_object(json, name);
	if (peer->has_preshared_key && style->shows_keys)
		add_key(json, "presharedKey", peer->preshared_key.bytes);
	add_endpoint(json, &peer->endpoint, style);
	add_number(json, "latestHandshake", peer->handshake_sec);
	add_number(json, "transferRx", peer->rx_bytes);
	add_number(json, "transferTx", peer->tx_bytes);
	add_number(json, "persistentKeepalive", peer->keepalive_seconds);
	add_prefixes(json, "allowedIps", peer->allowed_ips, peer->allowed_ip_count);
	if (peer->has_preshared_key)
		json_out_bool(json, "hasPresharedKey", true);
	add_key_exchange(json, view, peer);
	add_drops(json, &peer->drops);
	json_out_end_object(json);
}

static void add_link(struct json_out *json, const struct view_link *link)
{
	if (!link->is_known)
		return;
	json_out_bool(json, "up", link->is_up);
	json_out_decimal(json, "mtu", link->mtu);
	add_prefixes(json, "addresses", link->addresses, link->address_count);
}

void view_print_json(struct json_out *json, const struct view *view, const struct view_link *link,
	const struct view_style *style)
{
	json_out_begin_object(json, style->interface_name);
	if (view->has_private_key && style->shows_keys)
		add_key(json, "privateKey", view->private_key.bytes);
	if (view->has_private_key)
		add_key(json, "publicKey", view->public_key.bytes);
	add_number(json, "listenPort", view->listen_port);
	add_number(json, "fwmark", view->fwmark);
	add_link(json, link);
	add_drops(json, &view->drops);
	json_out_begin_object(json, "peers");
	for (size_t i = 0; i < view->peer_count; i++)
		add_peer(json, view, &view->peers[i], style);
	json_out_end_object(json);
	json_out_end_object(json);
}
