#include "unit/test.h"

#include "noise/limits.h"
#include "unit/tunnel.h"

static bool set_keepalive(struct tunnel *t, struct end *end, uint16_t seconds)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	entry.has_keepalive = true;
	entry.keepalive_seconds = seconds;
	return end_change_peer(end, &entry, &t->now);
}

/* Datagrams that both sent within so much time. */
static uint32_t sent_within(struct tunnel *t, nanos duration)
{
	uint32_t before = end_sent(&t->a) + end_sent(&t->b);
	tunnel_run(t, duration);
	return end_sent(&t->a) + end_sent(&t->b) - before;
}

/* Regressions 3: a black hole. */
TEST(tick_gives_up_after_90_s)
{
	for (uint64_t seed = 600; seed < 610; seed++) {
		struct tunnel t;
		struct event event;
		uint32_t unanswered = 0;
		CHECK(tunnel_init(&t, seed));
		size_t blocks = t.a.arena.blocks_out;
		nanos start = t.now.boottime;
		t.a.is_mute = true;
		tunnel_offer(&t, &t.a, 3, 0);
		tunnel_run_until(&t, start + REKEY_ATTEMPT_TIME - 1);
		CHECK_EQ(3, end_peer(&t.a)->staged.count);
		CHECK_EQ(start, t.a.first_initiation);
		CHECK(t.a.last_initiation < start + REKEY_ATTEMPT_TIME);
		uint32_t sent = t.a.sent[MESSAGE_INITIATION];
		CHECK(sent == 17 || sent == 18);
		tunnel_run_until(&t, start + REKEY_ATTEMPT_TIME);
		CHECK_EQ(0, end_peer(&t.a)->staged.count);
		CHECK_EQ(0, t.a.device->staged_bytes);
		CHECK_EQ(3, end_drops(&t.a, DROP_GAVE_UP));
		CHECK_EQ(blocks, t.a.arena.blocks_out);
		CHECK_EQ(0, t.a.device->indices.count);
		while (device_take_event(t.a.device, &event) && event.kind == EVENT_NO_ANSWER)
			CHECK_EQ(++unanswered, event.count);
		CHECK_EQ(EVENT_GAVE_UP, event.kind);
		CHECK_EQ(sent, event.count);
		CHECK_EQ(sent - 1, unanswered);
		CHECK_EQ(0, sent_within(&t, 3600 * SECOND));
		CHECK_EQ(NANOS_NEVER, device_deadline(t.a.device));
		t.a.is_mute = false; /* and then all is well again */
		CHECK(tunnel_ping(&t, &t.a));
		tunnel_wipe(&t);
	}
}

/* Steady traffic into the black hole: attempt after attempt, never two initiations within 5 s. */
TEST(tick_retries_are_rekey_timeout_apart)
{
	struct tunnel t;
	nanos last = 0;
	CHECK(tunnel_init(&t, 611));
	t.a.is_mute = true;
	for (int i = 0; i < 3000; i++) {
		uint32_t before = t.a.sent[MESSAGE_INITIATION];
		if (i % 3 == 0)
			tunnel_offer(&t, &t.a, 1, 0);
		tunnel_run(&t, SECOND / 10);
		CHECK(t.a.sent[MESSAGE_INITIATION] - before <= 1);
		if (t.a.sent[MESSAGE_INITIATION] == before)
			continue;
		CHECK(t.a.last_initiation - last >= REKEY_TIMEOUT);
		CHECK(!last ||
			t.a.last_initiation - last <= REKEY_TIMEOUT + REKEY_JITTER_MAX + SECOND);
		last = t.a.last_initiation;
	}
	CHECK(t.a.sent[MESSAGE_INITIATION] >= 300 / 6);
	CHECK(end_drops(&t.a, DROP_GAVE_UP) > 0);
	CHECK(end_peer(&t.a)->staged.count <= STAGED_PACKETS_MAX);
	tunnel_wipe(&t);
}

