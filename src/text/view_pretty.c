#include "text/view_print.h"

#include <stdlib.h>

#include "noise/handshake.h"
#include "text/addrtext.h"
#include "text/view_text.h"

/* Of terminals: SGR [ECMA-48 8.3.117]. */
#define RESET  "\x1b[0m"
#define BOLD   "\x1b[1m"
#define RED    "\x1b[31m"
#define GREEN  "\x1b[32m"
#define YELLOW "\x1b[33m"
#define CYAN   "\x1b[36m"

struct page {
	struct out *out;
	const struct view_style *style;
};

static const struct unit {
	uint64_t size;
	const char *name;
} time_units[] = {
	{365 * 86400, "year"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

static const struct unit byte_units[] = {
	{UINT64_C(1) << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}};

static void add_colour(const struct page *page, const char *sequence)
{
	if (page->style->has_colours)
		out_add_text(page->out, sequence);
}

static void add_coloured(const struct page *page, const char *sequence, const char *text)
{
	add_colour(page, sequence);
	out_add_text(page->out, text);
	add_colour(page, RESET);
}

/* "1 hour, 5 seconds". */
static void add_duration(const struct page *page, uint64_t seconds)
{
	const char *separator = "";
	for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
		uint64_t count = seconds / time_units[i].size;
		seconds %= time_units[i].size;
		if (!count)
			continue;
		out_add_text(page->out, separator);
		out_add_decimal(page->out, count);
		out_add_text(page->out, " ");
		add_colour(page, CYAN);
		out_add_text(page->out, time_units[i].name);
		out_add_text(page->out, count == 1 ? "" : "s");
		add_colour(page, RESET);
		separator = ", ";
	}
}

/* Two decimals, rounded as printf does: a half goes to the even digit. */
static void add_hundredths(struct out *out, uint64_t bytes, uint64_t size)
{
	uint64_t whole = bytes / size, rest = bytes % size * 100;
	uint64_t hundredths = rest / size, half = rest % size * 2;
	hundredths += half > size || (half == size && hundredths % 2);
	whole += hundredths / 100;
	hundredths %= 100;
	out_add_decimal(out, whole);
	out_add_text(out, hundredths < 10 ? ".0" : ".");
	out_add_decimal(out, hundredths);
}

static void add_bytes(const struct page *page, uint64_t bytes)
{
	const char *unit = NULL;
	for (size_t i = 0; !unit && i < sizeof byte_units / sizeof *byte_units; i++) {
		if (bytes < byte_units[i].size)
			continue;
		add_hundredths(page->out, bytes, byte_units[i].size);
		unit = byte_units[i].name;
	}
	if (!unit)
		out_add_decimal(page->out, bytes);
	out_add_text(page->out, " ");
	add_coloured(page, CYAN, unit ? unit : "B");
}

static void add_name(const struct page *page, const char *name)
{
	out_add_text(page->out, "  ");
	add_coloured(page, BOLD, name);
	out_add_text(page->out, ": ");
}

static void add_secret(const struct page *page, const char *name, const uint8_t *key)
{
	add_name(page, name);
	if (page->style->shows_keys)
		view_add_key(page->out, key);
	else
		out_add_text(page->out, "(hidden)");
	out_add_text(page->out, "\n");
}

static void add_prefix(const struct page *page, const struct ip_prefix *prefix)
{
	char text[ADDRTEXT_ADDRESS_MAX];
	addrtext_write_address(text, &prefix->address);
	out_add_text(page->out, text);
	add_coloured(page, CYAN, "/");
	out_add_decimal(page->out, prefix->len);
}

static void add_allowed_ips(const struct page *page, const struct view_peer *peer)
{
	add_name(page, "allowed ips");
	out_add_text(page->out, peer->allowed_ip_count ? "" : "(none)");
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		out_add_text(page->out, i ? ", " : "");
		add_prefix(page, &peer->allowed_ips[i]);
	}
	out_add_text(page->out, "\n");
}

