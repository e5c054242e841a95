/* What the steps of a handshake do to the peer's timers, the stamps and the events. */
#include "unit/test.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/tunnel.h"

/* a's initiation, brought to b, whose response stays on the wire. */
static void answer(struct tunnel *t)
{
	tunnel_offer(t, &t->a, 1, 1);
	tunnel_pump(t, &t->a);
	struct flight *initiation = tunnel_take(t);
	tunnel_bring(t, initiation);
	free(initiation);
	tunnel_pump(t, &t->b);
}

static nanos deadline(const struct end *end, enum timer timer)
{
	return end_peer(end)->timers.deadline[timer];
}

TEST(negotiate_stamps_are_the_wall_clock)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1100));
	struct tai64n stamp = tai64n_from_realtime(t.now.realtime);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	CHECK_MEM(&stamp, &t.a.device->sent_stamp, sizeof stamp);
	timers_stop(&end_peer(&t.a)->timers);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now); /* the same moment: the next one */
	stamp = tai64n_next(&stamp);
	CHECK_MEM(&stamp, &t.a.device->sent_stamp, sizeof stamp);
	tunnel_skip(&t, SECOND);
	stamp = tai64n_from_realtime(t.now.realtime);
	timers_stop(&end_peer(&t.a)->timers);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	CHECK_MEM(&stamp, &t.a.device->sent_stamp, sizeof stamp);
	tunnel_settle(&t);
	tunnel_wipe(&t);
}

/* Wanted too soon after the last one, an initiation goes out when Rekey-Timeout allows it. */
TEST(negotiate_postpones_to_rekey_timeout)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1101));
	CHECK(tunnel_ping(&t, &t.a));
	nanos first = t.a.last_initiation;
	tunnel_run(&t, SECOND);
	end_take_events(&t.a, EVENT_SESSION);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	tunnel_run_until(&t, first + REKEY_TIMEOUT - 1);
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	tunnel_run(&t, 1);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(0, end_take_events(&t.a, EVENT_NO_ANSWER)); /* it was the attempt's first */
	CHECK(!timers_has_attempt(&end_peer(&t.a)->timers));
	tunnel_wipe(&t);
}

/* No stamp granted: the initiation waits for the grant, and not longer. */
TEST(negotiate_waits_for_a_granted_stamp)
{
	struct tunnel t;
	struct tai64n limit;
	CHECK(tunnel_init(&t, 1112));
	limit = tai64n_from_realtime(t.now.realtime - SECOND);
	device_grant_stamps(t.a.device, &limit, &t.now);
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_run(&t, SECOND);
	CHECK_EQ(0, end_sent(&t.a));
	limit = tai64n_from_realtime(t.now.realtime + 3600 * SECOND);
	device_grant_stamps(t.a.device, &limit, &t.now);
	tunnel_run(&t, 0);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(0, end_take_events(&t.a, EVENT_NO_ANSWER)); /* nothing was asked */
	tunnel_wipe(&t);
}