/* A herd that is due at one moment: some peers a tick, and data has its turn in between. */
TEST(tick_of_many_peers_is_bounded)
{
	enum { PEERS = 3 * PEERS_PER_TICK + 5 };
	struct tunnel t;
	struct end herd;
	struct device_send send;
	struct change_peer entries[PEERS];
	uint32_t sent = 0, ticks = 0;
	CHECK(tunnel_init(&t, 623));
	CHECK(end_init(&herd, 623, 16 * TUNNEL_ARENA, TUNNEL_POOL_MAX));
	CHECK(end_change_key(&herd, &herd.private_key, &t.now));
	for (uint32_t i = 0; i < PEERS; i++) {
		entries[i] = (struct change_peer){.public_key = {{9, (uint8_t)i}},
			.has_endpoint = true,
			.endpoint = t.a.address};
		entries[i].has_keepalive = true;
		entries[i].keepalive_seconds = 25;
	}
	struct change change = {.peers = entries, .peer_count = PEERS};
	CHECK(device_apply(herd.device, &change, &t.now));
	device_set_link(herd.device, true, &t.now);
	while (device_deadline(herd.device) <= t.now.boottime) {
		uint32_t before = sent;
		device_tick(herd.device, &t.now);
		for (; device_take_send(herd.device, &send); sent++)
			burst_pool_put(&herd.pool, send.burst);
		CHECK(sent - before <= PEERS_PER_TICK);
		CHECK(++ticks <= 5);
	}
	CHECK_EQ(PEERS, sent);
	end_wipe(&herd);
	tunnel_wipe(&t);
}

/* Regressions 4. */
TEST(tick_idle_pair_is_silent)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 612));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(1, sent_within(&t, 20 * SECOND)); /* a's keepalive */
	CHECK_EQ(0, sent_within(&t, 600 * SECOND));
	CHECK_EQ(NANOS_NEVER, device_deadline(t.a.device));
	CHECK_EQ(NANOS_NEVER, device_deadline(t.b.device));
	tunnel_wipe(&t);
}

TEST(tick_passive_keepalive_after_10_s)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 613));
	CHECK(tunnel_ping(&t, &t.a)); /* a received last */
	tunnel_run(&t, 4 * SECOND);
	tunnel_offer(&t, &t.b, 1, 0); /* more data does not put it off */
	CHECK_EQ(1, sent_within(&t, 6 * SECOND - 1));
	uint32_t received = t.b.received, sent = t.a.sent[MESSAGE_DATA];
	tunnel_run(&t, 1);
	CHECK_EQ(sent + 1, t.a.sent[MESSAGE_DATA]);
	CHECK_EQ(received, t.b.received);
	CHECK_EQ(0, sent_within(&t, 60 * SECOND));
	tunnel_wipe(&t);
}

TEST(tick_no_keepalive_when_data_answers)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 614));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_run(&t, 9 * SECOND);
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_settle(&t);
	CHECK_EQ(0, sent_within(&t, 10 * SECOND - 1));
	CHECK_EQ(1, sent_within(&t, 10 * SECOND)); /* b's, for that packet */
	tunnel_wipe(&t);
}

/* Data that nothing answers: Keepalive-Timeout + Rekey-Timeout, and the jitter. */
TEST(tick_new_handshake_15_s_after_unanswered_data)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 615));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_run(&t, 20 * SECOND);
	nanos start = t.now.boottime;
	t.b.is_mute = true;
	CHECK(end_peer(&t.a)->endpoint.source.family != IP_NONE);
	for (int i = 0; i < 14; i++) { /* later packets do not put it off */
		tunnel_offer(&t, &t.a, 1, 0);
		tunnel_run(&t, SECOND);
	}
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	tunnel_run_until(&t, start + 15 * SECOND + REKEY_JITTER_MAX);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK(t.a.last_initiation >= start + 15 * SECOND);
	CHECK_EQ(IP_NONE, end_peer(&t.a)->endpoint.source.family);
	tunnel_wipe(&t);
}

TEST(tick_erases_keys_at_540_s)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 616));
	size_t blocks = t.a.arena.blocks_out;
	CHECK(tunnel_ping(&t, &t.a));
	nanos birth = end_peer(&t.a)->keyring.current->birth;
	CHECK(t.a.arena.blocks_out > blocks && t.b.arena.blocks_out > blocks);
	tunnel_run_until(&t, birth + KEY_ERASURE_TIME - 1);
	CHECK(t.a.arena.blocks_out > blocks && t.b.arena.blocks_out > blocks);
	end_take_events(&t.a, EVENT_SESSION);
	tunnel_run(&t, 1);
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	CHECK_EQ(blocks, t.b.arena.blocks_out);
	CHECK_EQ(0, t.a.device->indices.count + t.b.device->indices.count);
	CHECK_EQ(1, end_take_events(&t.a, EVENT_KEYS_ERASED));
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

