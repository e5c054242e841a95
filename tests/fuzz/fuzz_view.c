/* The answer of a control socket, which may be another program's, as `adit show` reads it. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "text/view_print.h"
#include "text/view_route.h"
#include "unit/json_strict.h"
#include "unit/short_memory.h"

#define PAGE_MAX (1u << 22)

static const struct view_style style = {
	.interface_name = "wg\"0", .now = 1700000000, .has_colours = true, .shows_keys = true};

static void print_json(struct out *out, const struct view *view)
{
	struct json_out json;
	const struct view_link link = {.is_known = true, .mtu = 1420};
	json_out_init(&json, out);
	json_out_begin_object(&json, NULL);
	view_print_json(&json, view, &link, &style);
	json_out_end_object(&json);
	REQUIRE(out->has_failed || json_is_right(out->bytes, out->len));
}

static void print_all(const struct view *view)
{
	struct out out;
	const struct view_link link = {0};
	out_init(&out, PAGE_MAX);
	view_print_pretty(&out, view, &style);
	REQUIRE(!out.has_failed && out.len > 0);
	out_clear(&out);
	view_print_drops(&out, view, &style);
	view_print_selected(&out, view, &style, view_selector_find("dump"), true);
	view_print_conf(&out, view, &link, &style);
	out_clear(&out);
	print_json(&out, view);
	out_wipe(&out);
}

/* The first entry is the longest that holds the address, or nothing does. */
static void find_route(const struct view *view)
{
	struct view_route route;
	const struct ip_address address = {IP_V4, {10, 0, 0, 9}};
	size_t holders = 0;
	REQUIRE(view_route_find(&route, view, &address));
	for (size_t i = 0; i < route.count; i++) {
		const struct view_route_entry *entry = &route.entries[i];
		bool holds = ip_prefix_contains(entry->prefix, &address);
		REQUIRE(!holds || entry->prefix->len <= route.entries[0].prefix->len);
		holders += holds;
	}
	REQUIRE(route.is_carried ? holders == route.count : !holders);
	view_route_free(&route);
}

FUZZ(view)
{
	struct view view;
	uint8_t memory = input_u8(in);
	short_memory_begin(memory < 64 ? memory + 1u : SIZE_MAX);
	bool is_parsed = view_parse(&view, (const char *)in->bytes, in->len);
	short_memory_end();
	if (is_parsed) {
		print_all(&view);
		find_route(&view);
	}
	view_wipe(&view);
}
