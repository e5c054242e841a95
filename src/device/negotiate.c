#include "device/negotiate.h"

#include <string.h>

#include "base/bytes.h"
#include "device/staging.h"

#define HANDSHAKE_TOS 0x88 /* AF41 [kernel] */

/* A message of a handshake goes out as a burst of one. The pool's bound may cost us it. */
static bool queue_message(
	struct device *d, struct device_send *send, const void *message, uint32_t len)
{
	struct burst *burst = burst_pool_get(d->pool, len);
	struct carrier *carrier = burst ? carrier_create(d, burst) : NULL;
	if (!carrier) {
		device_drop(d, NULL, DROP_NO_MEMORY, 1);
		burst_pool_put(d->pool, burst);
		return false;
	}
	memcpy(burst->bytes, message, len);
	burst->stride = burst->len[0] = len;
	burst->count = 1;
	burst->tos = HANDSHAKE_TOS;
	send->burst = burst;
	carrier->send = *send;
	carrier_push(&d->sends, carrier);
	return true;
}

static void send_message(
	struct device *d, struct peer *peer, void *message, uint32_t len, const struct now *now)
{
	struct device_send send = {
		.to = peer->endpoint, .peer = peer->public_key, .is_handshake = true};
	cookie_jar_seal(&peer->cookie_jar, message, len, now->boottime);
	if (queue_message(d, &send, message, len))
		peer->tx_bytes += len;
}

/*
 * A stamp is greater than every one that this peer got: it refuses anything else.
 * And it is not less than any other that we sent, in earlier lives included, for
 * the wall clock may have been set back, or the peer removed and added again.
 */
static struct tai64n next_stamp(
	const struct device *d, const struct peer *peer, const struct now *now)
{
	struct tai64n stamp = tai64n_from_realtime(now->realtime);
	if (tai64n_is_after(&d->sent_stamp, &stamp))
		stamp = d->sent_stamp;
	return tai64n_is_after(&stamp, &peer->sent_stamp) ? stamp : tai64n_next(&peer->sent_stamp);
}

/* Makes the initiation and its pending state. false: no memory. */
static bool make_initiation(
	struct device *d, struct peer *peer, uint8_t *msg, const struct tai64n *stamp)
{
	struct initiation_terms terms = {.key_exchange = peer->key_exchange, .stamp = *stamp};
	if (!index_table_draw(&d->indices, peer, &d->rng, &terms.local_index))
		return false;
	struct pending_handshake *pending = secret_alloc(d->arena, sizeof *pending);
	if (!pending)
		goto no_arena;
	if (!initiation_create(msg, pending, d->us, peer->remote, &terms, &d->rng))
		goto bad_key;
	peer->pending = pending;
	peer->sent_stamp = *stamp;
	if (tai64n_is_after(stamp, &d->sent_stamp))
		d->sent_stamp = *stamp;
	return true;
bad_key:
	secret_free(d->arena, pending, sizeof *pending);
no_arena:
	index_table_remove(&d->indices, terms.local_index);
	return false;
}

/*
 * The timers run whether or not the message could be made: it is then as if it
 * were lost. What waits for a grant of stamps goes out with negotiate_resume.
 */
static void send_initiation(struct device *d, struct peer *peer, const struct now *now)
{
	uint8_t msg[MESSAGE_HANDSHAKE_MAX];
	struct tai64n stamp = next_stamp(d, peer, now);
	device_forget_pending(d, peer);
	if (tai64n_is_after(&stamp, &d->stamp_limit))
		d->wants_stamps = true;
	else if (make_initiation(d, peer, msg, &stamp))
		send_message(d, peer, msg, initiation_len(peer->key_exchange), now);
	else
		device_drop(d, peer, DROP_NO_MEMORY, 1);
	peer->attempt_count++;
	peer->is_answer_forged = false;
	timers_on_initiation_sent(&peer->timers, now->boottime, device_draw_jitter(d));
	timers_on_authentic_sent(&peer->timers, now->boottime);
}

