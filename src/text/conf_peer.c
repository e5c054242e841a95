#include "text/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#include "text/addrtext.h"
#include "text/keytext.h"
#include "text/list.h"

/* In a [Peer] section only. */
static struct change_peer *present_peer(struct conf_parser *p)
{
	return &p->conf->change.peers[p->conf->change.peer_count - 1];
}

static bool read_key(struct conf_parser *p, const struct conf_line *line, uint8_t *bytes)
{
	if (keytext_read_base64(bytes, p->token.text, p->token.len))
		return true;
	if (p->token.len != KEYTEXT_BASE64_LEN) {
		conf_refuse_token(p, line);
		return false;
	}
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, ", but not those of a key: one may be mistyped; expected what `adit ");
	out_add_text(&m, line->key->id == CONF_PRIVATE_KEY     ? "genkey"
			 : line->key->id == CONF_PRESHARED_KEY ? "genpsk"
							       : "pubkey");
	out_add_text(&m, "` prints");
	return false;
}

static void read_private_key(struct conf_parser *p, const struct conf_line *line)
{
	struct change *change = &p->conf->change;
	conf_note_key(p, line);
	if (read_key(p, line, change->private_key.bytes))
		change->has_private_key = true;
}

static void read_public_key(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_peer_origin *origin = &p->origins[p->conf->change.peer_count - 1];
	struct public_key *key = &present_peer(p)->public_key;
	struct public_key before = *key;
	uint32_t line_before = origin->has_key ? origin->key_at.line : 0;
	origin->key_at = (struct conf_place){line->number, p->token.column};
	origin->has_key = read_key(p, line, key->bytes);
	if (!origin->has_key || !line_before || !memcmp(&before, key, sizeof before))
		return;
	struct out m = conf_diagnose(p, CONF_WARNING, line->number, p->token.column);
	out_add_text(&m, "PublicKey: the second in this section: the one of line ");
	out_add_decimal(&m, line_before);
	out_add_text(&m, " does not count; is a [Peer] missing above?");
}

static void read_preshared_key(struct conf_parser *p, const struct conf_line *line)
{
	struct change_peer *peer = present_peer(p);
	conf_note_key(p, line);
	peer->has_preshared_key = read_key(p, line, peer->preshared_key.bytes);
}

static bool is_service_name(const char *text, size_t len)
{
	return len <= CONF_SERVICE_MAX && conf_is_name(text, len, "-_.");
}

static void read_listen_port(struct conf_parser *p, const struct conf_line *line)
{
	struct change *change = &p->conf->change;
	char **service = &p->conf->link.listen_service;
	uint64_t port = 0;
	bool is_number = addrtext_read_decimal(&port, p->token.text, p->token.len, UINT16_MAX);
	if (!is_number && !is_service_name(p->token.text, p->token.len)) {
		conf_refuse_token(p, line);
		return;
	}
	free(*service);
	p->conf->link.listen_port_at = (struct conf_place){line->number, p->token.column};
	*service = is_number ? NULL : conf_copy_text(p, p->token.text, p->token.len);
	change->has_listen_port = is_number;
	change->listen_port = (uint16_t)port;
}

static bool read_hex(uint32_t *out, const char *text, size_t len)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			value = value << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
		else
			return false;
		if (value > UINT32_MAX)
			return false;
	}
	*out = (uint32_t)value;
	return len > 0;
}

static void read_fwmark(struct conf_parser *p, const struct conf_line *line)
{
	struct change *change = &p->conf->change;
	const char *text = p->token.text;
	size_t len = p->token.len;
	uint64_t decimal = 0;
	uint32_t mark = 0;
	bool is_hex = len > 2 && text[0] == '0' && text[1] == 'x';
	bool is_right = is_hex ? read_hex(&mark, text + 2, len - 2)
			       : conf_text_is(text, len, "off") ||
					 addrtext_read_decimal(&decimal, text, len, UINT32_MAX);
	if (!is_right) {
		conf_refuse_token(p, line);
		return;
	}
	change->fwmark = is_hex ? mark : (uint32_t)decimal;
	change->has_fwmark = true;
}

static void read_keepalive(struct conf_parser *p, const struct conf_line *line)
{
	struct change_peer *peer = present_peer(p);
	uint64_t seconds = 0;
	if (!conf_text_is(p->token.text, p->token.len, "off") &&
		!addrtext_read_decimal(&seconds, p->token.text, p->token.len, UINT16_MAX)) {
		conf_refuse_token(p, line);
		return;
	}
	peer->keepalive_seconds = (uint16_t)seconds;
	peer->has_keepalive = true;
}

