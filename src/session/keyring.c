#include "session/keyring.h"

/*
 * The response has proved that the peer holds the new keys, so we send with them
 * at once; what we sent with so far stays as previous, for packets under way.
 *
 * A session in `next` here means that both ends initiated at the same time. If
 * each preferred its own session, each would renew it as its initiator, and lose
 * what the other still sends with the third at every renewal. So one end gives
 * way: its `next` stays, and is current from the other's first packet on. The
 * other end keeps `next` as previous, for what is sent with it until then; its
 * old current session is older than either, and goes.
 */
struct keyring_retired keyring_add_initiated(
	struct keyring *ring, struct session *session, bool gives_way)
{
	bool demotes_next = ring->next && !gives_way;
	struct keyring_retired retired = {{ring->previous, demotes_next ? ring->current : NULL}};
	ring->previous = demotes_next ? ring->next : ring->current;
	ring->current = session;
	if (demotes_next)
		ring->next = NULL;
	return retired;
}

/*
 * The initiator may never get our answer, so nothing is sent under the new
 * session before it is confirmed: the current one stays. So does `previous`:
 * after both ends initiated at once, it is what the peer sends with until our
 * answer arrives. An older `next` was not used, and with this initiation its
 * initiator has given it up.
 */
struct keyring_retired keyring_add_responded(struct keyring *ring, struct session *session)
{
	struct keyring_retired retired = {{ring->next}};
	ring->next = session;
	return retired;
}

struct keyring_retired keyring_confirm(
	struct keyring *ring, const struct session *session, bool *confirmed)
{
	*confirmed = session == ring->next;
	if (!*confirmed)
		return (struct keyring_retired){{NULL}};
	struct keyring_retired retired = {{ring->previous}};
	ring->previous = ring->current;
	ring->current = ring->next;
	ring->next = NULL;
	return retired;
}

struct keyring_retired keyring_clear(struct keyring *ring)
{
	struct keyring_retired retired = {{ring->previous, ring->current, ring->next}};
	*ring = (struct keyring){NULL, NULL, NULL};
	return retired;
}

struct session *keyring_find(const struct keyring *ring, uint32_t local_index)
{
	struct session *const sessions[] = {ring->current, ring->next, ring->previous};
	for (int i = 0; i < KEYRING_SESSIONS; i++)
		if (sessions[i] && sessions[i]->local_index == local_index)
			return sessions[i];
	return NULL;
}
