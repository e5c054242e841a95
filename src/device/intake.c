#include "device/intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "device/transmit.h"

bool intake_init(struct device *d)
{
	d->baker = secret_alloc(d->arena, sizeof *d->baker);
	if (d->baker)
		cookie_baker_init(d->baker);
	ratelimit_init(&d->ratelimit, &d->rng);
	d->backlog = (struct backlog){.turn_left = HANDSHAKES_PER_TURN};
	return d->baker;
}

void intake_clear(struct device *d)
{
	device_drop(d, NULL, DROP_REMOVED, d->backlog.count);
	for (struct waiting_message *m; (m = d->backlog.first); free(m))
		d->backlog.first = m->next;
	d->backlog.count = 0;
}

void intake_wipe(struct device *d)
{
	intake_clear(d);
	secret_free(d->arena, d->baker, sizeof *d->baker);
}

bool intake_is_waiting(const struct device *d)
{
	return d->backlog.count > 0;
}

static void wait_for_turn(struct device *d, const struct datagram *datagram)
{
	struct backlog *backlog = &d->backlog;
	struct waiting_message *m = NULL;
	if (backlog->count < BACKLOG_MAX)
		m = malloc(sizeof *m + datagram->len);
	if (!m) {
		device_drop(d, NULL, DROP_BACKLOG, 1);
		return;
	}
	m->next = NULL;
	m->from = *datagram->from;
	m->len = datagram->len;
	memcpy(m->bytes, datagram->bytes, datagram->len);
	if (backlog->first)
		backlog->last->next = m;
	else
		backlog->first = m;
	backlog->last = m;
	backlog->count++;
}

/* Load outlasts its last sign by LOAD_TIME: else it would come and go with every turn. */
static bool is_under_load(struct device *d, nanos boottime)
{
	if (d->backlog.count >= BACKLOG_LOAD)
		d->backlog.load_until = nanos_add(boottime, LOAD_TIME);
	return boottime < d->backlog.load_until;
}

/*
 * A message that made no session: strangers can send any number of them, and each
 * costs a DH however short the queue is. A bucket of time: more than a second's worth
 * is load. Those that return by the thousand and are welcome make none.
 */
static void note_wasted(struct device *d, nanos boottime)
{
	struct backlog *backlog = &d->backlog;
	nanos full = nanos_add(boottime, NANOS_PER_SECOND);
	nanos from = backlog->wasted_until > boottime ? backlog->wasted_until : boottime;
	backlog->wasted_until = nanos_add(from, NANOS_PER_SECOND / WASTED_PER_SECOND);
	if (backlog->wasted_until <= full)
		return;
	backlog->wasted_until = full;
	backlog->load_until = nanos_add(boottime, LOAD_TIME);
}

/* Under load: a cookie for who has none, a share for who has. */
static bool is_admitted(struct device *d, const struct datagram *datagram, const struct now *now)
{
	const struct endpoint *from = datagram->from;
	struct mac_value cookie =
		cookie_bake(d->baker, &from->address, from->port, now->boottime, &d->rng);
	enum drop_reason reason;
	if (!macs_mac2_is_valid(datagram->bytes, datagram->len, &cookie)) {
		reason = DROP_UNDER_LOAD;
		negotiate_send_cookie(d, datagram, &cookie);
	} else if (!ratelimit_allows(&d->ratelimit, &from->address, now->boottime)) {
		reason = DROP_SOURCE_RATE;
	} else {
		return true;
	}
	device_drop(d, NULL, reason, 1);
	note_wasted(d, now->boottime);
	return false;
}

static void process(struct device *d, const struct datagram *datagram, const struct now *now)
{
	if (is_under_load(d, now->boottime) && !is_admitted(d, datagram, now))
		return;
	uint32_t type = load_le32(datagram->bytes);
	if (type == MESSAGE_INITIATION || type == MESSAGE_HYBRID_INITIATION) {
		if (!negotiate_on_initiation(d, datagram, now))
			note_wasted(d, now->boottime);
		return;
	}
	struct peer *peer = negotiate_on_response(d, datagram, now);
	/* Data, or else a keepalive, confirms the session to the responder. */
	if (peer)
		transmit_keepalive(d, peer, now);
	else
		note_wasted(d, now->boottime);
}

void intake_begin_turn(struct device *d, const struct now *now)
{
	struct backlog *backlog = &d->backlog;
	backlog->turn_left = HANDSHAKES_PER_TURN;
	while (backlog->first && backlog->turn_left > 0) {
		struct waiting_message *m = backlog->first;
		struct datagram datagram = {m->bytes, m->len, &m->from};
		backlog->turn_left--;
		process(d, &datagram, now); /* still counted: it is part of the load */
		backlog->first = m->next;
		backlog->count--;
		free(m);
	}
}

void intake_message(struct device *d, const struct datagram *datagram, const struct now *now)
{
	if (load_le32(datagram->bytes) == MESSAGE_COOKIE_REPLY) {
		negotiate_on_cookie_reply(d, datagram, now);
	} else if (!d->us) {
		negotiate_refuse(d, NULL, datagram, DROP_NO_KEY);
	} else if (!macs_mac1_is_valid(datagram->bytes, datagram->len, &d->us->macs)) {
		negotiate_refuse(d, NULL, datagram, DROP_MAC1);
	} else if (d->backlog.first || d->backlog.turn_left == 0) {
		wait_for_turn(d, datagram);
	} else {
		d->backlog.turn_left--;
		process(d, datagram, now);
	}
}
