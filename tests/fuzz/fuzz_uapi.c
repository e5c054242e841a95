/*
 * The control socket: bytes in pieces mean the same as bytes at once, one operation or
 * many after another, what was understood can be written and read again, and a device
 * takes it. Nothing follows on what is not this protocol.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "fuzz/change_text.h"
#include "text/uapi.h"
#include "text/view.h"
#include "unit/tunnel.h"

#define OPERATIONS_MAX 64
#define TEXT_MAX       (1u << 20)

/* A device that carries out what was asked; its answer to get=1 can be read. */
struct server {
	struct end end;
	struct now now;
};

static void answer(struct server *s)
{
	struct out out;
	struct view view;
	const struct uapi_link link = {.listen_port = 51820};
	out_init(&out, TEXT_MAX);
	uapi_format_get(&out, s->end.device, &link);
	REQUIRE(!out.has_failed);
	REQUIRE(view_parse(&view, out.bytes, out.len));
	REQUIRE(view.peer_count == device_peer_count(s->end.device) && view.error == 0);
	REQUIRE(view.has_private_key == (device_public_key(s->end.device) != NULL));
	view_wipe(&view);
	out_wipe(&out);
}

static void apply(struct server *s, const struct change *change)
{
	struct device_send send;
	bool is_applied = device_apply(s->end.device, change, &s->now);
	REQUIRE(device_peer_count(s->end.device) == 0 || is_applied ||
		change->peer_count > TUNNEL_ARENA / 256);
	while (device_take_send(s->end.device, &send))
		burst_pool_put(&s->end.pool, send.burst);
}

/* The next operation, in pieces of `piece` bytes; *used of all. */
static enum uapi_verdict feed(
	struct uapi_parser *parser, const char *text, size_t len, size_t piece, size_t *used)
{
	enum uapi_verdict verdict = UAPI_MORE;
	*used = 0;
	while (verdict == UAPI_MORE && *used < len) {
		size_t part = len - *used < piece ? len - *used : piece, part_used;
		verdict = uapi_feed(parser, text + *used, part, &part_used);
		REQUIRE(part_used <= part && (verdict != UAPI_MORE || part_used == part));
		*used += part_used;
	}
	return verdict;
}

static unsigned zone_number(const char *name)
{
	REQUIRE(name[0] && strlen(name) < 16);
	return strcmp(name, "eth0") ? 0 : 4;
}

/* Pieces that each begin where the last one ended, in the midst of other operations. */
static void require_the_same_in_pieces(const char *text, size_t len, size_t piece)
{
	struct uapi_parser whole, pieces;
	enum uapi_verdict all, parts;
	size_t at = 0, at_pieces = 0, used;
	uapi_init(&whole);
	uapi_init(&pieces);
	for (int i = 0; i < OPERATIONS_MAX && at < len; i++) {
		all = uapi_feed(&whole, text + at, len - at, &used);
		at += used;
		do {
			size_t room = piece - at_pieces % piece; /* a read ends where it ends */
			size_t part = len - at_pieces < room ? len - at_pieces : room;
			parts = uapi_feed(&pieces, text + at_pieces, part, &used);
			at_pieces += used;
		} while (parts == UAPI_MORE && at_pieces < len);
		REQUIRE(all == parts && whole.error == pieces.error);
		REQUIRE(all == UAPI_VIOLATION || at == at_pieces);
		if (all == UAPI_VIOLATION)
			break;
		change_require_same(&whole.change, &pieces.change);
	}
	uapi_wipe(&whole);
	uapi_wipe(&pieces);
}

static void require_closed(struct uapi_parser *parser)
{
	static const char next[] = "get=1\n\n";
	size_t used;
	REQUIRE(uapi_feed(parser, next, strlen(next), &used) == UAPI_VIOLATION);
	change_require_same(&parser->change, &(struct change){.peer_count = 0});
}

FUZZ(uapi)
{
	struct uapi_parser whole, pieces;
	struct server s = {.now = {NANOS_PER_SECOND, NANOS_PER_SECOND}};
	size_t piece = (size_t)input_u8(in) + 1;
	const char *text = (const char *)in->bytes;
	REQUIRE(end_init(&s.end, 1, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	device_set_link(s.end.device, true, &s.now);
	require_the_same_in_pieces(text, in->len, piece);
	uapi_init(&whole);
	uapi_init(&pieces);
	whole.zone_number = pieces.zone_number = zone_number;
	for (int i = 0; i < OPERATIONS_MAX && in->len; i++) {
		size_t used, pieces_used;
		enum uapi_verdict verdict = feed(&whole, text, in->len, SIZE_MAX, &used);
		REQUIRE(feed(&pieces, text, in->len, piece, &pieces_used) == verdict);
		if (verdict == UAPI_VIOLATION)
			require_closed(&whole);
		if (verdict == UAPI_VIOLATION || verdict == UAPI_MORE)
			break;
		REQUIRE(used == pieces_used && whole.error == pieces.error);
		change_require_same(&whole.change, &pieces.change);
		if (whole.error)
			change_require_same(&whole.change, &(struct change){.peer_count = 0});
		if (verdict == UAPI_SET && whole.error == 0) {
			change_require_round_trip(&whole.change);
			apply(&s, &whole.change);
		}
		answer(&s);
		text += used;
		in->len -= used;
	}
	uapi_wipe(&whole);
	uapi_wipe(&pieces);
	end_wipe(&s.end);
}
