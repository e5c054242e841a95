#include "peer/timers.h"

static void arm(struct timers *timers, enum timer timer, nanos deadline)
{
	timers->deadline[timer] = deadline;
}

static void disarm(struct timers *timers, enum timer timer)
{
	timers->deadline[timer] = NANOS_NEVER;
}

static bool is_armed(const struct timers *timers, enum timer timer)
{
	return timers->deadline[timer] != NANOS_NEVER;
}

void timers_init(struct timers *timers)
{
	*timers = (struct timers){
		.attempt_began = NANOS_NEVER,
		.last_handshake = NANOS_NEVER,
	};
	for (int i = 0; i < TIMER_COUNT; i++)
		disarm(timers, (enum timer)i);
}

void timers_stop(struct timers *timers)
{
	nanos interval = timers->persistent_interval;
	timers_init(timers);
	timers->persistent_interval = interval;
}

nanos timers_next(const struct timers *timers)
{
	nanos next = NANOS_NEVER;
	for (int i = 0; i < TIMER_COUNT; i++)
		next = nanos_min(next, timers->deadline[i]);
	return next;
}

bool timers_take_due(struct timers *timers, enum timer timer, nanos boottime)
{
	if (!nanos_is_due(timers->deadline[timer], boottime))
		return false;
	disarm(timers, timer);
	return true;
}

bool timers_has_attempt(const struct timers *timers)
{
	return timers->attempt_began != NANOS_NEVER;
}

/* When the next initiation may go out; 0 before the first. */
static nanos earliest_initiation(const struct timers *timers)
{
	return timers->last_handshake == NANOS_NEVER
		       ? 0
		       : nanos_add(timers->last_handshake, REKEY_TIMEOUT);
}

static nanos attempt_end(const struct timers *timers)
{
	return nanos_add(timers->attempt_began, REKEY_ATTEMPT_TIME);
}

bool timers_can_initiate(const struct timers *timers, nanos boottime)
{
	return boottime >= earliest_initiation(timers);
}

bool timers_attempt_is_over(const struct timers *timers, nanos boottime)
{
	return nanos_is_due(attempt_end(timers), boottime);
}

/*
 * The last wait is cut short at the attempt's end, so that giving up is on time
 * and no initiation leaves after it, whatever the jitter was.
 */
void timers_on_initiation_sent(struct timers *timers, nanos boottime, nanos jitter)
{
	if (!timers_has_attempt(timers))
		timers->attempt_began = boottime;
	timers->last_handshake = boottime;
	nanos retry = nanos_add(boottime, REKEY_TIMEOUT + jitter);
	arm(timers, TIMER_RETRY, nanos_min(retry, attempt_end(timers)));
}

void timers_on_response_sent(struct timers *timers, nanos boottime)
{
	timers->last_handshake = boottime;
}

/* An attempt under way keeps its beginning: or it would never give up under steady traffic. */
void timers_on_initiation_postponed(struct timers *timers, nanos boottime)
{
	if (timers_has_attempt(timers))
		return;
	timers->attempt_began = boottime;
	nanos earliest = earliest_initiation(timers);
	arm(timers, TIMER_RETRY, earliest > boottime ? earliest : boottime);
}

void timers_on_attempt_ended(struct timers *timers)
{
	timers->attempt_began = NANOS_NEVER;
	disarm(timers, TIMER_RETRY);
}

void timers_on_session_derived(struct timers *timers, nanos boottime)
{
	arm(timers, TIMER_ERASE, nanos_add(boottime, KEY_ERASURE_TIME));
}

/* Counts from the first packet without an answer: later ones do not put it off. */
void timers_on_data_sent(struct timers *timers, nanos boottime, nanos jitter)
{
	if (!is_armed(timers, TIMER_NEW_HANDSHAKE))
		arm(timers, TIMER_NEW_HANDSHAKE,
			nanos_add(boottime, NEW_HANDSHAKE_TIMEOUT + jitter));
}

/* Counts from the first packet that nothing has answered: the keepalive answers all since. */
void timers_on_data_received(struct timers *timers, nanos boottime)
{
	if (!is_armed(timers, TIMER_KEEPALIVE))
		arm(timers, TIMER_KEEPALIVE, nanos_add(boottime, KEEPALIVE_TIMEOUT));
}

static void postpone_persistent(struct timers *timers, nanos boottime)
{
	if (timers->persistent_interval)
		arm(timers, TIMER_PERSISTENT, nanos_add(boottime, timers->persistent_interval));
	else
		disarm(timers, TIMER_PERSISTENT);
}

void timers_on_authentic_sent(struct timers *timers, nanos boottime)
{
	disarm(timers, TIMER_KEEPALIVE);
	postpone_persistent(timers, boottime);
}

void timers_on_authentic_received(struct timers *timers, nanos boottime)
{
	disarm(timers, TIMER_NEW_HANDSHAKE);
	postpone_persistent(timers, boottime);
}
