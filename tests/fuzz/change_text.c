#include "fuzz/change_text.h"

#include <string.h>

#include "fuzz/fuzz.h"
#include "text/uapi.h"

#define TEXT_MAX (1u << 24)

static void write_change(struct out *out, const struct change *change)
{
	out_init(out, TEXT_MAX);
	uapi_format_set(out, change);
	REQUIRE(!out->has_failed);
}

void change_require_same(const struct change *a, const struct change *b)
{
	struct out text_a, text_b;
	write_change(&text_a, a);
	write_change(&text_b, b);
	REQUIRE(text_a.len == text_b.len);
	REQUIRE(!memcmp(text_a.bytes, text_b.bytes, text_a.len));
	out_wipe(&text_a);
	out_wipe(&text_b);
}

void change_require_round_trip(const struct change *change)
{
	struct uapi_parser parser;
	struct out text;
	size_t used;
	write_change(&text, change);
	uapi_init(&parser);
	REQUIRE(uapi_feed(&parser, text.bytes, text.len, &used) == UAPI_SET);
	REQUIRE(used == text.len && parser.error == 0);
	change_require_same(change, &parser.change);
	uapi_wipe(&parser);
	out_wipe(&text);
}
