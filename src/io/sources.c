#include "io/sources.h"

static const struct peer *next_peer(const struct sources_walk *walk, const struct device *device)
{
	const struct peer *last = walk->has_begun ? device_find_peer(device, &walk->last) : NULL;
	return last ? last->next : device_first_peer(device);
}

static bool has_source(const struct endpoint *endpoint)
{
	return endpoint->source.family != IP_NONE &&
	       endpoint->source.family == endpoint->address.family;
}

void sources_collect(
	struct sources_walk *walk, const struct device *device, struct message_sources *out)
{
	const struct peer *peer = next_peer(walk, device);
	*out = (struct message_sources){0};
	for (int steps = 0; peer && steps < SOURCES_STEPS_MAX && out->count < MESSAGES_SOURCES_MAX;
		steps++, peer = peer->next) {
		walk->last = peer->public_key;
		walk->has_begun = true;
		if (!has_source(&peer->endpoint))
			continue;
		out->items[out->count++] = (struct message_source){
			.peer = peer->public_key, .endpoint = peer->endpoint};
	}
	out->is_last = !peer;
	if (out->is_last)
		*walk = (struct sources_walk){0};
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_is_same_remote(a, b) && ip_address_is_equal(&a->source, &b->source) &&
	       a->source_ifindex == b->source_ifindex;
}

void sources_forget(struct device *device, const struct message_sources *wrong)
{
	for (uint32_t i = 0; i < wrong->count; i++) {
		const struct message_source *item = &wrong->items[i];
		const struct peer *peer = device_find_peer(device, &item->peer);
		if (peer && is_same(&peer->endpoint, &item->endpoint))
			device_on_send_error(device, &item->peer); /* as it would have been */
	}
}
