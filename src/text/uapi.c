#include "text/uapi.h"

#include <errno.h>
#include <string.h>

#include "crypto/secret.h"
#include "text/addrtext.h"
#include "text/keytext.h"

#define ZONE_MAX 16 /* bytes of an interface's name, the zero at its end included */

struct value {
	const char *text;
	size_t len;
};

static bool value_is(struct value v, const char *text)
{
	return v.len == strlen(text) && !memcmp(v.text, text, v.len);
}

/* The peer that the last public_key selected. */
static struct change_peer *present_peer(struct change *change)
{
	return &change->peers[change->peer_count - 1];
}

/* Each reads one value into the change: 0, EINVAL or ENOMEM. */

static int read_private_key(struct change *change, struct value v)
{
	change->has_private_key = true;
	return keytext_read_hex(change->private_key.bytes, v.text, v.len) ? 0 : EINVAL;
}

static int read_listen_port(struct change *change, struct value v)
{
	uint64_t port;
	if (!addrtext_read_decimal(&port, v.text, v.len, UINT16_MAX))
		return EINVAL;
	change->has_listen_port = true;
	change->listen_port = (uint16_t)port;
	return 0;
}

static int read_fwmark(struct change *change, struct value v)
{
	uint64_t mark;
	if (!addrtext_read_decimal(&mark, v.text, v.len, UINT32_MAX))
		return EINVAL;
	change->has_fwmark = true;
	change->fwmark = (uint32_t)mark;
	return 0;
}

static int read_replace_peers(struct change *change, struct value v)
{
	change->replace_peers = true;
	return value_is(v, "true") ? 0 : EINVAL;
}

static int read_public_key(struct change *change, struct value v)
{
	struct public_key key;
	if (!keytext_read_hex(key.bytes, v.text, v.len))
		return EINVAL;
	return change_add_peer(change, &key) ? 0 : ENOMEM;
}

static int read_remove(struct change *change, struct value v)
{
	present_peer(change)->remove = true;
	return value_is(v, "true") ? 0 : EINVAL;
}

static int read_update_only(struct change *change, struct value v)
{
	present_peer(change)->update_only = true;
	return value_is(v, "true") ? 0 : EINVAL;
}

static int read_preshared_key(struct change *change, struct value v)
{
	struct change_peer *peer = present_peer(change);
	peer->has_preshared_key = true;
	return keytext_read_hex(peer->preshared_key.bytes, v.text, v.len) ? 0 : EINVAL;
}

static int read_endpoint(struct change *change, struct value v)
{
	struct change_peer *peer = present_peer(change);
	peer->has_endpoint = true;
	return addrtext_read_endpoint(&peer->endpoint, v.text, v.len) ? 0 : EINVAL;
}

/* "[ADDRESS%NAME]:PORT" with the interface's name as `zone`. false: something else. */
static bool has_named_zone(struct value v, struct value *zone)
{
	uint64_t number;
	const char *percent = memchr(v.text, '%', v.len);
	const char *end = memchr(v.text, ']', v.len);
	if (!percent || !end || end < percent)
		return false;
	*zone = (struct value){percent + 1, (size_t)(end - percent - 1)};
	return zone->len && zone->len < ZONE_MAX && !memchr(zone->text, 0, zone->len) &&
	       !addrtext_read_decimal(&number, zone->text, zone->len, UINT32_MAX);
}

static int read_zoned_endpoint(struct uapi_parser *parser, struct value v, struct value zone)
{
	char name[ZONE_MAX] = "", text[ADDRTEXT_ENDPOINT_MAX];
	struct out out;
	memcpy(name, zone.text, zone.len);
	unsigned number = parser->zone_number(name);
	if (!number)
		return ENODEV;
	out_init_fixed(&out, text, sizeof text);
	out_add(&out, v.text, (size_t)(zone.text - v.text));
	out_add_decimal(&out, number);
	out_add(&out, zone.text + zone.len, v.len - (size_t)(zone.text - v.text) - zone.len);
	return out.has_failed ? EINVAL
			      : read_endpoint(&parser->change, (struct value){text, out.len});
}

static int read_keepalive(struct change *change, struct value v)
{
	struct change_peer *peer = present_peer(change);
	uint64_t seconds;
	if (!addrtext_read_decimal(&seconds, v.text, v.len, UINT16_MAX))
		return EINVAL;
	peer->has_keepalive = true;
	peer->keepalive_seconds = (uint16_t)seconds;
	return 0;
}

/* "default": a peer's only. */
static int read_post_quantum(struct change *change, struct value v)
{
	struct change_peer *peer = change->peer_count ? present_peer(change) : NULL;
	enum post_quantum value = POST_QUANTUM_DEFAULT;
	if (value_is(v, "require"))
		value = POST_QUANTUM_REQUIRE;
	else if (value_is(v, "off"))
		value = POST_QUANTUM_OFF;
	else if (!peer || !value_is(v, "default"))
		return EINVAL;
	*(peer ? &peer->has_post_quantum : &change->has_post_quantum) = true;
	*(peer ? &peer->post_quantum : &change->post_quantum) = value;
	return 0;
}

static int read_replace_allowed_ips(struct change *change, struct value v)
{
	present_peer(change)->replace_allowed_ips = true;
	return value_is(v, "true") ? 0 : EINVAL;
}

