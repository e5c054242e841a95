#include "text/view.h"

#include <string.h>

#include "text/addrtext.h"
#include "text/keytext.h"

static const struct unit {
	uint64_t size;
	const char *name;
} time_units[] = {
	{365 * 86400, "year"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

static const struct unit byte_units[] = {
	{UINT64_C(1) << 40, " TiB"}, {1 << 30, " GiB"}, {1 << 20, " MiB"}, {1 << 10, " KiB"}};

/* "1 hour, 5 seconds". */
static void add_duration(struct out *out, uint64_t seconds)
{
	const char *separator = "";
	for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
		uint64_t count = seconds / time_units[i].size;
		seconds %= time_units[i].size;
		if (!count)
			continue;
		out_add_text(out, separator);
		out_add_decimal(out, count);
		out_add_text(out, " ");
		out_add_text(out, time_units[i].name);
		out_add_text(out, count == 1 ? "" : "s");
		separator = ", ";
	}
}

/* Two decimals, rounded as printf does: a half goes to the even digit. */
static void add_bytes(struct out *out, uint64_t bytes)
{
	for (size_t i = 0; i < sizeof byte_units / sizeof *byte_units; i++) {
		uint64_t size = byte_units[i].size;
		if (bytes < size)
			continue;
		uint64_t whole = bytes / size, rest = bytes % size * 100;
		uint64_t hundredths = rest / size, half = rest % size * 2;
		hundredths += half > size || (half == size && hundredths % 2);
		whole += hundredths / 100;
		hundredths %= 100;
		out_add_decimal(out, whole);
		out_add_text(out, hundredths < 10 ? ".0" : ".");
		out_add_decimal(out, hundredths);
		out_add_text(out, byte_units[i].name);
		return;
	}
	out_add_decimal(out, bytes);
	out_add_text(out, " B");
}

static void add_key(struct out *out, const struct public_key *key)
{
	char text[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(text, key->bytes);
	out_add_text(out, text);
	out_add_text(out, "\n");
}

static void add_hex(struct out *out, uint32_t value)
{
	unsigned digits = 8;
	while (digits > 1 && !(value >> (4 * (digits - 1))))
		digits--;
	while (digits--)
		out_add(out, &"0123456789abcdef"[value >> (4 * digits) & 15], 1);
}

static void add_allowed_ips(struct out *out, const struct view_peer *peer)
{
	out_add_text(out, "  allowed ips: ");
	out_add_text(out, peer->allowed_ip_count ? "" : "(none)");
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		char text[ADDRTEXT_PREFIX_MAX];
		addrtext_write_prefix(text, &peer->allowed_ips[i]);
		out_add_text(out, i ? ", " : "");
		out_add_text(out, text);
	}
	out_add_text(out, "\n");
}

static void add_handshake(struct out *out, uint64_t then, uint64_t now)
{
	out_add_text(out, "  latest handshake: ");
	if (then == now) {
		out_add_text(out, "Now");
	} else if (then > now) {
		out_add_text(out, "(System clock wound backward; connection problems may ensue.)");
	} else {
		add_duration(out, now - then);
		out_add_text(out, " ago");
	}
	out_add_text(out, "\n");
}

static void add_peer(struct out *out, const struct view_peer *peer, uint64_t now)
{
	out_add_text(out, "\npeer: ");
	add_key(out, &peer->public_key);
	if (peer->has_preshared_key)
		out_add_text(out, "  preshared key: (hidden)\n");
	if (peer->endpoint.address.family != IP_NONE) {
		char text[ADDRTEXT_ENDPOINT_MAX];
		addrtext_write_endpoint(text, &peer->endpoint);
		out_add_text(out, "  endpoint: ");
		out_add_text(out, text);
		out_add_text(out, "\n");
	}
	add_allowed_ips(out, peer);
	if (peer->handshake_sec)
		add_handshake(out, peer->handshake_sec, now);
	if (peer->rx_bytes || peer->tx_bytes) {
		out_add_text(out, "  transfer: ");
		add_bytes(out, peer->rx_bytes);
		out_add_text(out, " received, ");
		add_bytes(out, peer->tx_bytes);
		out_add_text(out, " sent\n");
	}
	if (peer->keepalive_seconds) {
		out_add_text(out, "  persistent keepalive: every ");
		add_duration(out, peer->keepalive_seconds);
		out_add_text(out, "\n");
	}
}

void view_render_pretty(
	struct out *out, const struct view *view, const char *interface_name, uint64_t now)
{
	out_add_text(out, "interface: ");
	out_add_text(out, interface_name);
	out_add_text(out, "\n");
	if (view->has_key) {
		out_add_text(out, "  public key: ");
		add_key(out, &view->public_key);
		out_add_text(out, "  private key: (hidden)\n");
	}
	if (view->listen_port) {
		out_add_text(out, "  listening port: ");
		out_add_decimal(out, view->listen_port);
		out_add_text(out, "\n");
	}
	if (view->fwmark) {
		out_add_text(out, "  fwmark: 0x");
		add_hex(out, view->fwmark);
		out_add_text(out, "\n");
	}
	for (size_t i = 0; i < view->peer_count; i++)
		add_peer(out, &view->peers[i], now);
}

#define DROP_NAME_WIDTH	 16
#define DROP_COUNT_WIDTH 12

static void add_drop(struct out *out, enum drop_reason reason, uint64_t count)
{
	const char *name = drop_reason_name(reason);
	size_t digits = 1;
	for (uint64_t rest = count; rest >= 10; rest /= 10)
		digits++;
	out_add_text(out, "  ");
	out_add_text(out, name);
	out_add_repeated(out, ' ', DROP_NAME_WIDTH - strlen(name));
	out_add_repeated(out, ' ', digits < DROP_COUNT_WIDTH ? DROP_COUNT_WIDTH - digits : 0);
	out_add_decimal(out, count);
	out_add_text(out, "  ");
	out_add_text(out, drop_reason_meaning(reason));
	out_add_text(out, "\n");
}

static void add_drops(struct out *out, const struct drop_counters *drops)
{
	bool is_none = true;
	for (enum drop_reason reason = 0; reason < DROP_REASON_COUNT; reason++) {
		if (!drops->count[reason])
			continue;
		add_drop(out, reason, drops->count[reason]);
		is_none = false;
	}
	out_add_text(out, is_none ? "  (nothing was dropped)\n" : "");
}

void view_render_drops(struct out *out, const struct view *view, const char *interface_name)
{
	out_add_text(out, "interface: ");
	out_add_text(out, interface_name);
	out_add_text(out, "\n");
	add_drops(out, &view->drops);
	for (size_t i = 0; i < view->peer_count; i++) {
		out_add_text(out, "\npeer: ");
		add_key(out, &view->peers[i].public_key);
		add_drops(out, &view->peers[i].drops);
	}
}
