#include "text/view_print.h"

#include "text/view_text.h"

static void add_prefixes(
	struct out *out, const char *name, const struct ip_prefix *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		out_add_text(out, i ? ", " : name);
		out_add_text(out, i ? "" : " = ");
		view_add_prefix(out, &prefixes[i]);
	}
	out_add_text(out, count ? "\n" : "");
}

static void add_key(struct out *out, const char *name, const uint8_t *key)
{
	out_add_text(out, name);
	out_add_text(out, " = ");
	view_add_key(out, key);
	out_add_text(out, "\n");
}

static void add_decimal(struct out *out, const char *name, uint64_t value)
{
	out_add_text(out, name);
	out_add_text(out, " = ");
	out_add_decimal(out, value);
	out_add_text(out, "\n");
}

/* As a comment for wg(8) and wg-quick(8). */
static void add_post_quantum(struct out *out, enum post_quantum said)
{
	if (said != POST_QUANTUM_DEFAULT)
		out_add_text(out, said == POST_QUANTUM_REQUIRE ? "#!PostQuantum = require\n"
							       : "#!PostQuantum = off\n");
}

/* What a reader must know before he uses it in place of the file that it came from. */
static void add_preface(
	struct out *out, const struct view_link *link, const struct view_style *style)
{
	out_add_text(out, "# The running configuration of ");
	out_add_text(out, style->interface_name);
	out_add_text(out,
		", as adit export found it.\n"
		"# A running interface does not tell: Listen, BindDevice, DNS, Table, Offload, "
		"Aead,\n"
		"# Threads, TxQueueLen, PreUp, PostUp, PreDown, PostDown, names of endpoints (they "
		"stand\n"
		"# as addresses), and comments.\n");
	if (!link->is_known)
		out_add_text(out, "# Address and MTU are not known: no such interface is seen in "
				  "this network namespace.\n");
}

static void add_peer(struct out *out, const struct view_peer *peer, const struct view_style *style)
{
	out_add_text(out, "\n[Peer]\n");
	add_key(out, "PublicKey", peer->public_key.bytes);
	if (peer->has_preshared_key)
		add_key(out, "PresharedKey", peer->preshared_key.bytes);
	add_prefixes(out, "AllowedIPs", peer->allowed_ips, peer->allowed_ip_count);
	if (peer->endpoint.address.family != IP_NONE) {
		out_add_text(out, "Endpoint = ");
		view_add_endpoint(out, &peer->endpoint, style);
		out_add_text(out, "\n");
	}
	if (peer->keepalive_seconds)
		add_decimal(out, "PersistentKeepalive", peer->keepalive_seconds);
	add_post_quantum(out, peer->post_quantum);
}

void view_print_conf(struct out *out, const struct view *view, const struct view_link *link,
	const struct view_style *style)
{
	add_preface(out, link, style);
	out_add_text(out, "[Interface]\n");
	if (view->listen_port)
		add_decimal(out, "ListenPort", view->listen_port);
	if (view->fwmark) {
		out_add_text(out, "FwMark = ");
		view_add_mark(out, view->fwmark);
		out_add_text(out, "\n");
	}
	if (view->has_private_key)
		add_key(out, "PrivateKey", view->private_key.bytes);
	add_post_quantum(out, view->post_quantum);
	add_prefixes(out, "Address", link->addresses, link->address_count);
	if (link->mtu)
		add_decimal(out, "MTU", link->mtu);
	for (size_t i = 0; i < view->peer_count; i++)
		add_peer(out, &view->peers[i], style);
}
