#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/staging.h"
#include "device/transmit.h"
#include "unit/tunnel.h"

static struct session *current(const struct end *end)
{
	return end_peer(end)->keyring.current;
}

/* A tunnel with a session that a has initiated, at rest. */
static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	return true;
}

/* Offers a packet and tells how many initiations that causes. */
static uint32_t initiations_on_send(struct tunnel *t, struct end *end)
{
	uint32_t before = end->sent[MESSAGE_INITIATION];
	tunnel_offer(t, end, 1, 0);
	tunnel_pump(t, end);
	return end->sent[MESSAGE_INITIATION] - before;
}

/* Regressions 5: by time the initiator only, and not a nanosecond early. */
TEST(transmit_renews_at_120_s_as_the_initiator)
{
	static const struct {
		nanos age;
		bool is_initiator;
		uint32_t initiations;
	} rows[] = {
		{REKEY_AFTER_TIME - 1, true, 0},
		{REKEY_AFTER_TIME, true, 1},
		{REKEY_AFTER_TIME, false, 0},
		{REJECT_AFTER_TIME - 1, false, 0},
		{REJECT_AFTER_TIME, false, 1}, /* there is no session any more */
		{REJECT_AFTER_TIME, true, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tunnel t;
		CHECK(connect(&t, 300));
		struct end *end = rows[i].is_initiator ? &t.a : &t.b;
		tunnel_skip(&t, rows[i].age);
		CHECK_EQ(rows[i].initiations, initiations_on_send(&t, end));
		CHECK_EQ(0, initiations_on_send(&t, end)); /* once */
		CHECK_EQ(rows[i].age < REJECT_AFTER_TIME, end_peer(end)->staged.count == 0);
		tunnel_settle(&t);
		CHECK_EQ(2, tunnel_other(&t, end)->received);
		tunnel_wipe(&t);
	}
}

/* Traffic one way or both, either role: a session each 120 s, no packet lost. */
TEST(transmit_goes_on_under_traffic)
{
	for (int row = 0; row < 3; row++) {
		struct tunnel t;
		uint32_t offered = 0;
		CHECK(connect(&t, 301));
		for (int i = 0; i < 600; i++) {
			if (row != 1)
				tunnel_offer(&t, &t.a, 1, 0);
			if (row != 0)
				tunnel_offer(&t, &t.b, 1, 0);
			offered++;
			tunnel_run(&t, SECOND);
		}
		CHECK_EQ(row != 1 ? offered : 0, t.b.received);
		CHECK_EQ(row != 0 ? offered : 0, t.a.received);
		/* Where only b has data, a renews with the keepalive that is due at 120 s. */
		CHECK_EQ(row == 1 ? 6 : 5, t.a.sent[MESSAGE_INITIATION]);
		CHECK_EQ(0, t.b.sent[MESSAGE_INITIATION]);
		CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
		tunnel_wipe(&t);
	}
}

/* By messages both roles renew, after the 2^60th. */
TEST(transmit_renews_by_messages_in_both_roles)
{
	for (int role = 0; role < 2; role++) {
		struct tunnel t;
		CHECK(connect(&t, 302));
		struct end *end = role ? &t.b : &t.a;
		struct session *old = current(end);
		tunnel_skip(&t, 10 * SECOND); /* Rekey-Timeout is over */
		old->send_counter = REKEY_AFTER_MESSAGES - 2;
		CHECK_EQ(0, initiations_on_send(&t, end));
		CHECK_EQ(1, initiations_on_send(&t, end));
		tunnel_settle(&t);
		CHECK_EQ(2, tunnel_other(&t, end)->received);
		CHECK(current(end) != old && current(end)->is_initiator);
		CHECK(current(end)->send_counter < 2);
		CHECK_EQ(0, initiations_on_send(&t, end));
		tunnel_wipe(&t);
	}
}

/* Regressions 6: nothing is sealed past the limit; the rest waits for the next session. */
TEST(transmit_seals_nothing_past_the_limit)
{
	for (int role = 0; role < 2; role++) {
		struct tunnel t;
		CHECK(connect(&t, 303));
		struct end *end = role ? &t.b : &t.a;
		struct end *other = tunnel_other(&t, end);
		tunnel_skip(&t, 10 * SECOND);
		struct session *old = current(end);
		old->send_counter = REJECT_AFTER_MESSAGES - 3;
		tunnel_offer(&t, end, 10, 0);
		CHECK_EQ(7, end_peer(end)->staged.count);
		tunnel_pump(&t, end);
		CHECK_EQ(REJECT_AFTER_MESSAGES, old->send_counter);
		struct flight *f = t.first;
		for (uint64_t i = 0; i < 3; i++, f = f->next) {
			CHECK(f && f->len == 128);
			CHECK_EQ(REJECT_AFTER_MESSAGES - 3 + i, load_le64(f->bytes + 8));
		}
		CHECK(f && f->len == MESSAGE_INITIATION_LEN && !f->next);
		tunnel_offer(&t, end, 2, 10);
		tunnel_settle(&t);
		CHECK_EQ(12, other->received);
		for (uint32_t i = 0; i < 12; i++)
			CHECK_EQ(i, other->tags[i]);
		CHECK_EQ(0, end_drops_total(end) + end_drops_total(other));
		tunnel_wipe(&t);
	}
}

TEST(transmit_stages_128_and_drops_the_oldest_first)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 304));
	tunnel_offer(&t, &t.a, 128, 0);
	CHECK_EQ(0, end_drops_total(&t.a));
	CHECK_EQ(128 * INNER_LEN, t.a.device->staged_bytes);
	tunnel_offer(&t, &t.a, 1, 128);
	CHECK_EQ(1, end_drops(&t.a, DROP_STAGED_FULL));
	tunnel_offer(&t, &t.a, 128, 1000);
	CHECK_EQ(129, end_drops(&t.a, DROP_STAGED_FULL));
	CHECK_EQ(129, end_peer(&t.a)->drops.count[DROP_STAGED_FULL]);
	CHECK_EQ(128, end_peer(&t.a)->staged.count);
	tunnel_offer(&t, &t.a, 1, 1128);
	tunnel_settle(&t);
	CHECK_EQ(128, t.b.received);
	for (uint32_t i = 0; i < 128; i++)
		CHECK_EQ(1001 + i, t.b.tags[i]);
	CHECK_EQ(0, t.a.device->staged_bytes);
	tunnel_wipe(&t);
}

