#include "device/intake.h"
#include "device/negotiate.h"
#include "device/transmit.h"

/* An attempt under way goes on: its ephemeral key is new, and goes with the attempt. */
static void erase_keys(struct device *d, struct peer *peer)
{
	device_end_sessions(d, peer);
	struct event event = device_event(EVENT_KEYS_ERASED, peer);
	device_tell(d, &event);
}

static void send_persistent(struct device *d, struct peer *peer, const struct now *now)
{
	struct timers *timers = &peer->timers;
	transmit_keepalive(d, peer, now);
	/* Nothing may have gone out (no endpoint, an attempt under way): it goes on all the same.
	 */
	if (timers->persistent_interval && timers->deadline[TIMER_PERSISTENT] == NANOS_NEVER)
		timers->deadline[TIMER_PERSISTENT] =
			nanos_add(now->boottime, timers->persistent_interval);
}

static void fire(struct device *d, struct peer *peer, enum timer timer, const struct now *now)
{
	switch (timer) {
	case TIMER_RETRY: negotiate_retry(d, peer, now); break;
	case TIMER_KEEPALIVE: transmit_keepalive(d, peer, now); break;
	case TIMER_NEW_HANDSHAKE:
		endpoint_clear_source(&peer->endpoint);
		negotiate_begin(d, peer, now);
		break;
	case TIMER_ERASE: erase_keys(d, peer); break;
	case TIMER_PERSISTENT: send_persistent(d, peer, now); break;
	case TIMER_COUNT: break;
	}
}

static void fire_due(struct device *d, struct peer *peer, const struct now *now)
{
	for (enum timer timer = 0; timer < TIMER_COUNT; timer++)
		if (timers_take_due(&peer->timers, timer, now->boottime))
			fire(d, peer, timer, now);
}

void device_fire_timers(struct device *d, const struct now *now)
{
	struct peer *peer;
	/* What is left is still due then: the next turn follows at once, with data before it. */
	for (int i = 0; i < PEERS_PER_TICK; i++)
		if ((peer = deadline_heap_due(&d->deadlines, now->boottime)))
			fire_due(d, peer, now);
}

void device_tick(struct device *d, const struct now *now)
{
	intake_begin_turn(d, now);
	device_fire_timers(d, now);
}
