#include "device/receive.h"

#include <string.h>

#include "base/bytes.h"
#include "device/intake.h"
#include "device/negotiate.h"
#include "device/nesting.h"
#include "device/transmit.h"

/* The message's type, or 0 when the length does not fit it or it has none that we know. */
static enum message_type classify(struct device *d, const struct datagram *datagram)
{
	enum drop_reason reason = DROP_LENGTH;
	bool fits = false;
	uint32_t type = datagram->len >= 4 ? load_le32(datagram->bytes) : 0;
	switch (type) {
	case MESSAGE_INITIATION: fits = datagram->len == MESSAGE_INITIATION_LEN; break;
	case MESSAGE_RESPONSE: fits = datagram->len == MESSAGE_RESPONSE_LEN; break;
	case MESSAGE_HYBRID_INITIATION:
		fits = datagram->len == MESSAGE_HYBRID_INITIATION_LEN;
		break;
	case MESSAGE_HYBRID_RESPONSE: fits = datagram->len == MESSAGE_HYBRID_RESPONSE_LEN; break;
	case MESSAGE_COOKIE_REPLY: fits = datagram->len == MESSAGE_COOKIE_REPLY_LEN; break;
	case MESSAGE_DATA: fits = datagram->len >= MESSAGE_DATA_MIN_LEN; break;
	default: reason = datagram->len >= 4 ? DROP_TYPE : DROP_LENGTH;
	}
	if (fits)
		return (enum message_type)type;
	device_drop(d, NULL, reason, 1);
	return 0;
}

/* The session that a data message names, or NULL when it was dropped. */
static struct session *find_session(struct device *d, const struct datagram *datagram,
	const struct now *now, struct peer **peer)
{
	const struct message_data_header *header = (const void *)datagram->bytes;
	uint32_t index = load_le32(header->receiver_index);
	*peer = index_table_find(&d->indices, index);
	struct session *session = *peer ? keyring_find(&(*peer)->keyring, index) : NULL;
	if (!session) {
		device_drop(d, NULL, DROP_UNKNOWN_INDEX, 1);
		return NULL;
	}
	if (!session_can_receive(session, now->boottime)) {
		device_drop(d, *peer, DROP_SESSION_EXPIRED, 1);
		return NULL;
	}
	return session;
}

/* Makes the burst a job for one session; packets are added to job.wanted. Takes the burst. */
static struct carrier *begin_open(struct device *d, struct peer *peer, struct session *session,
	struct burst *burst, const struct endpoint *from)
{
	struct carrier *carrier = carrier_create(d, burst);
	if (!carrier)
		return NULL;
	carrier->peer = peer;
	carrier->session = session;
	carrier->from = *from;
	carrier->job.kind = JOB_OPEN;
	carrier_queue_job(d, carrier);
	return carrier;
}

