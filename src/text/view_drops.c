#include "text/view_print.h"

#include <stdlib.h>
#include <string.h>

#include "text/view_text.h"

#define NAME_WIDTH  16
#define COUNT_WIDTH 12

static void add_drop(struct out *out, enum drop_reason reason, uint64_t count)
{
	const char *name = drop_reason_name(reason);
	size_t digits = 1;
	for (uint64_t rest = count; rest >= 10; rest /= 10)
		digits++;
	out_add_text(out, "  ");
	out_add_text(out, name);
	out_add_repeated(out, ' ', NAME_WIDTH - strlen(name));
	out_add_repeated(out, ' ', digits < COUNT_WIDTH ? COUNT_WIDTH - digits : 0);
	out_add_decimal(out, count);
	out_add_text(out, "  ");
	out_add_text(out, drop_reason_meaning(reason));
	out_add_text(out, "\n");
}

static void add_drops(struct out *out, const struct drop_counters *drops)
{
	bool is_none = true;
	for (enum drop_reason reason = 0; reason < DROP_REASON_COUNT; reason++) {
		if (!drops->count[reason])
			continue;
		add_drop(out, reason, drops->count[reason]);
		is_none = false;
	}
	out_add_text(out, is_none ? "  (nothing was dropped)\n" : "");
}

void view_print_drops(struct out *out, const struct view *view, const struct view_style *style)
{
	const struct view_peer **peers = view_sort_peers(view);
	out_add_text(out, "interface: ");
	out_add_text(out, style->interface_name);
	out_add_text(out, "\n");
	add_drops(out, &view->drops);
	for (size_t i = 0; peers && i < view->peer_count; i++) {
		out_add_text(out, "\npeer: ");
		view_add_key(out, peers[i]->public_key.bytes);
		out_add_text(out, "\n");
		add_drops(out, &peers[i]->drops);
	}
	out->has_failed |= view->peer_count && !peers;
	free(peers);
}