/* Of the peer, or of all of whom nothing else is said. */
static void read_post_quantum(struct conf_parser *p, const struct conf_line *line)
{
	struct change *change = &p->conf->change;
	bool is_required = conf_text_is(p->token.text, p->token.len, "require");
	enum post_quantum value = is_required ? POST_QUANTUM_REQUIRE : POST_QUANTUM_OFF;
	if (!is_required && !conf_text_is(p->token.text, p->token.len, "off")) {
		conf_refuse_token(p, line);
	} else if (p->section == CONF_SECTION_PEER) {
		present_peer(p)->has_post_quantum = true;
		present_peer(p)->post_quantum = value;
	} else {
		change->has_post_quantum = true;
		change->post_quantum = value;
	}
}

static void warn_of_host_bits(
	struct conf_parser *p, const struct conf_line *line, const struct ip_prefix *masked)
{
	char text[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(text, masked);
	struct out m = conf_diagnose_token(p, CONF_WARNING, line);
	out_add_text(&m, ": host bits are set: taken as ");
	out_add_text(&m, text);
}

static void note_prefix(
	struct conf_parser *p, const struct conf_line *line, const struct ip_prefix *prefix)
{
	struct conf_prefix_origin *all =
		list_grow(p->prefixes, p->prefix_count, &p->prefix_capacity, sizeof *p->prefixes);
	if (!all) {
		p->has_no_memory = true;
		return;
	}
	p->prefixes = all;
	all[p->prefix_count++] = (struct conf_prefix_origin){
		*prefix, p->conf->change.peer_count - 1, line->number, p->token.column};
}

static void read_allowed_ip(struct conf_parser *p, const struct conf_line *line)
{
	struct change_peer *peer = present_peer(p);
	const char *text = p->token.text;
	bool is_removed = text[0] == '-', is_signed = is_removed || text[0] == '+';
	struct ip_prefix prefix;
	if (!conf_read_prefix(p, line, text + is_signed, p->token.len - is_signed, &prefix))
		return;
	if (ip_prefix_mask(&prefix))
		warn_of_host_bits(p, line, &prefix);
	if (peer->allowed_ip_count == CHANGE_ALLOWED_IPS_MAX) {
		struct out m = conf_diagnose_token(p, CONF_ERROR, line);
		out_add_text(&m, ": more prefixes than one peer may have");
		return;
	}
	if (!change_peer_add_allowed_ip(peer, &prefix, is_removed))
		p->has_no_memory = true;
	else if (!is_removed)
		note_prefix(p, line, &prefix);
}

/*
 * Whether it can be looked up: a host name, or an address with the name of a
 * zone. Digits and dots alone are a mistyped address.
 */
static bool is_host(const char *text, size_t len)
{
	const char *zone = memchr(text, '%', len);
	size_t name_len = zone ? (size_t)(zone - text) : len;
	struct ip_address address;
	if (len > CONF_HOST_MAX)
		return false;
	if (!zone)
		return conf_is_name(text, len, "-_.");
	return addrtext_read_address(&address, text, name_len) &&
	       conf_is_name(zone + 1, len - name_len - 1, "-_.");
}

/* Of several names of a peer conf_check keeps the last, or none when an address came later. */
static void add_name(struct conf_parser *p, const struct conf_line *line, const char *host,
	size_t host_len, const char *port)
{
	struct conf_link *link = &p->conf->link;
	struct conf_name *names =
		list_grow(link->names, link->name_count, &link->name_capacity, sizeof *link->names);
	if (!names) {
		p->has_no_memory = true;
		return;
	}
	link->names = names;
	names[link->name_count++] = (struct conf_name){
		.peer = p->conf->change.peer_count - 1,
		.host = conf_copy_text(p, host, host_len),
		.port = conf_copy_text(p, port, strlen(port)),
		.at = {line->number, p->token.column},
	};
}

static void refuse_endpoint(struct conf_parser *p, const struct conf_line *line, const char *why)
{
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, why);
	conf_add_hint_of_quotes(p, &m);
}