static void want(struct job *job, uint32_t i)
{
	job->wanted[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool is_wanted(const struct job *job, uint32_t i)
{
	return job->wanted[i / 64] >> (i % 64) & 1;
}

/* A datagram of another session than the rest of its burst: happens around a rekey only. */
static void open_apart(struct device *d, struct peer *peer, struct session *session,
	const struct datagram *datagram, uint8_t tos)
{
	struct burst *burst = burst_pool_get(d->pool, datagram->len);
	struct carrier *carrier =
		burst ? begin_open(d, peer, session, burst, datagram->from) : NULL;
	if (!carrier) {
		device_drop(d, peer, DROP_NO_MEMORY, 1);
		burst_pool_put(d->pool, burst);
		return;
	}
	memcpy(burst->bytes, datagram->bytes, datagram->len);
	burst->len[0] = datagram->len;
	burst->count = 1;
	burst->tos = tos;
	want(&carrier->job, 0);
}

/*
 * Handshakes are dealt with where they lie. Data of the first session met stays in
 * the burst, which becomes that session's job; a slot without data for it is left out.
 */
void device_put_datagrams(
	struct device *d, struct burst *burst, const struct endpoint *from, const struct now *now)
{
	struct carrier *carrier = NULL;
	if (!d->is_up) {
		device_drop_burst(d, NULL, DROP_REMOVED, burst);
		return;
	}
	for (uint32_t i = 0; i < burst->count; i++) {
		struct datagram datagram = {burst_datagram(burst, i), burst->len[i], from};
		enum message_type type = classify(d, &datagram);
		if (type != MESSAGE_DATA) {
			if (type)
				intake_message(d, &datagram, now);
			continue;
		}
		struct peer *peer;
		struct session *session = find_session(d, &datagram, now, &peer);
		if (!session)
			continue;
		if (!carrier)
			carrier = begin_open(d, peer, session, burst, from);
		if (!carrier)
			device_drop(d, peer, DROP_NO_MEMORY, 1);
		else if (carrier->session == session)
			want(&carrier->job, i);
		else
			open_apart(d, peer, session, &datagram, burst->tos);
	}
	if (!carrier)
		burst_pool_put(d->pool, burst);
}

struct opened { /* what a burst turned out to hold */
	uint32_t authentic, with_content, deliverable;
};

/* One authentic packet: replay, then the inner header, then its source. len[i] is 0 if it fails. */
static void judge_packet(
	struct device *d, const struct carrier *carrier, uint32_t i, struct opened *opened)
{
	struct burst *burst = carrier->job.burst;
	struct peer *peer = carrier->peer;
	const struct message_data_header *header = (const void *)burst_datagram(burst, i);
	uint32_t len = burst->len[i];
	struct ip_packet packet;
	enum drop_reason reason;

	burst->len[i] = 0;
	if (!replay_accept(&carrier->session->replay, load_le64(header->counter))) {
		device_drop(d, peer, DROP_REPLAY, 1);
		return;
	}
	opened->authentic++;
	peer->rx_bytes += MESSAGE_DATA_MIN_LEN + len;
	if (len == 0)
		return; /* a keepalive */
	opened->with_content++;
	if (!ip_packet_read(&packet, burst_inner(burst, i), len)) {
		reason = DROP_INNER_MALFORMED;
	} else if (allowedips_lookup(&d->allowed_ips, &packet.source) != peer) {
		reason = DROP_INNER_SOURCE;
	} else if (!ip_packet_decapsulate_ecn(burst_inner(burst, i), burst->tos)) {
		reason = DROP_ECN;
	} else {
		burst->len[i] = packet.len;
		opened->deliverable++;
		return;
	}
	device_drop(d, peer, reason, 1);
}

/* After at least one authentic packet on `session`. */
static void on_authentic(struct device *d, struct peer *peer, struct session *session,
	const struct carrier *carrier, const struct now *now)
{
	bool is_confirmed;
	if (!nesting_is_inside(d, &carrier->from) ||
		endpoint_is_same_remote(&peer->endpoint, &carrier->from))
		negotiate_learn_endpoint(d, peer, &carrier->from);
	/* Not for a late packet of an older session: that one has been renewed. */
	bool wants_rekey = session == peer->keyring.current &&
			   session_wants_rekey_on_receive(session, now->boottime);
	struct keyring_retired retired = keyring_confirm(&peer->keyring, session, &is_confirmed);
	device_retire_sessions(d, &retired);
	if (is_confirmed) {
		negotiate_on_confirmation(d, peer, now);
		transmit_staged(d, peer, now);
	}
	timers_on_authentic_received(&peer->timers, now->boottime);
	if (wants_rekey)
		negotiate_begin(d, peer, now);
}

/* Nothing of it counts. Slots that were not wanted have been dealt with before. */
static void abandon(struct device *d, struct carrier *carrier)
{
	struct burst *burst = carrier->job.burst;
	for (uint32_t i = 0; i < burst->count; i++)
		device_drop(d, NULL, DROP_REMOVED, is_wanted(&carrier->job, i));
	burst_pool_put(d->pool, burst);
	carrier_recycle(d, carrier);
}

/* Judges what was opened and passes it on. Takes the carrier. */
static void deliver(struct device *d, struct carrier *carrier, const struct now *now)
{
	struct job *job = &carrier->job;
	struct burst *burst = job->burst;
	struct peer *peer = carrier->peer;
	struct opened opened = {0};
	for (uint32_t i = 0; i < burst->count; i++) {
		if (job_is_authentic(job, i))
			judge_packet(d, carrier, i, &opened);
		else if (is_wanted(job, i))
			device_drop(d, peer, DROP_DATA_FORGED, 1);
	}
	if (opened.authentic)
		on_authentic(d, peer, carrier->session, carrier, now);
	if (opened.with_content)
		timers_on_data_received(&peer->timers, now->boottime);
	device_touch(d, peer);
	if (opened.deliverable) {
		carrier_push(&d->inner, carrier);
	} else {
		burst_pool_put(d->pool, burst);
		carrier_recycle(d, carrier);
	}
}

void receive_finish(struct device *d, struct carrier *carrier, const struct now *now)
{
	struct peer *peer = carrier->peer;
	struct session *session = carrier->session;
	if (carrier_is_void(carrier))
		abandon(d, carrier);
	else
		deliver(d, carrier, now);
	device_unpin(d, peer, session);
}