static int read_allowed_ip(struct change *change, struct value v)
{
	bool is_removed = v.len && v.text[0] == '-';
	struct ip_prefix prefix;
	if (!memchr(v.text, '/', v.len) || addrtext_read_prefix(&prefix, v.text + is_removed,
						   v.len - is_removed) != ADDRTEXT_OK)
		return EINVAL;
	ip_prefix_mask(&prefix);
	return change_peer_add_allowed_ip(present_peer(change), &prefix, is_removed) ? 0 : ENOMEM;
}

static int read_protocol_version(struct change *change, struct value v)
{
	(void)change;
	return value_is(v, "1") ? 0 : EINVAL;
}

enum place { BEFORE_PEERS, IN_PEER, ANYWHERE };

static const struct set_key {
	const char *name;
	enum place place;
	int (*read)(struct change *change, struct value v);
} set_keys[] = {
	{"private_key", BEFORE_PEERS, read_private_key},
	{"listen_port", BEFORE_PEERS, read_listen_port},
	{"fwmark", BEFORE_PEERS, read_fwmark},
	{"replace_peers", BEFORE_PEERS, read_replace_peers},
	{UAPI_POST_QUANTUM, ANYWHERE, read_post_quantum},
	{"public_key", ANYWHERE, read_public_key},
	{"remove", IN_PEER, read_remove},
	{"update_only", IN_PEER, read_update_only},
	{"preshared_key", IN_PEER, read_preshared_key},
	{"endpoint", IN_PEER, read_endpoint},
	{"persistent_keepalive_interval", IN_PEER, read_keepalive},
	{"replace_allowed_ips", IN_PEER, read_replace_allowed_ips},
	{"allowed_ip", IN_PEER, read_allowed_ip},
	{"protocol_version", IN_PEER, read_protocol_version},
};

static int read_value(struct uapi_parser *parser, const struct set_key *key, struct value v)
{
	struct value zone;
	if (key->read == read_endpoint && parser->zone_number && has_named_zone(v, &zone))
		return read_zoned_endpoint(parser, v, zone);
	return key->read(&parser->change, v);
}

static int read_set_line(struct uapi_parser *parser, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	if (!equals)
		return EINVAL;
	struct value name = {line, (size_t)(equals - line)};
	struct value v = {equals + 1, len - name.len - 1};
	enum place present = parser->change.peer_count ? IN_PEER : BEFORE_PEERS;
	for (size_t i = 0; i < sizeof set_keys / sizeof *set_keys; i++) {
		const struct set_key *key = &set_keys[i];
		if (!value_is(name, key->name))
			continue;
		bool is_in_place = key->place == present || key->place == ANYWHERE;
		return is_in_place ? read_value(parser, key, v) : EINVAL;
	}
	return EINVAL;
}

/* After an error the lines are read on and mean nothing, up to the empty one. */
static void refuse_operation(struct uapi_parser *parser, int error)
{
	change_wipe(&parser->change);
	parser->error = error;
}

static enum uapi_verdict read_line(struct uapi_parser *parser, const char *line, size_t len)
{
	struct value whole = {line, len};
	switch (parser->state) {
	case UAPI_AT_OPERATION:
		if (value_is(whole, "get=1"))
			parser->state = UAPI_IN_GET;
		else if (value_is(whole, "set=1"))
			parser->state = UAPI_IN_SET;
		else
			return UAPI_VIOLATION;
		return UAPI_MORE;
	case UAPI_IN_GET: return len == 0 ? UAPI_GET : UAPI_VIOLATION;
	case UAPI_IN_SET: break;
	case UAPI_CLOSED: return UAPI_VIOLATION;
	}
	if (len == 0)
		return UAPI_SET;
	if (parser->error)
		return UAPI_MORE;
	bool is_too_long = parser->line_count++ == UAPI_LINES_MAX;
	int error = is_too_long ? ENOMEM : read_set_line(parser, line, len);
	if (error)
		refuse_operation(parser, error);
	return UAPI_MORE;
}

void uapi_init(struct uapi_parser *parser)
{
	*parser = (struct uapi_parser){.state = UAPI_AT_OPERATION};
	change_init(&parser->change);
	out_init(&parser->line, UAPI_LINE_MAX);
}

void uapi_wipe(struct uapi_parser *parser)
{
	change_wipe(&parser->change);
	out_wipe(&parser->line);
	uapi_init(parser);
}

static void begin_operation(struct uapi_parser *parser)
{
	change_wipe(&parser->change);
	parser->error = 0;
	parser->line_count = 0;
	parser->state = UAPI_AT_OPERATION;
}

enum uapi_verdict uapi_feed(struct uapi_parser *parser, const char *bytes, size_t len, size_t *used)
{
	enum uapi_verdict verdict = UAPI_MORE;
	if (parser->is_done)
		begin_operation(parser);
	*used = 0;
	while (verdict == UAPI_MORE && *used < len) {
		const char *rest = bytes + *used;
		const char *newline = memchr(rest, '\n', len - *used);
		size_t piece = newline ? (size_t)(newline - rest) : len - *used;
		out_add(&parser->line, rest, piece);
		*used += piece + (newline != NULL);
		if (parser->line.has_failed || parser->state == UAPI_CLOSED)
			verdict = UAPI_VIOLATION;
		else if (newline)
			verdict = read_line(parser, out_string(&parser->line), parser->line.len);
		if (newline)
			out_clear(&parser->line);
	}
	parser->is_done = verdict == UAPI_GET || verdict == UAPI_SET;
	if (verdict == UAPI_VIOLATION) {
		refuse_operation(parser, EINVAL);
		out_clear(&parser->line);
		parser->state = UAPI_CLOSED;
	}
	return verdict;
}
