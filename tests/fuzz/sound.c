#include "fuzz/sound.h"

#include "device/intake.h"
#include "fuzz/fuzz.h"

static size_t count_indices(const struct peer *peer)
{
	const struct keyring *ring = &peer->keyring;
	size_t count = 0;
	count += ring->previous != NULL;
	count += ring->current != NULL;
	count += ring->next != NULL;
	count += peer->pending != NULL;
	return count;
}

void require_sound(const struct end *end)
{
	const struct device *d = end->device;
	size_t indices = 0, sessions = 0, staged_bytes = 0, staged_count = 0;
	for (const struct peer *peer = d->peers.first; peer; peer = peer->next) {
		indices += count_indices(peer);
		sessions += count_indices(peer) - (peer->pending != NULL);
		REQUIRE(peer->pins == 0 && peer->staged.count <= STAGED_PACKETS_MAX);
		for (const struct staged_packet *p = peer->staged.first; p; p = p->next)
			staged_bytes += p->len, staged_count++;
		REQUIRE(deadline_heap_next(&d->deadlines) <= timers_next(&peer->timers));
	}
	REQUIRE(d->indices.count == indices && d->staged_bytes == staged_bytes);
	REQUIRE(d->remotes.count == sessions);
	for (const struct staged_packet *p = d->staged_oldest; p; p = p->newer)
		staged_count--;
	REQUIRE(staged_count == 0);
	REQUIRE(d->backlog.count <= BACKLOG_MAX);
	REQUIRE(intake_is_waiting(d) == (d->backlog.count > 0));
	REQUIRE(!intake_is_waiting(d) || device_deadline(d) == 0);
	REQUIRE(!d->jobs.first && !d->sends.first && !d->inner.first && end->pool.bytes_out == 0);
}
