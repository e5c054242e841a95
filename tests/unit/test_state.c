#include "unit/test.h"

#include "unit/tunnel.h"

TEST(state_drops_are_counted_at_the_device_and_at_the_peer)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1));
	device_drop(t.a.device, NULL, DROP_TYPE, 3);
	device_drop(t.a.device, end_peer(&t.a), DROP_TYPE, 2);
	CHECK_EQ(5, end_drops(&t.a, DROP_TYPE));
	CHECK_EQ(2, end_peer(&t.a)->drops.count[DROP_TYPE]);
	struct burst *burst = tunnel_inner(&t, &t.a, 7, 0);
	device_drop_burst(t.a.device, NULL, DROP_REPLAY, burst);
	CHECK_EQ(7, end_drops(&t.a, DROP_REPLAY));
	CHECK_EQ(0, t.a.pool.bytes_out);
	device_count_drop(t.a.device, DROP_TUN_ERROR, 4);
	CHECK_EQ(4, end_drops(&t.a, DROP_TUN_ERROR));
	CHECK_EQ(16, end_drops_total(&t.a));
	tunnel_wipe(&t);
}

TEST(state_events_come_in_order_and_the_newest_is_lost)
{
	struct tunnel t;
	struct event event;
	CHECK(tunnel_init(&t, 2));
	CHECK(!device_take_event(t.a.device, &event));
	for (int round = 0; round < 3; round++) { /* the ring wraps */
		for (uint32_t i = 0; i < DEVICE_EVENTS_MAX + 10; i++) {
			struct event told = {.kind = EVENT_REFUSED, .count = i};
			device_tell(t.a.device, &told);
		}
		for (uint32_t i = 0; i < DEVICE_EVENTS_MAX - (round == 0); i++) {
			CHECK(device_take_event(t.a.device, &event));
			CHECK_EQ(i, event.count);
		}
		if (round == 0)
			CHECK(device_take_event(t.a.device, &event));
		CHECK(!device_take_event(t.a.device, &event));
	}
	tunnel_wipe(&t);
}

TEST(state_carriers_queue_in_order_and_are_used_again)
{
	struct tunnel t;
	struct carrier_queue queue = {NULL, NULL};
	struct carrier *carriers[3];
	CHECK(tunnel_init(&t, 3));
	struct device *d = t.a.device;
	CHECK(!carrier_pop(&queue));
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3; i++) {
			CHECK((carriers[i] = carrier_create(d, NULL)));
			CHECK(!carriers[i]->peer && !carriers[i]->job.wanted[0]);
			carriers[i]->peer = end_peer(&t.a);
			carriers[i]->job.wanted[0] = 1;
			carrier_push(&queue, carriers[i]);
		}
		for (int i = 0; i < 3; i++) {
			CHECK(carrier_pop(&queue) == carriers[i]);
			carrier_recycle(d, carriers[i]);
		}
		CHECK(!carrier_pop(&queue));
	}
	int spare = 0;
	for (const struct carrier *c = d->free_carriers; c; c = c->next)
		spare++;
	CHECK_EQ(3, spare);
	tunnel_wipe(&t);
}

TEST(state_jitter_stays_within_its_bound)
{
	struct tunnel t;
	nanos least = NANOS_NEVER, greatest = 0;
	CHECK(tunnel_init(&t, 4));
	for (int i = 0; i < 2000; i++) {
		nanos jitter = device_draw_jitter(t.a.device);
		least = nanos_min(least, jitter);
		greatest = jitter > greatest ? jitter : greatest;
	}
	CHECK(least < REKEY_JITTER_MAX / 100);
	CHECK(greatest <= REKEY_JITTER_MAX);
	CHECK(greatest > REKEY_JITTER_MAX / 100 * 99);
	tunnel_wipe(&t);
}

/* A session that jobs still use outlives its retirement, but not in the table. */
TEST(state_retired_sessions_go_at_the_last_unpin)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 5));
	CHECK(tunnel_ping(&t, &t.a));
	struct device *d = t.a.device;
	struct peer *peer = end_peer(&t.a);
	struct session *session = peer->keyring.current;
	struct carrier *carriers[2];
	for (int i = 0; i < 2; i++) {
		CHECK((carriers[i] = carrier_create(d, NULL)));
		carriers[i]->peer = peer;
		carriers[i]->session = session;
		carrier_queue_job(d, carriers[i]);
		CHECK(device_take_job(d) == &carriers[i]->job);
	}
	CHECK_EQ(2, session->pins);
	CHECK_EQ(2, peer->pins);
	size_t blocks = t.a.arena.blocks_out;
	CHECK(!carrier_is_void(carriers[0]));
	device_end_sessions(d, peer);
	CHECK(!peer->keyring.current && carrier_is_void(carriers[0]));
	CHECK(session->is_retired && !index_table_find(&d->indices, session->local_index));
	device_unpin(d, peer, session);
	CHECK_EQ(blocks, t.a.arena.blocks_out);
	device_unpin(d, peer, session);
	CHECK_EQ(blocks - 1, t.a.arena.blocks_out);
	CHECK_EQ(0, peer->pins);
	carrier_recycle(d, carriers[0]);
	carrier_recycle(d, carriers[1]);
	tunnel_wipe(&t);
}
