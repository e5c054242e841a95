#include "text/view_print.h"

#include <string.h>

#include "text/view_text.h"

struct page {
	struct out *out;
	const struct view *view;
	const struct view_style *style;
	bool is_one_of_all;
};

/* ------------------------------------------------------------------ values */

static void add_key(struct out *out, const uint8_t *key, bool has_key)
{
	if (has_key)
		view_add_key(out, key);
	else
		out_add_text(out, "(none)");
}

static void add_private_key(struct out *out, const struct view *view)
{
	add_key(out, view->private_key.bytes, view->has_private_key);
}

static void add_public_key(struct out *out, const struct view *view)
{
	add_key(out, view->public_key.bytes, view->has_private_key);
}

static void add_port(struct out *out, const struct view *view)
{
	out_add_decimal(out, view->listen_port);
}

static void add_mark(struct out *out, const struct view *view)
{
	if (view->fwmark)
		view_add_mark(out, view->fwmark);
	else
		out_add_text(out, "off");
}

static void add_preshared_key(struct out *out, const struct view_peer *peer)
{
	add_key(out, peer->preshared_key.bytes, peer->has_preshared_key);
}

static void add_endpoint(
	struct out *out, const struct view_peer *peer, const struct view_style *style)
{
	if (peer->endpoint.address.family == IP_NONE)
		out_add_text(out, "(none)");
	else
		view_add_endpoint(out, &peer->endpoint, style);
}

static void add_allowed_ips(struct out *out, const struct view_peer *peer, const char *separator)
{
	out_add_text(out, peer->allowed_ip_count ? "" : "(none)");
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		out_add_text(out, i ? separator : "");
		view_add_prefix(out, &peer->allowed_ips[i]);
	}
}

static void add_traffic(struct out *out, const struct view_peer *peer)
{
	out_add_decimal(out, peer->rx_bytes);
	out_add_text(out, "\t");
	out_add_decimal(out, peer->tx_bytes);
}

static void add_keepalive(struct out *out, const struct view_peer *peer)
{
	if (peer->keepalive_seconds)
		out_add_decimal(out, peer->keepalive_seconds);
	else
		out_add_text(out, "off");
}

/* ------------------------------------------------------------------ lines */

static void begin_line(const struct page *page)
{
	if (!page->is_one_of_all)
		return;
	out_add_text(page->out, page->style->interface_name);
	out_add_text(page->out, "\t");
}

static void print_dump_peer(const struct page *page, const struct view_peer *peer)
{
	struct out *out = page->out;
	add_preshared_key(out, peer);
	out_add_text(out, "\t");
	add_endpoint(out, peer, page->style);
	out_add_text(out, "\t");
	add_allowed_ips(out, peer, ",");
	out_add_text(out, "\t");
	out_add_decimal(out, peer->handshake_sec);
	out_add_text(out, "\t");
	add_traffic(out, peer);
	out_add_text(out, "\t");
	add_keepalive(out, peer);
}

static void print_dump_interface(struct out *out, const struct view *view)
{
	add_private_key(out, view);
	out_add_text(out, "\t");
	add_public_key(out, view);
	out_add_text(out, "\t");
	add_port(out, view);
	out_add_text(out, "\t");
	add_mark(out, view);
}

static void print_preshared_key(const struct page *page, const struct view_peer *peer)
{
	add_preshared_key(page->out, peer);
}

static void print_endpoint(const struct page *page, const struct view_peer *peer)
{
	add_endpoint(page->out, peer, page->style);
}

static void print_allowed_ips(const struct page *page, const struct view_peer *peer)
{
	add_allowed_ips(page->out, peer, " ");
}

static void print_handshake(const struct page *page, const struct view_peer *peer)
{
	out_add_decimal(page->out, peer->handshake_sec);
}

static void print_traffic(const struct page *page, const struct view_peer *peer)
{
	add_traffic(page->out, peer);
}

static void print_keepalive(const struct page *page, const struct view_peer *peer)
{
	add_keepalive(page->out, peer);
}

/* ------------------------------------------------------------------ selectors */

static const struct selector {
	const char *name;
	/* The interface's line; NULL: it has none. */
	void (*of_interface)(struct out *out, const struct view *view);
	bool has_peers; /* a line for each, with its public key */
	/* Behind the public key and a tab; NULL: nothing more. */
	void (*of_peer)(const struct page *page, const struct view_peer *peer);
} selectors[] = {
	{"public-key", add_public_key, false, NULL},
	{"private-key", add_private_key, false, NULL},
	{"listen-port", add_port, false, NULL},
	{"fwmark", add_mark, false, NULL},
	{"peers", NULL, true, NULL},
	{"preshared-keys", NULL, true, print_preshared_key},
	{"endpoints", NULL, true, print_endpoint},
	{"allowed-ips", NULL, true, print_allowed_ips},
	{"latest-handshakes", NULL, true, print_handshake},
	{"transfer", NULL, true, print_traffic},
	{"persistent-keepalive", NULL, true, print_keepalive},
	{"dump", print_dump_interface, true, print_dump_peer},
};

#define SELECTOR_COUNT (sizeof selectors / sizeof *selectors)

int view_selector_find(const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < SELECTOR_COUNT; i++)
		if (strlen(selectors[i].name) == len && !memcmp(selectors[i].name, name, len))
			return (int)i;
	return -1;
}

void view_print_selectors(struct out *out)
{
	for (size_t i = 0; i < SELECTOR_COUNT; i++) {
		out_add_text(out, i ? " " : "");
		out_add_text(out, selectors[i].name);
	}
}

static void print_peer(
	const struct page *page, const struct selector *selector, const struct view_peer *peer)
{
	begin_line(page);
	view_add_key(page->out, peer->public_key.bytes);
	if (selector->of_peer) {
		out_add_text(page->out, "\t");
		selector->of_peer(page, peer);
	}
	out_add_text(page->out, "\n");
}

void view_print_selected(struct out *out, const struct view *view, const struct view_style *style,
	int selector, bool is_one_of_all)
{
	const struct page page = {out, view, style, is_one_of_all};
	const struct selector *s = &selectors[selector];
	if (s->of_interface) {
		begin_line(&page);
		s->of_interface(out, view);
		out_add_text(out, "\n");
	}
	for (size_t i = 0; s->has_peers && i < view->peer_count; i++)
		print_peer(&page, s, &view->peers[i]);
}
