/* The answer of a control socket, which may be another program's, as `adit show` reads it. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "text/view.h"
#include "unit/short_memory.h"

#define PAGE_MAX (1u << 22)

FUZZ(view)
{
	struct view view;
	struct out out;
	uint8_t memory = input_u8(in);
	short_memory_begin(memory < 64 ? memory + 1u : SIZE_MAX);
	bool is_parsed = view_parse(&view, (const char *)in->bytes, in->len);
	short_memory_end();
	if (is_parsed) {
		out_init(&out, PAGE_MAX);
		view_render_pretty(&out, &view, "wg0", 1700000000);
		REQUIRE(!out.has_failed && out.len > 0);
		out_wipe(&out);
	}
	view_wipe(&view);
}
