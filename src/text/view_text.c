#include "text/view_text.h"

#include <stdlib.h>

#include "crypto/secret.h"
#include "text/addrtext.h"
#include "text/keytext.h"

void view_add_key(struct out *out, const uint8_t key[static DH_LEN])
{
	char text[KEYTEXT_BASE64_LEN + 1];
	keytext_write_base64(text, key);
	out_add_text(out, text);
	secret_wipe(text, sizeof text);
}

void view_add_endpoint(
	struct out *out, const struct endpoint *endpoint, const struct view_style *style)
{
	char text[ADDRTEXT_ENDPOINT_MAX];
	uint32_t scope = endpoint->scope_id;
	const char *zone = scope && style->zone_name ? style->zone_name(scope) : NULL;
	if (!zone) {
		addrtext_write_endpoint(text, endpoint);
		out_add_text(out, text);
		return;
	}
	addrtext_write_address(text, &endpoint->address);
	out_add_text(out, "[");
	out_add_text(out, text);
	out_add_text(out, "%");
	out_add_text(out, zone);
	out_add_text(out, "]:");
	out_add_decimal(out, endpoint->port);
}

void view_add_prefix(struct out *out, const struct ip_prefix *prefix)
{
	char text[ADDRTEXT_PREFIX_MAX];
	addrtext_write_prefix(text, prefix);
	out_add_text(out, text);
}

void view_add_mark(struct out *out, uint32_t mark)
{
	unsigned digits = 8;
	while (digits > 1 && !(mark >> (4 * (digits - 1))))
		digits--;
	out_add_text(out, "0x");
	while (digits--)
		out_add(out, &"0123456789abcdef"[mark >> (4 * digits) & 15], 1);
}

static bool has_later_handshake(const struct view_peer *a, const struct view_peer *b)
{
	return a->handshake_sec > b->handshake_sec ||
	       (a->handshake_sec == b->handshake_sec && a->handshake_nsec > b->handshake_nsec);
}

static int compare_peers(const void *first, const void *second)
{
	const struct view_peer *a = *(const struct view_peer *const *)first;
	const struct view_peer *b = *(const struct view_peer *const *)second;
	int order = has_later_handshake(b, a) - has_later_handshake(a, b);
	return order ? order : (a > b) - (a < b); /* both in one array */
}

const struct view_peer **view_sort_peers(const struct view *view)
{
	const struct view_peer **order = NULL;
	if (view->peer_count) /* pointers: sorting would leave copies of keys behind */
		order = calloc(view->peer_count, sizeof *order);
	if (!order)
		return NULL;
	for (size_t i = 0; i < view->peer_count; i++)
		order[i] = &view->peers[i];
	qsort(order, view->peer_count, sizeof *order, compare_peers);
	return order;
}
