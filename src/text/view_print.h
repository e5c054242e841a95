/*
 * A view as text: for people and programs as wg(8) prints it, as JSON, as a
 * configuration file, and what was dropped and why. Pure: what only the system
 * knows, the time, names of zones, the link, is handed in.
 *
 * All of them only write into `out`, which has failed at the end if memory was
 * short. What they write may hold keys; out_wipe overwrites it.
 */
#ifndef ADIT_TEXT_VIEW_PRINT_H
#define ADIT_TEXT_VIEW_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/json_out.h"
#include "text/out.h"
#include "text/view.h"

struct view_style {
	const char *interface_name;
	uint64_t now; /* seconds since the epoch */
	bool has_colours;
	bool shows_keys; /* secret ones, instead of "(hidden)" or nothing */
	/* The name of a link-local address's zone; NULL, or what returns NULL: the number. */
	const char *(*zone_name)(uint32_t scope_id);
};

/* What the kernel knows of the interface; zeros: not known. */
struct view_link {
	bool is_known, is_up;
	uint32_t mtu;
	struct ip_prefix *addresses; /* with their host bits; whose owner is who filled it in */
	size_t address_count;
};

/* The layout, and the colours, of `wg show NAME`. */
void view_print_pretty(struct out *out, const struct view *view, const struct view_style *style);

/* A table of what was dropped, how often and why, for the interface and each peer. */
void view_print_drops(struct out *out, const struct view *view, const struct view_style *style);

/*
 * What `wg show NAME SELECTOR` prints, secret keys included if the selector is for
 * them; with each line begun by the interface's name as in `wg show all SELECTOR`,
 * if `is_one_of_all`. view_selector_find before that: -1: there is no such selector.
 */
int view_selector_find(const char *name);
void view_print_selected(struct out *out, const struct view *view, const struct view_style *style,
	int selector, bool is_one_of_all);

/* The names of all selectors, with a blank between them. */
void view_print_selectors(struct out *out);

/*
 * One member of the object that is being written: the interface's name, and what
 * wg-json has of it, and our own additions [adit(8)]. Secret keys only if
 * style->shows_keys.
 */
void view_print_json(struct json_out *json, const struct view *view, const struct view_link *link,
	const struct view_style *style);

/* What `wg showconf NAME` prints, with Address and MTU, if the link is known. */
void view_print_conf(struct out *out, const struct view *view, const struct view_link *link,
	const struct view_style *style);

#endif