/* An IPv6 address without brackets, and behind its last colon a port. */
static bool is_address_and_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct ip_address address;
	uint64_t port;
	return addrtext_read_address(&address, text, (size_t)(colon - text)) &&
	       addrtext_read_decimal(&port, colon + 1, strlen(colon + 1), UINT16_MAX);
}

/* "2001:db8::1:80" may be an address whose port was forgotten; wg(8) takes it apart too. */
static void warn_of_bare_address(struct conf_parser *p, const struct conf_line *line)
{
	const char *text = p->token.text, *colon = strrchr(text, ':');
	struct ip_address address;
	if (!addrtext_read_address(&address, text, p->token.len) || !is_address_and_port(text))
		return;
	struct out m = conf_diagnose_token(p, CONF_WARNING, line);
	out_add_text(&m, ": taken as [");
	out_add(&m, text, (size_t)(colon - text));
	out_add_text(&m, "]");
	out_add_text(&m, colon);
	out_add_text(&m, "; write it with brackets, so that nobody has to guess");
}

/* Splits at the last colon, or behind the bracket. NULL, or what is wrong. */
static const char *split_endpoint(
	const char *text, const char **host, size_t *host_len, const char **port)
{
	const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
	if (text[0] == '[' && !bracket)
		return ": no \"]\" behind the address";
	struct ip_address address;
	if (strchr(text, ','))
		return ": expected one endpoint, host:port";
	if (!bracket && strchr(text, ':') != strrchr(text, ':') && !is_address_and_port(text) &&
		addrtext_read_address(&address, text, strlen(text)))
		return ": no port; expected [IPv6]:port";
	const char *colon = bracket ? bracket + 1 : strrchr(text, ':');
	if (!colon || *colon != ':' || !colon[1])
		return ": no port; expected host:port or [IPv6]:port";
	*host = bracket ? text + 1 : text;
	*host_len = (size_t)((bracket ? bracket : colon) - *host);
	*port = colon + 1;
	return NULL;
}

static void read_endpoint(struct conf_parser *p, const struct conf_line *line)
{
	struct change_peer *peer = present_peer(p);
	const char *host, *port;
	size_t host_len;
	const char *why = split_endpoint(p->token.text, &host, &host_len, &port);
	if (why) {
		refuse_endpoint(p, line, why);
		return;
	}
	struct endpoint e;
	bool is_numeric = addrtext_read_host(&e, host, host_len);
	uint64_t number = 0;
	bool has_number = addrtext_read_decimal(&number, port, strlen(port), UINT16_MAX) && number;
	if (!is_numeric && !is_host(host, host_len)) {
		refuse_endpoint(p, line, ": neither an IP address nor a host name before the port");
		return;
	}
	if (!has_number && !is_service_name(port, strlen(port))) {
		refuse_endpoint(p, line, ": port must be 1-65535 or the name of a service");
		return;
	}
	warn_of_bare_address(p, line);
	peer->has_endpoint = is_numeric && has_number;
	if (!peer->has_endpoint) {
		add_name(p, line, host, host_len, port);
		return;
	}
	e.port = (uint16_t)number;
	peer->endpoint = e;
}

void conf_read_wg_key(struct conf_parser *p, const struct conf_line *line)
{
	size_t at = 0;
	if (line->key->id == CONF_PRIVATE_KEY_FILE || line->key->id == CONF_PRESHARED_KEY_FILE) {
		conf_read_key_file(p, line);
		return;
	}
	bool is_list = line->key->id == CONF_ALLOWED_IPS;
	enum conf_split split = is_list ? CONF_SPLIT_COMMAS : CONF_SPLIT_NOWHERE;
	if (is_list)
		p->origins[p->conf->change.peer_count - 1].has_allowed_ips = true;
	while (conf_take_token(p, line, &at, split)) {
		switch (line->key->id) {
		case CONF_PRIVATE_KEY: read_private_key(p, line); break;
		case CONF_LISTEN_PORT: read_listen_port(p, line); break;
		case CONF_FWMARK: read_fwmark(p, line); break;
		case CONF_PUBLIC_KEY: read_public_key(p, line); break;
		case CONF_PRESHARED_KEY: read_preshared_key(p, line); break;
		case CONF_ENDPOINT: read_endpoint(p, line); break;
		case CONF_POST_QUANTUM: read_post_quantum(p, line); break;
		case CONF_KEEPALIVE: read_keepalive(p, line); break;
		default: read_allowed_ip(p, line); break;
		}
	}
}