/* Why no handshake with the peer is possible; DROP_REASON_COUNT: it is. */
static enum drop_reason find_hindrance(const struct device *d, const struct peer *peer)
{
	if (!d->us)
		return DROP_NO_KEY;
	if (secret_is_zero(&peer->remote->static_static, sizeof peer->remote->static_static))
		return DROP_PEER_KEY; /* of low order: nothing we send could be answered */
	return peer->endpoint.address.family == IP_NONE ? DROP_NO_ENDPOINT : DROP_REASON_COUNT;
}

void negotiate_begin(struct device *d, struct peer *peer, const struct now *now)
{
	if (!d->is_up || timers_has_attempt(&peer->timers))
		return;
	enum drop_reason hindrance = find_hindrance(d, peer);
	if (hindrance != DROP_REASON_COUNT) {
		struct event event = device_event(EVENT_NO_ENDPOINT, peer);
		if (hindrance == DROP_NO_ENDPOINT)
			device_tell(d, &event);
		staging_drop(d, peer, hindrance); /* no timer would ever end its wait */
		return;
	}
	peer->attempt_count = 0;
	if (timers_can_initiate(&peer->timers, now->boottime))
		send_initiation(d, peer, now);
	else
		timers_on_initiation_postponed(&peer->timers, now->boottime);
	device_touch(d, peer);
}

void negotiate_resume(struct device *d, struct peer *peer, const struct now *now)
{
	bool is_postponed = peer->attempt_count == 0; /* Rekey-Timeout holds it back, no stamp */
	if (!timers_has_attempt(&peer->timers) || peer->pending || is_postponed)
		return;
	peer->timers.deadline[TIMER_RETRY] = now->boottime;
	device_touch(d, peer);
}

static void give_up(struct device *d, struct peer *peer)
{
	struct event event = device_event(EVENT_GAVE_UP, peer);
	event.count = peer->attempt_count;
	event.is_answered = peer->is_answer_forged;
	peer->is_given_up = true;
	device_tell(d, &event);
	timers_on_attempt_ended(&peer->timers);
	device_forget_pending(d, peer);
	staging_drop(d, peer, DROP_GAVE_UP);
}

void negotiate_retry(struct device *d, struct peer *peer, const struct now *now)
{
	if (timers_attempt_is_over(&peer->timers, now->boottime)) {
		give_up(d, peer);
		return;
	}
	if (peer->pending) { /* else it waited for a stamp, or memory */
		struct event event = device_event(EVENT_NO_ANSWER, peer);
		event.count = peer->attempt_count;
		event.is_answered = peer->is_answer_forged;
		device_tell(d, &event);
		endpoint_clear_source(
			&peer->endpoint); /* perhaps it was the source that is wrong */
	}
	send_initiation(d, peer, now);
}

void negotiate_refuse(struct device *d, struct peer *peer, const struct datagram *datagram,
	enum drop_reason reason)
{
	struct event event = {
		.kind = EVENT_REFUSED,
		.has_peer = peer,
		.endpoint = *datagram->from,
		.reason = reason,
	};
	if (peer)
		event.peer = peer->public_key;
	device_drop(d, peer, reason, 1);
	device_tell(d, &event);
}

/* Says who it claims to be: that key is what a peer here would need. */
static void refuse_stranger(
	struct device *d, const struct datagram *datagram, const struct public_key *claim)
{
	struct event event = {
		.kind = EVENT_REFUSED,
		.peer = *claim,
		.endpoint = *datagram->from,
		.reason = DROP_UNKNOWN_PEER,
	};
	device_drop(d, NULL, DROP_UNKNOWN_PEER, 1);
	device_tell(d, &event);
}

/* Says both stamps: whose clock is wrong can only be told with them. */
static void refuse_stamp(struct device *d, struct peer *peer, const struct datagram *datagram,
	const struct tai64n *stamp)
{
	struct event event = device_event(EVENT_REFUSED, peer);
	event.endpoint = *datagram->from;
	event.reason = DROP_STALE_STAMP;
	event.stamp = *stamp;
	event.latest_stamp = peer->latest_stamp;
	device_drop(d, peer, DROP_STALE_STAMP, 1);
	device_tell(d, &event);
}

