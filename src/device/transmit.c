#include "device/transmit.h"

#include <stdlib.h>
#include <string.h>

#include "device/negotiate.h"
#include "device/staging.h"

/* The session to seal with, or NULL. */
static struct session *sending_session(const struct peer *peer, const struct now *now)
{
	struct session *session = peer->keyring.current;
	return session && session_can_send(session, now->boottime) ? session : NULL;
}

static void stage_from(
	struct device *d, struct peer *peer, const struct burst *burst, uint32_t from)
{
	for (uint32_t i = from; i < burst->count; i++)
		staging_push(d, peer, burst_inner(burst, i), burst->len[i]);
}

/*
 * Begins to seal: takes a range of counters and makes the burst a job. What the
 * session has no counters left for is staged. Takes the burst.
 */
static void begin_seal(
	struct device *d, struct peer *peer, struct session *session, struct burst *burst)
{
	struct carrier *carrier = carrier_create(d, burst);
	if (!carrier) {
		device_drop_burst(d, peer, DROP_NO_MEMORY, burst);
		return;
	}
	uint32_t count = session_take_counters(session, burst->count, &carrier->job.first_counter);
	if (count < burst->count) {
		stage_from(d, peer, burst, count);
		burst->count = count;
	}
	carrier->peer = peer;
	carrier->session = session;
	carrier->job.kind = JOB_SEAL;
	carrier->job.remote_index = session->remote_index;
	carrier->job.mtu = d->mtu;
	carrier_queue_job(d, carrier);
}

/* How many staged packets fit one burst, and the stride they need. */
static uint32_t measure_staged(const struct staged_queue *queue, uint32_t *stride)
{
	uint32_t longest = 0, count = 0;
	for (const struct staged_packet *p = queue->first; p; p = p->next) {
		uint32_t len = p->len > longest ? p->len : longest;
		uint32_t slot = BURST_HEADROOM + len + BURST_TAILROOM;
		if (count == BURST_PACKETS_MAX || (count + 1) * slot > BURST_LARGE)
			break;
		longest = len;
		count++;
	}
	*stride = BURST_HEADROOM + longest + BURST_TAILROOM;
	return count;
}

/* Moves as many staged packets as fit into a burst. NULL: no memory, all stay staged. */
static struct burst *gather_staged(struct device *d, struct peer *peer)
{
	uint32_t stride, count = measure_staged(&peer->staged, &stride);
	struct burst *burst = burst_pool_get(d->pool, count * stride);
	if (!burst)
		return NULL;
	burst->stride = stride;
	for (; burst->count < count; burst->count++) {
		struct staged_packet *packet = staging_pop(d, peer);
		memcpy(burst_inner(burst, burst->count), packet->bytes, packet->len);
		burst->len[burst->count] = packet->len;
		free(packet);
	}
	return burst;
}

void transmit_staged(struct device *d, struct peer *peer, const struct now *now)
{
	struct session *session;
	while (peer->staged.first && (session = sending_session(peer, now))) {
		struct burst *burst = gather_staged(d, peer);
		if (!burst)
			return;
		begin_seal(d, peer, session, burst);
	}
	if (peer->staged.first)
		negotiate_begin(d, peer, now);
}

void transmit_burst(struct device *d, struct peer *peer, struct burst *burst, const struct now *now)
{
	struct session *session = sending_session(peer, now);
	if (session && !peer->staged.first) {
		begin_seal(d, peer, session, burst);
		return;
	}
	stage_from(d, peer, burst, 0);
	burst_pool_put(d->pool, burst);
	transmit_staged(d, peer, now);
	if (!session) /* also where nothing could be staged: what comes later needs it */
		negotiate_begin(d, peer, now);
}

void transmit_keepalive(struct device *d, struct peer *peer, const struct now *now)
{
	struct session *session = sending_session(peer, now);
	if (peer->staged.first) {
		transmit_staged(d, peer, now);
	} else if (!session) {
		negotiate_begin(d, peer, now);
	} else {
		struct burst *burst = burst_pool_get(d->pool, BURST_SMALL);
		if (!burst) {
			device_drop(d, peer, DROP_NO_MEMORY, 1);
			return;
		}
		burst->count = 1;
		burst->len[0] = 0;
		begin_seal(d, peer, session, burst);
	}
}

/* The burst is sealed, for a session that may be an older one by now. Takes the carrier. */
static void send_sealed(struct device *d, struct carrier *carrier, const struct now *now)
{
	struct peer *peer = carrier->peer;
	struct session *session = carrier->session;
	const struct burst *burst = carrier->job.burst;
	bool has_content = false;
	for (uint32_t i = 0; i < burst->count; i++) {
		peer->tx_bytes += burst->len[i];
		has_content |= burst->len[i] > MESSAGE_DATA_MIN_LEN;
	}
	carrier_queue_send(d, carrier, peer);
	timers_on_authentic_sent(&peer->timers, now->boottime);
	if (has_content && peer->timers.deadline[TIMER_NEW_HANDSHAKE] == NANOS_NEVER)
		timers_on_data_sent(&peer->timers, now->boottime, device_draw_jitter(d));
	/* Not for a late packet of an older session: that one has been renewed. */
	if (session == peer->keyring.current && session_wants_rekey_on_send(session, now->boottime))
		negotiate_begin(d, peer, now);
	device_touch(d, peer);
}

void transmit_finish(struct device *d, struct carrier *carrier, const struct now *now)
{
	struct peer *peer = carrier->peer;
	struct session *session = carrier->session;
	if (carrier_is_void(carrier)) {
		device_drop_burst(d, NULL, DROP_REMOVED, carrier->job.burst);
		carrier_recycle(d, carrier);
	} else {
		send_sealed(d, carrier, now);
	}
	device_unpin(d, peer, session);
}
