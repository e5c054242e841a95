/*
 * What holds after a handshake: two keys, two indices, a send counter, a replay
 * window, an age. A session knows neither its peer nor the clock. It is pinned
 * while jobs that use its keys are out; whoever retires it frees it at the last
 * unpin. Keys lie in the secret arena.
 */
#ifndef ADIT_SESSION_SESSION_H
#define ADIT_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nanos.h"
#include "crypto/secret.h"
#include "noise/handshake.h"
#include "session/replay.h"

struct session {
	struct session *same_bucket; /* the device's table by remote index */
	struct session_keys *keys;   /* in the arena */
	uint32_t local_index;	     /* what the peer writes into data it sends us */
	uint32_t remote_index;
	enum key_exchange key_exchange; /* set by whoever created it */
	bool is_initiator;
	bool is_retired; /* in no key ring any more; freed when pins reaches 0 */
	bool is_void;	 /* nor does what its jobs bring count: not rotated out, but ended */
	nanos birth;
	uint64_t send_counter; /* the next to use */
	uint32_t pins;	       /* jobs out */
	struct replay_window replay;
};

/* Copies the keys into the arena. NULL when memory or arena is short. */
struct session *session_create(struct secret_arena *arena, const struct session_keys *keys,
	uint32_t local_index, uint32_t remote_index, bool is_initiator, nanos birth);

/* Wipes the keys and frees; pins must be 0. NULL is allowed. */
void session_destroy(struct session *session, struct secret_arena *arena);

/* Younger than Reject-After-Time and below Reject-After-Messages. */
bool session_can_send(const struct session *session, nanos boottime);
/* Younger than Reject-After-Time. Each counter is judged by the replay window. */
bool session_can_receive(const struct session *session, nanos boottime);

/* After sending: by messages for both roles, by time for the initiator [WP 6.2]. */
bool session_wants_rekey_on_send(const struct session *session, nanos boottime);
/* After receiving: the initiator, at Rekey-On-Receive-Time [WP 6.2]. */
bool session_wants_rekey_on_receive(const struct session *session, nanos boottime);

/*
 * Takes up to `count` counters in a row; the first is stored in *first. Returns
 * how many were left below Reject-After-Messages.
 */
uint32_t session_take_counters(struct session *session, uint32_t count, uint64_t *first);

#endif