/* A grant does not bring a postponed initiation forward. */
TEST(negotiate_keeps_rekey_timeout_whatever_is_granted)
{
	struct tunnel t;
	struct tai64n limit;
	CHECK(tunnel_init(&t, 1113));
	CHECK(tunnel_ping(&t, &t.a));
	nanos first = t.a.last_initiation;
	tunnel_run(&t, SECOND);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	limit = tai64n_from_realtime(t.now.realtime + 3600 * SECOND);
	device_grant_stamps(t.a.device, &limit, &t.now);
	tunnel_run_until(&t, first + REKEY_TIMEOUT - 1);
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	tunnel_run(&t, 1);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

TEST(negotiate_counts_the_initiations_of_each_attempt)
{
	struct tunnel t;
	struct event event = {.count = 0};
	CHECK(tunnel_init(&t, 1102));
	t.a.is_mute = true;
	for (int i = 0; i < 3; i++) {
		uint32_t before = t.a.sent[MESSAGE_INITIATION];
		tunnel_offer(&t, &t.a, 1, 0);
		tunnel_run(&t, 100 * SECOND);
		while (device_take_event(t.a.device, &event) && event.kind == EVENT_NO_ANSWER)
			;
		CHECK_EQ(EVENT_GAVE_UP, event.kind);
		CHECK_EQ(t.a.sent[MESSAGE_INITIATION] - before, event.count);
		CHECK(!event.is_answered);
		CHECK_MEM(&t.b.public_key, &event.peer, DH_LEN);
	}
	tunnel_wipe(&t);
}

/* What is sent meanwhile neither begins an attempt anew nor brings a retry forward. */
TEST(negotiate_traffic_leaves_an_attempt_alone)
{
	struct tunnel t;
	struct event event = {.count = 0};
	CHECK(tunnel_init(&t, 1103));
	t.a.is_mute = true;
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_pump(&t, &t.a);
	for (int i = 0; i < 850; i++) {
		nanos retry = deadline(&t.a, TIMER_RETRY), began = t.now.boottime;
		uint32_t sent = t.a.sent[MESSAGE_INITIATION];
		tunnel_run(&t, SECOND / 10);
		CHECK_EQ(nanos_is_due(retry, t.now.boottime), t.a.sent[MESSAGE_INITIATION] != sent);
		tunnel_offer(&t, &t.a, 1, 0);
		CHECK(retry >= began);
	}
	tunnel_run(&t, 10 * SECOND);
	while (device_take_event(t.a.device, &event) && event.kind == EVENT_NO_ANSWER)
		;
	CHECK_EQ(EVENT_GAVE_UP, event.kind);
	CHECK_EQ(t.a.sent[MESSAGE_INITIATION], event.count);
	tunnel_wipe(&t);
}

/* The cached source address may be what is wrong: the first retry goes without it. */
TEST(negotiate_retries_without_the_source_address)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1103));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_skip(&t, REJECT_AFTER_TIME);
	t.b.is_mute = true;
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_pump(&t, &t.a);
	CHECK(ip_address_is_equal(&t.a.address.address, &t.first->to.source));
	CHECK_EQ(1, t.first->to.source_ifindex);
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(3, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(IP_NONE, end_peer(&t.a)->endpoint.source.family);
	tunnel_wipe(&t);
}

TEST(negotiate_initiation_postpones_the_keepalives)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1104));
	struct timers *timers = &end_peer(&t.a)->timers;
	timers->persistent_interval = 25 * SECOND;
	timers_on_data_received(timers, t.now.boottime);
	negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
	CHECK_EQ(t.now.boottime + 25 * SECOND, deadline(&t.a, TIMER_PERSISTENT));
	CHECK_EQ(NANOS_NEVER, deadline(&t.a, TIMER_KEEPALIVE));
	tunnel_wipe(&t);
}

/* The responder heard from its peer and answered it, all before the session is confirmed. */
TEST(negotiate_answer_sets_the_timers)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1105));
	struct timers *timers = &end_peer(&t.b)->timers;
	timers_on_data_sent(timers, t.now.boottime, 0);
	timers_on_data_received(timers, t.now.boottime);
	answer(&t);
	CHECK_EQ(NANOS_NEVER, deadline(&t.b, TIMER_NEW_HANDSHAKE));
	CHECK_EQ(NANOS_NEVER, deadline(&t.b, TIMER_KEEPALIVE));
	CHECK_EQ(t.now.boottime + KEY_ERASURE_TIME, deadline(&t.b, TIMER_ERASE));
	CHECK_EQ(t.now.boottime + KEY_ERASURE_TIME, device_deadline(t.b.device));
	CHECK_EQ(148, end_peer(&t.b)->rx_bytes);
	CHECK_EQ(92, end_peer(&t.b)->tx_bytes);
	tunnel_wipe(&t);
}

TEST(negotiate_keys_nobody_confirmed_are_erased)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1106));
	size_t blocks = t.b.arena.blocks_out;
	answer(&t);
	tunnel_lose(&t);
	t.a.is_mute = true;
	CHECK_EQ(blocks + 1, t.b.arena.blocks_out);
	tunnel_run(&t, KEY_ERASURE_TIME);
	CHECK_EQ(blocks, t.b.arena.blocks_out);
	tunnel_wipe(&t);
}

