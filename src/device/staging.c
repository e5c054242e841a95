#include "device/staging.h"

#include <stdlib.h>

static void link_newest(struct device *d, struct staged_packet *packet)
{
	packet->older = d->staged_newest;
	packet->newer = NULL;
	if (d->staged_newest)
		d->staged_newest->newer = packet;
	else
		d->staged_oldest = packet;
	d->staged_newest = packet;
}

static void unlink_packet(struct device *d, struct staged_packet *packet)
{
	if (packet->older)
		packet->older->newer = packet->newer;
	else
		d->staged_oldest = packet->newer;
	if (packet->newer)
		packet->newer->older = packet->older;
	else
		d->staged_newest = packet->older;
}

struct staged_packet *staging_pop(struct device *d, struct peer *peer)
{
	struct staged_packet *packet = staged_pop(&peer->staged);
	if (!packet)
		return NULL;
	unlink_packet(d, packet);
	d->staged_bytes -= packet->len;
	return packet;
}

static void drop_oldest(struct device *d, struct peer *peer, enum drop_reason reason)
{
	free(staging_pop(d, peer));
	device_drop(d, peer, reason, 1);
}

void staging_push(struct device *d, struct peer *peer, const uint8_t *packet, uint32_t len)
{
	struct staged_queue *queue = &peer->staged;
	if (len > d->staged_bytes_max) {
		device_drop(d, peer, DROP_NO_MEMORY, 1);
		return;
	}
	if (queue->count == STAGED_PACKETS_MAX)
		drop_oldest(d, peer, DROP_STAGED_FULL);
	/* The oldest of all is its peer's oldest, too. */
	while (len > d->staged_bytes_max - d->staged_bytes)
		drop_oldest(d, d->staged_oldest->peer, DROP_NO_MEMORY);
	if (!staged_push(queue, packet, len)) {
		device_drop(d, peer, DROP_NO_MEMORY, 1);
		return;
	}
	queue->last->peer = peer;
	link_newest(d, queue->last);
	d->staged_bytes += len;
}

void staging_drop(struct device *d, struct peer *peer, enum drop_reason reason)
{
	device_drop(d, peer, reason, peer->staged.count);
	for (struct staged_packet *packet; (packet = staging_pop(d, peer)); free(packet))
		;
}
