#include "io/handover.h"

#include <string.h>

size_t handover_put(struct to_engine *message, const struct udp_sockets *sockets,
	int fds[static UDP_SOCKETS_MAX])
{
	size_t fd_count = 0;
	message->sockets.port = sockets->port;
	message->sockets.count = sockets->count;
	message->sockets.has_handshakes = 0;
	memcpy(message->sockets.places, sockets->places, sizeof sockets->places);
	for (uint32_t i = 0; i < sockets->count; i++) {
		const struct udp_pair *pair = &sockets->pairs[i];
		fds[fd_count++] = pair->data;
		if (pair->handshakes < 0)
			continue;
		fds[fd_count++] = pair->handshakes;
		message->sockets.has_handshakes |= 1u << i;
	}
	return fd_count;
}

void handover_take(struct udp_sockets *sockets, const struct to_engine *message, const int *fds)
{
	*sockets = (struct udp_sockets){
		.count = message->sockets.count, .port = message->sockets.port};
	memcpy(sockets->places, message->sockets.places, sizeof sockets->places);
	for (uint32_t i = 0; i < sockets->count; i++) {
		bool has_own = message->sockets.has_handshakes >> i & 1;
		sockets->pairs[i].data = *fds++;
		sockets->pairs[i].handshakes = has_own ? *fds++ : -1;
	}
}
