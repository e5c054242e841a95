/*
 * The key ring: which sessions of a peer are alive [WP 6.3, kernel]. We send
 * with `current`, receive with all three. `next` is a session that we answered
 * as responder and that the initiator has not used yet: it becomes current with
 * its first authentic packet (key confirmation), never before.
 *
 * Each function hands the sessions that fell out to the caller in `retired`
 * (unused entries NULL), who takes their indices out of the table and frees them.
 */
#ifndef ADIT_SESSION_KEYRING_H
#define ADIT_SESSION_KEYRING_H

#include "session/session.h"

#define KEYRING_SESSIONS 3

struct keyring {
	struct session *previous, *current, *next;
};

struct keyring_retired {
	struct session *sessions[KEYRING_SESSIONS];
};

/*
 * We were the initiator: the session is confirmed and becomes current at once.
 * If both ends initiated at the same time, exactly one of them `gives_way`: the
 * session that the other one initiated is the one that both will use.
 */
struct keyring_retired keyring_add_initiated(
	struct keyring *ring, struct session *session, bool gives_way);

/* We were the responder: the session becomes next. */
struct keyring_retired keyring_add_responded(struct keyring *ring, struct session *session);

/* An authentic packet came in on `session`; *confirmed tells whether it was `next`. */
struct keyring_retired keyring_confirm(
	struct keyring *ring, const struct session *session, bool *confirmed);

/* Empties the ring. */
struct keyring_retired keyring_clear(struct keyring *ring);

/* The session of the ring with this local index, or NULL. */
struct session *keyring_find(const struct keyring *ring, uint32_t local_index);

#endif