TEST(transmit_bounds_the_staged_bytes)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 305));
	t.a.device->staged_bytes_max = 10 * INNER_LEN;
	tunnel_offer(&t, &t.a, 10, 0);
	CHECK_EQ(0, end_drops_total(&t.a));
	tunnel_offer(&t, &t.a, 5, 10);
	CHECK_EQ(5, end_drops(&t.a, DROP_NO_MEMORY));
	CHECK_EQ(10 * INNER_LEN, t.a.device->staged_bytes);
	tunnel_settle(&t);
	CHECK_EQ(10, t.b.received);
	CHECK_EQ(0, t.a.device->staged_bytes);
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_wipe(&t);
}

/* Staged packets of any lengths need more than one burst, each slot as large as its longest. */
TEST(transmit_gathers_staged_packets_of_any_length)
{
	static const uint32_t lens[][2] = {{84, 84}, {1420, 1420}, {52, 9000}, {65535, 65535}};
	for (size_t row = 0; row < 4; row++) {
		struct tunnel t;
		static uint8_t packet[65536];
		CHECK(tunnel_init(&t, 306));
		t.a.device->staged_bytes_max = t.b.device->staged_bytes_max = 10u << 20;
		device_set_mtu(t.a.device, 65535);
		for (uint32_t i = 0; i < 128; i++) {
			uint32_t len = lens[row][i % 2];
			inner_build(packet, len, &t.a.inner4, &t.b.inner4, i);
			tunnel_offer_bytes(&t, &t.a, packet, len);
		}
		tunnel_settle(&t);
		CHECK_EQ(128, t.b.received);
		for (uint32_t i = 0; i < 128; i++)
			CHECK_EQ(lens[row][i % 2] < INNER_LEN ? 0 : i, t.b.tags[i]);
		CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
		tunnel_wipe(&t);
	}
}