/* A late tick, as after a suspend: nothing old is sent, and what is wanted still comes about. */
TEST(tick_late_by_an_hour)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 617));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_pump(&t, &t.a);
	tunnel_lose(&t);
	tunnel_skip(&t, 3600 * SECOND);
	device_tick(t.a.device, &t.now);
	device_tick(t.b.device, &t.now);
	CHECK(!end_peer(&t.a)->keyring.current && !end_peer(&t.b)->keyring.current);
	tunnel_settle(&t); /* a wanted an answer: a new handshake, and that one is not forgotten */
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK(end_peer(&t.a)->keyring.current);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

TEST(tick_late_attempt_ends)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 618));
	t.a.is_mute = true;
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_settle(&t);
	tunnel_skip(&t, 3600 * SECOND);
	device_tick(t.a.device, &t.now);
	tunnel_settle(&t);
	CHECK_EQ(1, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(1, end_drops(&t.a, DROP_GAVE_UP));
	tunnel_wipe(&t);
}

TEST(tick_persistent_keepalive)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 619));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_run(&t, 20 * SECOND);
	CHECK(set_keepalive(&t, &t.b, 25));
	CHECK_EQ(1, sent_within(&t, 0)); /* at once */
	CHECK_EQ(0, sent_within(&t, 25 * SECOND - 1));
	CHECK_EQ(1, sent_within(&t, 1));
	tunnel_run(&t, 10 * SECOND);
	tunnel_offer(&t, &t.a, 1, 0); /* any packet puts it off; b's answers a at 10 s */
	tunnel_settle(&t);
	CHECK_EQ(0, sent_within(&t, 10 * SECOND - 1));
	CHECK_EQ(1, sent_within(&t, 1));
	CHECK_EQ(0, sent_within(&t, 25 * SECOND - 1));
	CHECK_EQ(1, sent_within(&t, 1));
	CHECK(set_keepalive(&t, &t.b, 0));
	CHECK_EQ(0, sent_within(&t, 600 * SECOND));
	tunnel_wipe(&t);
}

/* Who sets all settings again each 20 s must not put off a keepalive each 25 s for ever. */
TEST(tick_persistent_keepalive_set_again)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 622));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_run(&t, 20 * SECOND);
	CHECK(set_keepalive(&t, &t.a, 25));
	tunnel_settle(&t);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(1, sent_within(&t, i == 0 ? 0 : 5 * SECOND));
		CHECK_EQ(0, sent_within(&t, 20 * SECOND - 1));
		tunnel_run(&t, 1);
		CHECK(set_keepalive(&t, &t.a, 25));
	}
	CHECK(set_keepalive(&t, &t.a, 3)); /* another one counts from now */
	CHECK_EQ(0, sent_within(&t, 3 * SECOND - 1));
	CHECK_EQ(1, sent_within(&t, 1));
	tunnel_wipe(&t);
}

/* It keeps the tunnel alive for ever: sessions are renewed, a keepalive arrives each interval. */
TEST(tick_persistent_keepalive_goes_on)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 620));
	CHECK(set_keepalive(&t, &t.a, 25));
	tunnel_run(&t, 3600 * SECOND);
	CHECK(t.a.sent[MESSAGE_DATA] >= 3600 / 25);
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	CHECK(t.a.sent[MESSAGE_INITIATION] <= 1 + 3600 / 120);
	CHECK_EQ(0, t.b.sent[MESSAGE_INITIATION] + t.b.sent[MESSAGE_DATA]);
	t.b.is_mute = true; /* gives up, and tries again all the same */
	tunnel_run(&t, 600 * SECOND);
	CHECK(end_take_events(&t.a, EVENT_GAVE_UP) >= 1);
	uint32_t sent = t.a.sent[MESSAGE_INITIATION];
	tunnel_run(&t, 120 * SECOND);
	CHECK(t.a.sent[MESSAGE_INITIATION] > sent + 10);
	t.b.is_mute = false;
	tunnel_run(&t, 40 * SECOND);
	CHECK(end_peer(&t.b)->keyring.current);
	tunnel_wipe(&t);
}

TEST(tick_persistent_keepalive_without_endpoint)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 621));
	end_peer(&t.a)->endpoint = (struct endpoint){0};
	CHECK(set_keepalive(&t, &t.a, 10));
	CHECK_EQ(0, sent_within(&t, 95 * SECOND));
	CHECK_EQ(10, end_take_events(&t.a, EVENT_NO_ENDPOINT));
	struct change_peer entry = entry_of(&t.b);
	entry.has_endpoint = true;
	entry.endpoint = t.b.address;
	CHECK(end_change_peer(&t.a, &entry, &t.now));
	CHECK_EQ(3, sent_within(&t, 0)); /* initiation, response, keepalive: at once */
	tunnel_wipe(&t);
}
