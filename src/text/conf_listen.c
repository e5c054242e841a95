#include "text/conf_parse.h"

#include <string.h>

#include "text/addrtext.h"

/* As the kernel has it. */
static bool is_device_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '/' || text[i] == ':')
			return false;
	return len > 0 && len <= CONF_DEVICE_MAX && !conf_text_is(text, len, ".") &&
	       !conf_text_is(text, len, "..");
}

void conf_read_bind_device(struct conf_parser *p, const struct conf_line *line)
{
	char *device = p->conf->link.bind_device;
	if (!is_device_name(p->token.text, p->token.len)) {
		conf_refuse_token(p, line);
		return;
	}
	memcpy(device, p->token.text, p->token.len);
	device[p->token.len] = 0;
	p->conf->link.bind_device_at = (struct conf_place){line->number, p->token.column};
}

/* ---- one place of Listen */

struct place {
	struct ip_address address;
	const char *zone; /* points into the token */
	size_t zone_len;
	uint16_t port;
};

static bool is_multicast(const struct ip_address *address)
{
	return address->family == IP_V6 ? address->bytes[0] == 0xff : address->bytes[0] >= 224;
}

static bool is_link_local(const struct ip_address *address)
{
	return address->family == IP_V6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

static bool is_mapped(const struct ip_address *address)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	return address->family == IP_V6 && !memcmp(address->bytes, prefix, sizeof prefix);
}

static const char *check_address(const struct place *place)
{
	if (is_multicast(&place->address))
		return ": no address of one machine; expected one that this machine has";
	if (is_mapped(&place->address))
		return ": an IPv4 address in IPv6; expected the IPv4 address alone";
	if (is_link_local(&place->address) && !place->zone)
		return ": a link-local address needs its interface; expected "
		       "[fe80::...%interface]:port";
	if (!is_link_local(&place->address) && place->zone)
		return ": an interface belongs to link-local addresses only; "
		       "for others there is BindDevice";
	return NULL;
}

/* "IPv4", "[IPv6]" or "[IPv6%zone]". NULL, or what is wrong. */
static const char *read_host(struct place *place, const char *text, size_t len)
{
	bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	const char *host = text + is_bracketed;
	size_t host_len = len - 2 * is_bracketed;
	const char *zone = is_bracketed ? memchr(host, '%', host_len) : NULL;
	size_t address_len = zone ? (size_t)(zone - host) : host_len;
	if (len == 0)
		return ": no address; for all addresses of this machine there is ListenPort";
	if (!is_bracketed && memchr(host, ':', host_len))
		return ": an IPv6 address stands in brackets; expected [IPv6]:port";
	if (!addrtext_read_address(&place->address, host, address_len))
		return ": not an IP address before the port; names are not looked up here";
	if (is_bracketed && place->address.family == IP_V4)
		return ": an IPv4 address stands without brackets";
	place->zone = zone ? zone + 1 : NULL;
	place->zone_len = zone ? host_len - address_len - 1 : 0;
	if (zone && !is_device_name(place->zone, place->zone_len))
		return ": not the name of an interface behind the \"%\"";
	return check_address(place);
}

static const char *read_place(struct place *place, const char *text, size_t len)
{
	struct ip_address bare;
	const char *colon = strrchr(text, ':');
	uint64_t port;
	bool has_port = colon && colon[1] && colon[1] != ']' && !strchr(colon, ']');
	if (!has_port || addrtext_read_address(&bare, text, len))
		return ": no port; expected IPv4:port or [IPv6]:port";
	if (!addrtext_read_decimal(&port, colon + 1, strlen(colon + 1), UINT16_MAX))
		return ": port must be 0-65535";
	place->port = (uint16_t)port;
	return read_host(place, text, (size_t)(colon - text));
}

/* ---- all of them */

static void refuse(struct conf_parser *p, const struct conf_line *line, const char *why)
{
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, why);
}

static void refuse_beside(struct conf_parser *p, const struct conf_line *line, const char *why,
	const struct conf_listen *other)
{
	struct out m = conf_diagnose_token(p, CONF_ERROR, line);
	out_add_text(&m, why);
	out_add_text(&m, "line ");
	out_add_decimal(&m, other->at.line);
}

static bool is_any(const struct ip_address *address)
{
	static const uint8_t zeros[sizeof address->bytes];
	return !memcmp(address->bytes, zeros, sizeof zeros);
}

static bool has_zone(const struct conf_listen *listen, const struct place *place)
{
	return strlen(listen->zone) == place->zone_len &&
	       (!place->zone || !memcmp(listen->zone, place->zone, place->zone_len));
}

/* Whether it can stand beside those that were read before; if not, says why. */
static bool fits(struct conf_parser *p, const struct conf_line *line, const struct place *place)
{
	const struct conf_link *link = &p->conf->link;
	for (size_t i = 0; i < link->listen_count; i++) {
		const struct conf_listen *other = &link->listens[i];
		bool is_same = ip_address_is_equal(&other->address, &place->address);
		if (is_same && has_zone(other, place)) {
			refuse_beside(p, line, ": the same as in ", other);
			return false;
		}
		if (other->address.family == place->address.family && !is_same &&
			(is_any(&other->address) || is_any(&place->address))) {
			refuse_beside(p, line,
				": any address of a family leaves none for another line; see ",
				other);
			return false;
		}
	}
	if (link->listen_count && place->port != p->listen_port) {
		refuse_beside(p, line, ": one port for all addresses; expected that of ",
			&link->listens[0]);
		return false;
	}
	return true;
}

_Static_assert(CONF_LISTEN_MAX == 8, "as the message below says");

void conf_read_listen(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_link *link = &p->conf->link;
	struct place place = {0};
	const char *why = read_place(&place, p->token.text, p->token.len);
	if (!why && link->listen_count == CONF_LISTEN_MAX)
		why = ": more than 8 addresses; without Listen, all are listened at";
	if (why) {
		refuse(p, line, why);
		return;
	}
	if (!fits(p, line, &place))
		return;
	struct conf_listen *listen = &link->listens[link->listen_count++];
	*listen = (struct conf_listen){
		.address = place.address, .at = {line->number, p->token.column}};
	if (place.zone)
		memcpy(listen->zone, place.zone, place.zone_len);
	p->listen_port = place.port;
}

void conf_check_listen(struct conf_parser *p)
{
	struct change *change = &p->conf->change;
	const struct conf_link *link = &p->conf->link;
	if (!link->listen_count)
		return;
	bool is_other = link->listen_service || change->listen_port != p->listen_port;
	if (link->listen_port_at.line && is_other) {
		struct out m = conf_diagnose(
			p, CONF_ERROR, link->listen_port_at.line, link->listen_port_at.column);
		out_add_text(&m, "ListenPort: beside Listen in line ");
		out_add_decimal(&m, link->listens[0].at.line);
		out_add_text(&m, "; expected its port, ");
		out_add_decimal(&m, p->listen_port);
		out_add_text(&m, ", or no ListenPort");
	}
	change->has_listen_port = true;
	change->listen_port = p->listen_port;
}