void negotiate_learn_endpoint(struct device *d, struct peer *peer, const struct endpoint *from)
{
	bool has_moved = !endpoint_is_same_remote(&peer->endpoint, from);
	peer->endpoint = *from;
	if (has_moved) {
		struct event event = device_event(EVENT_ENDPOINT_MOVED, peer);
		device_tell(d, &event);
	}
}

/* What holds for both roles when a session has come to be. */
static void on_session_derived(
	struct device *d, struct peer *peer, const struct datagram *datagram, nanos boottime)
{
	peer->rx_bytes += datagram->len;
	negotiate_learn_endpoint(d, peer, datagram->from);
	timers_on_session_derived(&peer->timers, boottime);
	timers_on_authentic_received(&peer->timers, boottime);
}

/* The initiation is from the peer, and new: a session and a response. */
static void answer(struct device *d, struct peer *peer, struct opened_initiation *opened,
	const struct datagram *datagram, const struct now *now)
{
	uint8_t msg[MESSAGE_HANDSHAKE_MAX];
	struct session_keys keys;
	uint32_t index, remote_index = opened->remote_index;
	if (!index_table_draw(&d->indices, peer, &d->rng, &index)) {
		negotiate_refuse(d, peer, datagram, DROP_NO_MEMORY);
		return;
	}
	if (!response_create(msg, &keys, opened, peer->remote, index, &d->rng)) {
		negotiate_refuse(d, peer, datagram, DROP_INITIATION_FORGED);
		goto no_session;
	}
	struct session *session =
		session_create(d->arena, &keys, index, remote_index, false, now->boottime);
	secret_wipe(&keys, sizeof keys);
	if (!session) {
		negotiate_refuse(d, peer, datagram, DROP_NO_MEMORY);
		goto no_session;
	}
	session->key_exchange = peer->key_exchange;
	remote_table_add(&d->remotes, session);
	struct keyring_retired retired = keyring_add_responded(&peer->keyring, session);
	device_retire_sessions(d, &retired);
	on_session_derived(d, peer, datagram, now->boottime);
	send_message(d, peer, msg, response_len(peer->key_exchange), now);
	timers_on_response_sent(&peer->timers, now->boottime);
	timers_on_authentic_sent(&peer->timers, now->boottime);
	device_touch(d, peer);
	return;
no_session:
	index_table_remove(&d->indices, index);
}

/* Old, or too many: a stamp is used once, and at most 50 a second are worth our time. */
static bool is_fresh(struct device *d, struct peer *peer, const struct tai64n *stamp,
	const struct datagram *datagram, const struct now *now)
{
	nanos earliest =
		nanos_add(peer->latest_initiation, NANOS_PER_SECOND / INITIATIONS_PER_SECOND);
	if (!tai64n_is_after(stamp, &peer->latest_stamp)) {
		refuse_stamp(d, peer, datagram, stamp);
		return false;
	}
	if (peer->latest_initiation && now->boottime < earliest) {
		negotiate_refuse(d, peer, datagram, DROP_INITIATION_RATE);
		return false;
	}
	return true;
}

bool negotiate_on_initiation(
	struct device *d, const struct datagram *datagram, const struct now *now)
{
	const void *msg = datagram->bytes;
	bool is_hybrid = load_le32(datagram->bytes) == MESSAGE_HYBRID_INITIATION;
	enum key_exchange key_exchange = is_hybrid ? KEY_EXCHANGE_HYBRID : KEY_EXCHANGE_X25519;
	struct opened_initiation opened;
	struct tai64n stamp;
	struct peer *peer = NULL;
	bool is_accepted = false;
	if (!initiation_open(&opened, key_exchange, msg, d->us)) {
		negotiate_refuse(d, NULL, datagram, DROP_INITIATION_FORGED);
	} else if (!(peer = peer_table_find(&d->peers, &opened.remote_static))) {
		refuse_stranger(d, datagram, &opened.remote_static);
	} else if (peer->key_exchange != key_exchange) {
		negotiate_refuse(d, peer, datagram, is_hybrid ? DROP_HYBRID : DROP_CLASSICAL);
	} else if (!initiation_accept(&opened, &stamp, msg, peer->remote)) {
		negotiate_refuse(d, peer, datagram, DROP_INITIATION_FORGED);
	} else if (is_fresh(d, peer, &stamp, datagram, now)) {
		peer->latest_stamp = stamp;
		peer->latest_initiation = now->boottime;
		answer(d, peer, &opened, datagram, now);
		is_accepted = true;
	}
	secret_wipe(&opened, sizeof opened);
	return is_accepted;
}