/* What was staged goes before what comes after it. */
TEST(transmit_keeps_the_order_across_the_handshake)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 307));
	tunnel_offer(&t, &t.a, 5, 0);
	for (int i = 0; i < 3; i++) {
		tunnel_pump(&t, &t.a);
		struct flight *f = tunnel_take(&t);
		if (f)
			tunnel_bring(&t, f);
		free(f);
		tunnel_offer(&t, &t.a, 5, 5 + 5 * (uint32_t)i);
		tunnel_pump(&t, &t.b);
	}
	tunnel_settle(&t);
	CHECK_EQ(20, t.b.received);
	for (uint32_t i = 0; i < 20; i++)
		CHECK_EQ(i, t.b.tags[i]);
	tunnel_wipe(&t);
}

TEST(transmit_sends_a_burst_in_one_piece)
{
	struct tunnel t;
	struct device_send send;
	CHECK(connect(&t, 308));
	tunnel_offer(&t, &t.a, 40, 0);
	struct job *job = device_take_job(t.a.device);
	CHECK(job && !device_take_job(t.a.device));
	CHECK_EQ(TUNNEL_MTU, job->mtu);
	CHECK_EQ(1, job->first_counter); /* the ping's packet had 0 */
	job_run_batch(&job, 1);
	device_put_job(t.a.device, job, &t.now);
	CHECK(device_take_send(t.a.device, &send));
	CHECK(!device_take_send(t.a.device, &(struct device_send){0}));
	CHECK_EQ(40, send.burst->count);
	CHECK_EQ(0, send.burst->tos);
	CHECK(!send.is_handshake);
	CHECK_MEM(&t.b.public_key, &send.peer, DH_LEN);
	CHECK(endpoint_is_same_remote(&t.b.address, &send.to));
	burst_pool_put(&t.a.pool, send.burst);
	tunnel_wipe(&t);
}

TEST(transmit_keepalive_is_an_empty_packet_or_what_is_staged)
{
	struct tunnel t;
	CHECK(connect(&t, 309));
	transmit_keepalive(t.a.device, end_peer(&t.a), &t.now);
	tunnel_pump(&t, &t.a);
	CHECK(t.first && t.first->len == MESSAGE_DATA_MIN_LEN && !t.first->next);
	tunnel_settle(&t);
	CHECK_EQ(0, t.b.received);
	uint8_t packet[INNER_LEN];
	inner_build(packet, INNER_LEN, &t.a.inner4, &t.b.inner4, 77);
	staging_push(t.a.device, end_peer(&t.a), packet, INNER_LEN);
	transmit_keepalive(t.a.device, end_peer(&t.a), &t.now);
	tunnel_pump(&t, &t.a);
	CHECK(t.first && t.first->len == 128 && !t.first->next);
	tunnel_settle(&t);
	CHECK_EQ(77, t.b.tags[0]);
	tunnel_skip(&t, REJECT_AFTER_TIME);
	transmit_keepalive(t.a.device, end_peer(&t.a), &t.now);
	tunnel_pump(&t, &t.a);
	CHECK(t.first && t.first->len == MESSAGE_INITIATION_LEN && !t.first->next);
	tunnel_wipe(&t);
}

/* Regressions 5: what was sealed under the old session and comes back late renews nothing. */
TEST(transmit_late_packets_of_the_old_session_do_not_renew_again)
{
	struct tunnel t;
	CHECK(connect(&t, 310));
	tunnel_skip(&t, REKEY_AFTER_TIME);
	tunnel_offer(&t, &t.a, 1, 0);
	struct job *late = device_take_job(t.a.device);
	CHECK_EQ(1, initiations_on_send(&t, &t.a));
	tunnel_settle(&t);
	job_run_batch(&late, 1);
	device_put_job(t.a.device, late, &t.now);
	CHECK(!timers_has_attempt(&end_peer(&t.a)->timers));
	tunnel_run(&t, 20 * SECOND);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	CHECK_EQ(2, t.b.received);
	tunnel_wipe(&t);
}
