/*
 * Inside the view's writers only: the pieces that several of them write alike.
 * Secret keys are wiped from where they pass.
 */
#ifndef ADIT_TEXT_VIEW_TEXT_H
#define ADIT_TEXT_VIEW_TEXT_H

#include "text/out.h"
#include "text/view_print.h"

/* In base64. */
void view_add_key(struct out *out, const uint8_t key[static DH_LEN]);

/* As wg(8) writes it: IPv6 in brackets, a zone by its name. One that is known. */
void view_add_endpoint(
	struct out *out, const struct endpoint *endpoint, const struct view_style *style);

void view_add_prefix(struct out *out, const struct ip_prefix *prefix);

/* "0x" and hexadecimal digits. */
void view_add_mark(struct out *out, uint32_t mark);

/*
 * The peers as wg(8) sorts them for people: the latest handshake first, else in
 * the order of the answer. To be freed; NULL: no memory, or no peers.
 */
const struct view_peer **view_sort_peers(const struct view *view);

#endif