static void on_handshake_complete(
	struct device *d, struct peer *peer, bool is_initiator, const struct now *now)
{
	struct event event = device_event(EVENT_SESSION, peer);
	event.is_initiator = is_initiator;
	event.is_first = !peer->latest_handshake_realtime || peer->is_given_up;
	event.count = peer->attempt_count;
	timers_on_attempt_ended(&peer->timers);
	peer->latest_handshake_realtime = now->realtime;
	peer->attempt_count = 0;
	peer->is_given_up = false;
	device_tell(d, &event);
}

/* An initiation of ours that crossed theirs is not needed any more, nor its ephemeral key. */
void negotiate_on_confirmation(struct device *d, struct peer *peer, const struct now *now)
{
	device_forget_pending(d, peer);
	on_handshake_complete(d, peer, false, now);
}

struct peer *negotiate_on_response(
	struct device *d, const struct datagram *datagram, const struct now *now)
{
	const struct message_response *msg = (const void *)datagram->bytes;
	struct session_keys keys;
	uint32_t index = load_le32(msg->receiver_index);
	struct peer *peer = index_table_find(&d->indices, index);
	bool is_hybrid = load_le32(msg->type) == MESSAGE_HYBRID_RESPONSE;
	if (!peer || !peer->pending || peer->pending->local_index != index ||
		is_hybrid != (peer->pending->key_exchange == KEY_EXCHANGE_HYBRID)) {
		negotiate_refuse(d, NULL, datagram, DROP_RESPONSE_UNEXPECTED);
		return NULL;
	}
	if (!response_open(&keys, peer->pending, msg, d->us, peer->remote)) {
		peer->is_answer_forged = true;
		negotiate_refuse(d, peer, datagram, DROP_RESPONSE_FORGED);
		return NULL;
	}
	struct session *session = session_create(
		d->arena, &keys, index, load_le32(msg->sender_index), true, now->boottime);
	secret_wipe(&keys, sizeof keys);
	if (!session) {
		negotiate_refuse(d, peer, datagram, DROP_NO_MEMORY);
		return NULL;
	}
	session->key_exchange = peer->key_exchange;
	/* The index passes from the pending handshake to the session. */
	secret_free(d->arena, peer->pending, sizeof *peer->pending);
	peer->pending = NULL;
	remote_table_add(&d->remotes, session);
	bool gives_way = memcmp(&d->us->public_key, &peer->public_key, DH_LEN) > 0;
	struct keyring_retired retired = keyring_add_initiated(&peer->keyring, session, gives_way);
	device_retire_sessions(d, &retired);
	on_session_derived(d, peer, datagram, now->boottime);
	on_handshake_complete(d, peer, true, now);
	device_touch(d, peer);
	return peer;
}

void negotiate_on_cookie_reply(
	struct device *d, const struct datagram *datagram, const struct now *now)
{
	const struct message_cookie_reply *reply = (const void *)datagram->bytes;
	struct peer *peer = index_table_find(&d->indices, load_le32(reply->receiver_index));
	/* The next initiation carries it, when Rekey-Timeout allows one. */
	if (!peer || !cookie_jar_take(&peer->cookie_jar, reply, &peer->remote->macs, now->boottime))
		device_drop(d, peer, DROP_COOKIE_UNEXPECTED, 1);
}

void negotiate_send_cookie(
	struct device *d, const struct datagram *datagram, const struct mac_value *cookie)
{
	const struct message_initiation *msg = (const void *)datagram->bytes;
	struct mac_value mac1 = macs_mac1(datagram->bytes, datagram->len);
	struct message_cookie_reply reply;
	cookie_reply_create(&reply, msg->sender_index, &mac1, cookie, &d->us->macs, &d->rng);
	struct device_send send = {.to = *datagram->from, .is_handshake = true};
	queue_message(d, &send, &reply, sizeof reply);
}
