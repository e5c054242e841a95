#include "device/change.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define FIRST_CAPACITY 8

void change_init(struct change *change)
{
	*change = (struct change){0};
}

void change_wipe(struct change *change)
{
	for (size_t i = 0; i < change->peer_count; i++)
		free(change->peers[i].allowed_ips);
	if (change->peers)
		secret_wipe(change->peers, change->peer_capacity * sizeof *change->peers);
	free(change->peers);
	secret_wipe(change, sizeof *change);
	change_init(change);
}

/*
 * Makes room for one item more. Not by realloc, which would leave keys behind in
 * the old place: that one is wiped here. NULL: no memory, and nothing changed.
 */
static void *grow(void *array, size_t count, size_t *capacity, size_t item_len)
{
	if (count < *capacity)
		return array;
	size_t larger = *capacity ? 2 * *capacity : FIRST_CAPACITY;
	void *copy = calloc(larger, item_len);
	if (!copy)
		return NULL;
	if (array) {
		memcpy(copy, array, count * item_len);
		secret_wipe(array, count * item_len);
		free(array);
	}
	*capacity = larger;
	return copy;
}

struct change_peer *change_add_peer(struct change *change, const struct public_key *key)
{
	if (change->peer_count == CHANGE_PEERS_MAX)
		return NULL;
	struct change_peer *peers = grow(
		change->peers, change->peer_count, &change->peer_capacity, sizeof *change->peers);
	if (!peers)
		return NULL;
	change->peers = peers;
	struct change_peer *peer = &peers[change->peer_count++];
	*peer = (struct change_peer){.public_key = *key};
	return peer;
}

bool change_peer_add_allowed_ip(
	struct change_peer *peer, const struct ip_prefix *prefix, bool remove)
{
	if (peer->allowed_ip_count == CHANGE_ALLOWED_IPS_MAX)
		return false;
	struct change_allowed_ip *ips = grow(peer->allowed_ips, peer->allowed_ip_count,
		&peer->allowed_ip_capacity, sizeof *peer->allowed_ips);
	if (!ips)
		return false;
	peer->allowed_ips = ips;
	ips[peer->allowed_ip_count++] = (struct change_allowed_ip){*prefix, remove};
	return true;
}