TEST(negotiate_response_answers_unanswered_data)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1107));
	answer(&t);
	timers_on_data_sent(&end_peer(&t.a)->timers, t.now.boottime, 0);
	CHECK(deadline(&t.a, TIMER_NEW_HANDSHAKE) != NANOS_NEVER);
	tunnel_bring(&t, t.first); /* not pumped: the staged packet is still to be sent */
	CHECK_EQ(NANOS_NEVER, deadline(&t.a, TIMER_NEW_HANDSHAKE));
	CHECK_EQ(NANOS_NEVER, deadline(&t.a, TIMER_RETRY));
	CHECK_EQ(t.now.boottime + KEY_ERASURE_TIME, deadline(&t.a, TIMER_ERASE));
	tunnel_wipe(&t);
}

TEST(negotiate_tells_each_end_its_role)
{
	struct tunnel t;
	struct event event;
	CHECK(tunnel_init(&t, 1108));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK(device_take_event(t.a.device, &event));
	CHECK_EQ(EVENT_SESSION, event.kind);
	CHECK(event.is_initiator && event.has_peer);
	CHECK_MEM(&t.b.public_key, &event.peer, DH_LEN);
	CHECK(endpoint_is_same_remote(&t.b.address, &event.endpoint));
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_SESSION, event.kind);
	CHECK(!event.is_initiator);
	CHECK(!device_take_event(t.a.device, &event) && !device_take_event(t.b.device, &event));
	tunnel_wipe(&t);
}

/* An initiation of ours that crossed theirs leaves nothing behind. */
TEST(negotiate_confirmation_ends_our_own_handshake)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1109));
	negotiate_begin(t.b.device, end_peer(&t.b), &t.now);
	tunnel_pump(&t, &t.b);
	tunnel_lose(&t);
	CHECK(end_peer(&t.b)->pending);
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_settle(&t);
	CHECK(!end_peer(&t.b)->pending);
	CHECK(!timers_has_attempt(&end_peer(&t.b)->timers));
	CHECK_EQ(1, t.b.device->indices.count);
	tunnel_run(&t, 60 * SECOND);
	CHECK_EQ(1, t.b.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

/* No room for the session's keys: refused, told, and nothing of it stays. */
TEST(negotiate_without_memory_for_a_session)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1110));
	t.b.arena.len = t.b.arena.used;
	answer(&t);
	CHECK_EQ(1, end_drops(&t.b, DROP_NO_MEMORY));
	CHECK_EQ(1, end_take_events(&t.b, EVENT_REFUSED));
	CHECK_EQ(0, t.b.device->indices.count);
	CHECK_EQ(0, end_sent(&t.b));
	t.b.arena.len = TUNNEL_ARENA;
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(1, t.b.received);
	tunnel_wipe(&t);

	CHECK(tunnel_init(&t, 1111)); /* the initiator's: the next response may have it */
	answer(&t);
	t.a.arena.len = t.a.arena.used;
	tunnel_settle(&t);
	CHECK_EQ(1, end_drops(&t.a, DROP_NO_MEMORY));
	CHECK_EQ(1, t.a.device->indices.count);
	t.a.arena.len = TUNNEL_ARENA;
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	CHECK_EQ(1, t.b.received);
	tunnel_wipe(&t);
}

/* What is told of a session: the first, and how many initiations it took. */
static bool tells(struct end *end, bool is_first, uint32_t count)
{
	struct event event;
	while (device_take_event(end->device, &event))
		if (event.kind == EVENT_SESSION)
			return event.is_first == is_first && event.count == count;
	return false;
}

TEST(negotiate_tells_which_session_is_the_first)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1112));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK(tells(&t.a, true, 1) && tells(&t.b, true, 0));
	tunnel_run(&t, REKEY_AFTER_TIME + SECOND);
	CHECK(tunnel_ping(&t, &t.a));
	CHECK(tells(&t.a, false, 1) && tells(&t.b, false, 0));
	/* given up: the next one is waited for as the first was */
	tunnel_run(&t, REJECT_AFTER_TIME + SECOND);
	t.a.is_mute = true;
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_run(&t, 100 * SECOND);
	t.a.is_mute = false;
	CHECK_EQ(1, end_take_events(&t.a, EVENT_GAVE_UP));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK(tells(&t.a, true, 1) && tells(&t.b, false, 0));
	tunnel_wipe(&t);
}
