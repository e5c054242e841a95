#include "io/messages.h"

#include <string.h>

#include "io/channel.h"

_Static_assert(sizeof(struct to_hooks) <= CHANNEL_MESSAGE_MAX, "the largest message");

static bool has_end(const char *text, size_t size)
{
	return memchr(text, 0, size) != NULL;
}

_Static_assert(UDP_SOCKETS_MAX <= CHANNEL_FDS_MAX, "all of them at once");

static bool sockets_are_valid(const struct to_engine *message, size_t fd_count)
{
	uint32_t count = message->sockets.count, own = message->sockets.has_handshakes;
	if (count > UDP_PLACES_MAX || own >> count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!ip_family_bits(message->sockets.places[i].address.family))
			return false;
		fd_count -= 1 + (own >> i & 1); /* below zero is far too many */
	}
	return fd_count == 0 && (message->sockets.error != 0) == !count;
}

static bool sources_are_valid(const struct message_sources *sources)
{
	if (sources->is_last > 1 || sources->count > MESSAGES_SOURCES_MAX)
		return false;
	for (uint32_t i = 0; i < sources->count; i++) {
		const struct endpoint *endpoint = &sources->items[i].endpoint;
		if (!ip_family_bits(endpoint->address.family) ||
			endpoint->source.family != endpoint->address.family)
			return false;
	}
	return true;
}

bool to_engine_is_valid(const struct to_engine *message, size_t fd_count)
{
	switch (message->kind) {
	case TO_ENGINE_START:
		return message->start.mtu <= UINT16_MAX && message->start.stamps.is_limited <= 1 &&
		       tuning_is_valid(&message->start.tuning) && fd_count == 1;
	case TO_ENGINE_SOCKETS: return sockets_are_valid(message, fd_count);
	case TO_ENGINE_CONTROL: return message->control.is_own <= 1 && fd_count == 1;
	case TO_ENGINE_LINK: return message->link.mtu <= UINT16_MAX && fd_count == 0;
	case TO_ENGINE_STAMPS: return message->stamps.is_limited <= 1 && fd_count == 0;
	case TO_ENGINE_TUNING: return tuning_is_valid(&message->tuning) && fd_count == 0;
	case TO_ENGINE_ROUTES: return sources_are_valid(&message->sources) && fd_count == 0;
	case TO_ENGINE_PING: return fd_count == 0;
	default: return false;
	}
}

bool from_engine_is_valid(const struct from_engine *message, size_t fd_count)
{
	if (message->kind == FROM_ENGINE_SOURCES && !sources_are_valid(&message->sources))
		return false;
	return message->kind >= FROM_ENGINE_NEED_SOCKETS &&
	       message->kind <= FROM_ENGINE_LAST_STAMP && fd_count == 0;
}

bool to_resolver_is_valid(const struct to_resolver *message, size_t fd_count)
{
	return message->kind == TO_RESOLVER_RESOLVE && fd_count == 0 &&
	       has_end(message->host, sizeof message->host) &&
	       has_end(message->port, sizeof message->port);
}

bool from_resolver_is_valid(const struct from_resolver *message, size_t fd_count)
{
	if (message->kind != FROM_RESOLVER_RESOLVED || fd_count != 0 ||
		message->count > MESSAGES_ENDPOINTS_MAX)
		return false;
	for (uint32_t i = 0; i < message->count; i++)
		if (!ip_family_bits(message->endpoints[i].address.family))
			return false;
	return message->error ? message->count == 0 : message->count > 0;
}

bool to_hooks_is_valid(const struct to_hooks *message, size_t fd_count)
{
	return message->kind == TO_HOOKS_RUN && fd_count == 0 && message->phase >= HOOK_PRE_UP &&
	       message->phase <= HOOK_POST_DOWN &&
	       has_end(message->command, sizeof message->command);
}

bool from_hooks_is_valid(const struct from_hooks *message, size_t fd_count)
{
	return message->kind == FROM_HOOKS_DONE && fd_count == 0;
}

bool to_dns_is_valid(const struct to_dns *message, size_t fd_count)
{
	if (message->kind != TO_DNS_SET || fd_count != 0 || message->takes_all > 1 ||
		message->server_count > MESSAGES_SERVERS_MAX ||
		!has_end(message->interface, sizeof message->interface) || !message->interface[0] ||
		!has_end(message->search, sizeof message->search))
		return false;
	for (uint32_t i = 0; i < message->server_count; i++)
		if (!ip_family_bits(message->servers[i].family))
			return false;
	return true;
}

bool from_dns_is_valid(const struct from_dns *message, size_t fd_count)
{
	return message->kind == FROM_DNS_DONE && fd_count == 0 &&
	       has_end(message->text, sizeof message->text);
}
