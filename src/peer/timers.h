/*
 * The five timers of a peer [WP 6, kernel timers.c] as absolute deadlines:
 *
 *   retry          Rekey-Timeout + jitter after an initiation: send it again, or
 *                  give up Rekey-Attempt-Time after the first of the attempt
 *   keepalive      Keepalive-Timeout after data came in and nothing went out
 *   new handshake  Keepalive- + Rekey-Timeout + jitter after data went out and
 *                  nothing came in
 *   erase          three times Reject-After-Time after the last session was made
 *   persistent     the interval of PersistentKeepalive after any authentic packet
 *
 * One function per protocol event sets them; timers_take_due tells what is due.
 * Pure: the time and the jitter come from outside.
 */
#ifndef ADIT_PEER_TIMERS_H
#define ADIT_PEER_TIMERS_H

#include <stdbool.h>

#include "base/nanos.h"
#include "noise/limits.h"

enum timer {
	TIMER_RETRY,
	TIMER_KEEPALIVE,
	TIMER_NEW_HANDSHAKE,
	TIMER_ERASE,
	TIMER_PERSISTENT,
	TIMER_COUNT
};

struct timers {
	nanos deadline[TIMER_COUNT]; /* NANOS_NEVER: not armed */
	nanos attempt_began;	     /* the attempt's first initiation; NANOS_NEVER: no attempt */
	nanos last_handshake;	     /* initiation or response sent by us; NANOS_NEVER: none yet */
	nanos persistent_interval;   /* 0: off */
};

void timers_init(struct timers *timers);

/* Disarms all and forgets what was, the last initiation too; the persistent interval stays. */
void timers_stop(struct timers *timers);

nanos timers_next(const struct timers *timers);

/* true once when `timer` is due at `boottime`: it is then disarmed. */
bool timers_take_due(struct timers *timers, enum timer timer, nanos boottime);

/* An attempt is under way: initiations go out until it completes or gives up. */
bool timers_has_attempt(const struct timers *timers);

/* At least Rekey-Timeout since our last initiation or response. */
bool timers_can_initiate(const struct timers *timers, nanos boottime);

/* The attempt's Rekey-Attempt-Time is over at `boottime`. */
bool timers_attempt_is_over(const struct timers *timers, nanos boottime);

/* Begins an attempt if there is none. */
void timers_on_initiation_sent(struct timers *timers, nanos boottime, nanos jitter);

/* A response counts for Rekey-Timeout too: the session that it makes is not renewed at once. */
void timers_on_response_sent(struct timers *timers, nanos boottime);

/*
 * An initiation is wanted but too soon after the last: opens an attempt whose
 * first one is due as soon as it may be. Nothing if an attempt is under way.
 */
void timers_on_initiation_postponed(struct timers *timers, nanos boottime);

/* No attempt any more: it completed or gave up. */
void timers_on_attempt_ended(struct timers *timers);

void timers_on_session_derived(struct timers *timers, nanos boottime);

/* A packet with content went out or came in (a keepalive has none). */
void timers_on_data_sent(struct timers *timers, nanos boottime, nanos jitter);
void timers_on_data_received(struct timers *timers, nanos boottime);

/* Any authentic packet: data, keepalive, handshake. */
void timers_on_authentic_sent(struct timers *timers, nanos boottime);
void timers_on_authentic_received(struct timers *timers, nanos boottime);

#endif