static void add_handshake(const struct page *page, uint64_t then)
{
	uint64_t now = page->style->now;
	add_name(page, "latest handshake");
	if (then == now) {
		out_add_text(page->out, "Now");
	} else if (then > now) {
		out_add_text(page->out, "(");
		add_coloured(
			page, RED, "System clock wound backward; connection problems may ensue.");
		out_add_text(page->out, ")");
	} else {
		add_duration(page, now - then);
		out_add_text(page->out, " ago");
	}
	out_add_text(page->out, "\n");
}

/* Two lines of our own: what the session was agreed on with, and what must be. */
static void add_key_exchange(
	const struct page *page, const struct view *view, const struct view_peer *peer)
{
	if (peer->has_key_exchange) {
		add_name(page, "key exchange");
		out_add_text(page->out, key_exchange_name(peer->key_exchange));
		out_add_text(page->out, "\n");
	}
	if (view_requires_post_quantum(view, peer)) {
		add_name(page, "post-quantum");
		out_add_text(page->out, "required\n");
	}
}

static void add_traffic(const struct page *page, const struct view_peer *peer)
{
	add_name(page, "transfer");
	add_bytes(page, peer->rx_bytes);
	out_add_text(page->out, " received, ");
	add_bytes(page, peer->tx_bytes);
	out_add_text(page->out, " sent\n");
}

static void add_peer(const struct page *page, const struct view *view, const struct view_peer *peer)
{
	out_add_text(page->out, "\n");
	add_colour(page, YELLOW);
	add_coloured(page, BOLD, "peer");
	out_add_text(page->out, ": ");
	add_colour(page, YELLOW);
	view_add_key(page->out, peer->public_key.bytes);
	add_colour(page, RESET);
	out_add_text(page->out, "\n");
	if (peer->has_preshared_key)
		add_secret(page, "preshared key", peer->preshared_key.bytes);
	if (peer->endpoint.address.family != IP_NONE) {
		add_name(page, "endpoint");
		view_add_endpoint(page->out, &peer->endpoint, page->style);
		out_add_text(page->out, "\n");
	}
	add_allowed_ips(page, peer);
	if (peer->handshake_sec)
		add_handshake(page, peer->handshake_sec);
	if (peer->rx_bytes || peer->tx_bytes)
		add_traffic(page, peer);
	if (peer->keepalive_seconds) {
		add_name(page, "persistent keepalive");
		out_add_text(page->out, "every ");
		add_duration(page, peer->keepalive_seconds);
		out_add_text(page->out, "\n");
	}
	add_key_exchange(page, view, peer);
}

static void add_interface(const struct page *page, const struct view *view)
{
	add_colour(page, RESET GREEN);
	add_coloured(page, BOLD, "interface");
	out_add_text(page->out, ": ");
	add_coloured(page, GREEN, page->style->interface_name);
	out_add_text(page->out, "\n");
	if (view->has_private_key) {
		add_name(page, "public key");
		view_add_key(page->out, view->public_key.bytes);
		out_add_text(page->out, "\n");
		add_secret(page, "private key", view->private_key.bytes);
	}
	if (view->listen_port) {
		add_name(page, "listening port");
		out_add_decimal(page->out, view->listen_port);
		out_add_text(page->out, "\n");
	}
	if (view->fwmark) {
		add_name(page, "fwmark");
		view_add_mark(page->out, view->fwmark);
		out_add_text(page->out, "\n");
	}
}

void view_print_pretty(struct out *out, const struct view *view, const struct view_style *style)
{
	const struct page page = {out, style};
	const struct view_peer **peers = view_sort_peers(view);
	add_interface(&page, view);
	for (size_t i = 0; peers && i < view->peer_count; i++)
		add_peer(&page, view, peers[i]);
	out->has_failed |= view->peer_count && !peers;
	free(peers);
}
