#include "peer/peer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct peer *peer_create(struct secret_arena *arena, const struct public_key *key)
{
	struct peer *peer = calloc(1, sizeof *peer);
	if (!peer)
		return NULL;
	peer->remote = secret_alloc(arena, sizeof *peer->remote);
	if (!peer->remote) {
		free(peer);
		return NULL;
	}
	peer->public_key = *key;
	timers_init(&peer->timers);
	cookie_jar_init(&peer->cookie_jar);
	return peer;
}

void peer_destroy(struct peer *peer, struct secret_arena *arena)
{
	if (!peer)
		return;
	assert(peer->pins == 0 && !peer->allowed_ips);
	assert(!peer->keyring.previous && !peer->keyring.current && !peer->keyring.next);
	for (struct staged_packet *packet; (packet = staged_pop(&peer->staged));)
		free(packet);
	secret_free(arena, peer->pending, sizeof *peer->pending);
	secret_free(arena, peer->remote, sizeof *peer->remote);
	secret_wipe(&peer->cookie_jar, sizeof peer->cookie_jar);
	free(peer);
}

bool staged_push(struct staged_queue *queue, const uint8_t *packet, uint32_t len)
{
	struct staged_packet *staged = malloc(sizeof *staged + len);
	if (!staged)
		return false;
	staged->next = NULL;
	staged->len = len;
	memcpy(staged->bytes, packet, len);
	if (queue->last)
		queue->last->next = staged;
	else
		queue->first = staged;
	queue->last = staged;
	queue->count++;
	return true;
}

struct staged_packet *staged_pop(struct staged_queue *queue)
{
	struct staged_packet *staged = queue->first;
	if (!staged)
		return NULL;
	queue->first = staged->next;
	if (!queue->first)
		queue->last = NULL;
	queue->count--;
	return staged;
}
