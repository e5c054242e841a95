#include "unit/test.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "device/transmit.h"
#include "unit/tunnel.h"

static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	return true;
}

/* A data message from `end`, not yet brought to the other. */
static struct flight *seal(struct tunnel *t, struct end *end, uint32_t tag)
{
	tunnel_offer(t, end, 1, tag);
	tunnel_pump(t, end);
	return tunnel_take(t);
}

static struct flight *seal_bytes(
	struct tunnel *t, struct end *end, const uint8_t *packet, uint32_t len)
{
	tunnel_offer_bytes(t, end, packet, len);
	tunnel_pump(t, end);
	return tunnel_take(t);
}

static void bring(struct tunnel *t, struct flight *flight)
{
	tunnel_bring(t, flight);
	free(flight);
	tunnel_pump(t, &t->a);
	tunnel_pump(t, &t->b);
}

/* Regressions 5: on receive at 165 s, the initiator only, once. */
TEST(receive_renews_at_165_s_as_the_initiator)
{
	static const struct {
		nanos age;
		bool is_initiator;
		uint32_t initiations;
	} rows[] = {
		{REKEY_ON_RECEIVE_TIME - 1, true, 0},
		{REKEY_ON_RECEIVE_TIME, true, 1},
		{REJECT_AFTER_TIME - 1, true, 1},
		{REKEY_ON_RECEIVE_TIME, false, 0},
		{REJECT_AFTER_TIME - 1, false, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tunnel t;
		CHECK(connect(&t, 400));
		struct end *end = rows[i].is_initiator ? &t.a : &t.b;
		uint32_t before = end->sent[MESSAGE_INITIATION];
		struct session *session = end_peer(tunnel_other(&t, end))->keyring.current;
		tunnel_skip(&t, rows[i].age);
		session->is_initiator = false; /* the sender does not renew on its own */
		for (uint32_t k = 0; k < 3; k++)
			bring(&t, seal(&t, tunnel_other(&t, end), k));
		CHECK_EQ(rows[i].initiations, end->sent[MESSAGE_INITIATION] - before);
		CHECK(end->received >= 1);
		tunnel_wipe(&t);
	}
}

/* Regressions 5: what arrives late on the old session renews nothing again. */
TEST(receive_late_packets_of_the_old_session_do_not_renew_again)
{
	struct tunnel t;
	CHECK(connect(&t, 401));
	tunnel_skip(&t, REKEY_ON_RECEIVE_TIME);
	struct flight *late = seal(&t, &t.b, 7);
	tunnel_offer(&t, &t.b, 1, 6);
	tunnel_settle(&t);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	bring(&t, late);
	CHECK_EQ(2, t.a.received);
	CHECK(!timers_has_attempt(&end_peer(&t.a)->timers));
	tunnel_run(&t, 30 * SECOND);
	CHECK_EQ(2, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

TEST(receive_refuses_sessions_of_180_s)
{
	struct tunnel t;
	CHECK(connect(&t, 402));
	struct flight *last = seal(&t, &t.a, 1), *late = seal(&t, &t.a, 2);
	nanos birth = end_peer(&t.b)->keyring.current->birth;
	tunnel_skip(&t, birth + REJECT_AFTER_TIME - 1 - t.now.boottime);
	bring(&t, last);
	CHECK_EQ(1, t.b.received);
	tunnel_skip(&t, 1);
	bring(&t, late);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(1, end_drops(&t.b, DROP_SESSION_EXPIRED));
	CHECK_EQ(1, end_peer(&t.b)->drops.count[DROP_SESSION_EXPIRED]);
	tunnel_wipe(&t);
}

/* Regressions 18: the endpoint moves if and only if a packet was authentic and new. */
TEST(receive_roams_on_authentic_data_only)
{
	struct tunnel t;
	struct event event;
	struct endpoint elsewhere = {.address = ip("203.0.113.5"), .port = 5};
	CHECK(connect(&t, 403));
	end_take_events(&t.b, EVENT_SESSION);
	const struct endpoint *known = &end_peer(&t.b)->endpoint;
	struct flight *f = seal(&t, &t.a, 1);
	CHECK(f);
	f->from = elsewhere;
	for (uint32_t at = 0; at < f->len; at++) { /* wherever it is spoilt */
		f->bytes[at] ^= 0x10;
		tunnel_bring(&t, f);
		tunnel_pump(&t, &t.b);
		f->bytes[at] ^= 0x10;
		CHECK(endpoint_is_same_remote(&t.a.address, known));
	}
	CHECK_EQ(f->len, end_drops_total(&t.b));
	tunnel_bring(&t, f);
	tunnel_pump(&t, &t.b);
	CHECK(endpoint_is_same_remote(&elsewhere, known));
	CHECK_EQ(1, t.b.received);
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_ENDPOINT_MOVED, event.kind);
	CHECK(endpoint_is_same_remote(&elsewhere, &event.endpoint));
	f->from = t.a.address; /* replayed from where it was before */
	bring(&t, f);
	CHECK_EQ(1, end_drops(&t.b, DROP_REPLAY));
	CHECK(endpoint_is_same_remote(&elsewhere, known));
	CHECK(!device_take_event(t.b.device, &event));
	t.a.address = elsewhere; /* a keepalive will do; answers find their way */
	tunnel_ping(&t, &t.b);
	CHECK_EQ(1, t.a.received);
	t.a.address = (struct endpoint){.address = ip("2001:db8::7"), .port = 7};
	transmit_keepalive(t.a.device, end_peer(&t.a), &t.now);
	tunnel_settle(&t);
	CHECK(endpoint_is_same_remote(&t.a.address, known));
	CHECK_EQ(0, t.lost);
	tunnel_wipe(&t);
}

/* Regressions 12: a more specific prefix gives the source to another peer. */
TEST(receive_checks_whose_the_source_is)
{
	static const struct {
		const char *source;
		bool is_theirs;
	} rows[] = {
		{"10.1.0.1", true},
		{"10.1.2.3", false}, /* 10.1.2.0/24 belongs to the other */
		{"10.1.3.1", true},
		{"10.2.0.1", false},
		{"fd01::1", true},
		{"fd01:0:0:1::1", false},
		{"fd02::1", false},
		{"0.0.0.0", false},
	};
	struct tunnel t;
	struct public_key other = {{9, 9}};
	struct change_allowed_ip theirs[] = {
		{.prefix = ip_net("10.1.0.0", 16)}, {.prefix = ip_net("fd01::", 16)}};
	struct change_allowed_ip others[] = {
		{.prefix = ip_net("10.1.2.0", 24)}, {.prefix = ip_net("fd01:0:0:1::", 64)}};
	CHECK(connect(&t, 404));
	struct change_peer entry = entry_of(&t.a);
	entry.allowed_ips = theirs;
	entry.allowed_ip_count = 2;
	CHECK(end_change_peer(&t.b, &entry, &t.now));
	entry = (struct change_peer){
		.public_key = other, .allowed_ips = others, .allowed_ip_count = 2};
	CHECK(end_change_peer(&t.b, &entry, &t.now));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t packet[INNER_LEN];
		struct ip_address source = ip(rows[i].source);
		uint32_t received = t.b.received;
		uint64_t drops = end_peer(&t.b)->drops.count[DROP_INNER_SOURCE];
		inner_build(packet, INNER_LEN, &source,
			source.family == IP_V4 ? &t.b.inner4 : &t.b.inner6, 0);
		bring(&t, seal_bytes(&t, &t.a, packet, INNER_LEN));
		CHECK_EQ(rows[i].is_theirs, t.b.received - received);
		CHECK_EQ(
			!rows[i].is_theirs, end_peer(&t.b)->drops.count[DROP_INNER_SOURCE] - drops);
	}
	tunnel_wipe(&t);
}

/* Packets whose inside is not IP are counted, not delivered; the peer is alive all the same. */
TEST(receive_drops_malformed_inner_packets)
{
	struct tunnel t;
	uint8_t packets[5][INNER_LEN];
	CHECK(connect(&t, 405));
	uint64_t rx = end_peer(&t.b)->rx_bytes;
	for (int i = 0; i < 5; i++)
		inner_build(packets[i], INNER_LEN, &t.a.inner4, &t.b.inner4, 0);
	packets[0][0] = 0x55;			  /* version 5 */
	packets[1][0] = 0x44;			  /* a header of 16 bytes */
	store_be16(packets[2] + 2, 97);		  /* longer than the padded packet */
	store_be16(packets[3] + 2, 19);		  /* shorter than its header */
	memset(packets[4], 0, sizeof packets[4]); /* nothing but padding */
	struct burst *burst = tunnel_inner(&t, &t.a, 6, 0);
	for (uint32_t i = 0; i < 5; i++)
		memcpy(burst_inner(burst, i + 1), packets[i], INNER_LEN);
	device_put_inner(t.a.device, burst, &t.now);
	tunnel_settle(&t);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(5, end_drops(&t.b, DROP_INNER_MALFORMED));
	CHECK_EQ(rx + 6 * 128, end_peer(&t.b)->rx_bytes);
	CHECK(end_peer(&t.b)->timers.deadline[TIMER_KEEPALIVE] != NANOS_NEVER);
	tunnel_wipe(&t);
}

/* The inner header tells the length: the padding stays behind. */
TEST(receive_cuts_the_padding_off)
{
	struct tunnel t;
	uint8_t packet[INNER_LEN];
	CHECK(connect(&t, 406));
	inner_build(packet, INNER_LEN, &t.a.inner4, &t.b.inner4, 0);
	store_be16(packet + 2, 52);
	bring(&t, seal_bytes(&t, &t.a, packet, INNER_LEN));
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(52, t.b.inner_len);
	tunnel_wipe(&t);
}

TEST(receive_delivers_nothing_twice)
{
	struct tunnel t;
	CHECK(connect(&t, 407));
	struct flight *f = seal(&t, &t.a, 3);
	struct burst *burst = burst_pool_get(&t.b.pool, 3 * f->len);
	CHECK(burst);
	burst->stride = f->len;
	for (int i = 0; i < 3; i++)
		burst_add(burst, f->bytes, f->len);
	device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	tunnel_bring(&t, f); /* two jobs in flight */
	tunnel_pump(&t, &t.b);
	tunnel_bring(&t, f);
	tunnel_pump(&t, &t.b);
	free(f);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(4, end_drops(&t.b, DROP_REPLAY));
	CHECK_EQ(4, end_peer(&t.b)->drops.count[DROP_REPLAY]);
	tunnel_wipe(&t);
}

/* Regressions 7: late by up to 8192 is not too late. */
TEST(receive_window_of_8192)
{
	struct tunnel t;
	CHECK(connect(&t, 408));
	struct flight *oldest = seal(&t, &t.a, 1), *old = seal(&t, &t.a, 2);
	struct session *session = end_peer(&t.a)->keyring.current;
	session->send_counter = load_le64(old->bytes + 8) + REPLAY_WINDOW_BITS;
	bring(&t, seal(&t, &t.a, 3));
	bring(&t, old);
	bring(&t, oldest);
	CHECK_EQ(2, t.b.received);
	CHECK_EQ(2, t.b.tags[1]);
	CHECK_EQ(1, end_drops(&t.b, DROP_REPLAY));
	tunnel_wipe(&t);
}
