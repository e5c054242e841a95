#include "session/session.h"

#include <assert.h>
#include <stdlib.h>

struct session *session_create(struct secret_arena *arena, const struct session_keys *keys,
	uint32_t local_index, uint32_t remote_index, bool is_initiator, nanos birth)
{
	struct session *session = calloc(1, sizeof *session);
	if (!session)
		return NULL;
	session->keys = secret_alloc(arena, sizeof *session->keys);
	if (!session->keys) {
		free(session);
		return NULL;
	}
	*session->keys = *keys;
	session->local_index = local_index;
	session->remote_index = remote_index;
	session->is_initiator = is_initiator;
	session->birth = birth;
	replay_init(&session->replay);
	return session;
}

void session_destroy(struct session *session, struct secret_arena *arena)
{
	if (!session)
		return;
	assert(session->pins == 0);
	secret_free(arena, session->keys, sizeof *session->keys);
	free(session);
}

static bool has_reached_age(const struct session *session, nanos age, nanos boottime)
{
	return nanos_is_due(nanos_add(session->birth, age), boottime);
}

bool session_can_send(const struct session *session, nanos boottime)
{
	return session->send_counter < REJECT_AFTER_MESSAGES &&
	       !has_reached_age(session, REJECT_AFTER_TIME, boottime);
}

bool session_can_receive(const struct session *session, nanos boottime)
{
	return !has_reached_age(session, REJECT_AFTER_TIME, boottime);
}

/*
 * By time only the initiator renews: if both did, both would do it at the same
 * moment, each time. By messages each must see to it, for each only knows how
 * many it has sent itself.
 */
bool session_wants_rekey_on_send(const struct session *session, nanos boottime)
{
	return session->send_counter >= REKEY_AFTER_MESSAGES ||
	       (session->is_initiator && has_reached_age(session, REKEY_AFTER_TIME, boottime));
}

bool session_wants_rekey_on_receive(const struct session *session, nanos boottime)
{
	return session->is_initiator && has_reached_age(session, REKEY_ON_RECEIVE_TIME, boottime);
}

uint32_t session_take_counters(struct session *session, uint32_t count, uint64_t *first)
{
	assert(session->send_counter <= REJECT_AFTER_MESSAGES);
	uint64_t left = REJECT_AFTER_MESSAGES - session->send_counter;
	uint32_t taken = left < count ? (uint32_t)left : count;
	*first = session->send_counter;
	session->send_counter += taken;
	return taken;
}
