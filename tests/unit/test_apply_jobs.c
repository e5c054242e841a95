/* Changes, and what else ends sessions, while jobs that use them are out. */
#include "unit/test.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/tunnel.h"

static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	tunnel_skip(t, SECOND);
	return true;
}

enum blow { REMOVE, LINK_DOWN, ROTATE, KEY_CHANGED, ERASED, REPLACED, DESTROYED_UNTAKEN, BLOWS };

static void strike(struct tunnel *t, struct end *end, enum blow blow)
{
	struct change_peer entry = entry_of(tunnel_other(t, end));
	struct change change = {.replace_peers = true};
	struct private_key key = {{0x44}};
	private_key_clamp(&key);
	switch (blow) {
	case REMOVE:
		entry.remove = true;
		end_change_peer(end, &entry, &t->now);
		break;
	case LINK_DOWN: device_set_link(end->device, false, &t->now); break;
	case ROTATE:
		for (int i = 0; i < 3; i++) {
			timers_stop(&end_peer(end)->timers);
			negotiate_begin(end->device, end_peer(end), &t->now);
			for (struct flight *f; (f = tunnel_take(t)); free(f))
				tunnel_bring(t, f);
			tunnel_settle(t);
			tunnel_skip(t, SECOND);
		}
		break;
	case KEY_CHANGED: end_change_key(end, &key, &t->now); break;
	case ERASED:
		tunnel_skip(t, KEY_ERASURE_TIME);
		device_tick(end->device, &t->now);
		break;
	case REPLACED: device_apply(end->device, &change, &t->now); break;
	case DESTROYED_UNTAKEN:
	case BLOWS: break;
	}
}

/* Three seal jobs and an open job of a, its first ones taken, when the blow falls. */
static bool survives(enum blow blow, int taken_count)
{
	struct tunnel t;
	struct job *taken[4];
	if (!connect(&t, 820 + (uint64_t)blow))
		return false;
	tunnel_offer(&t, &t.b, 2, 50);
	tunnel_pump(&t, &t.b);
	for (uint32_t i = 0; i < 3; i++)
		tunnel_offer(&t, &t.a, 4, 4 * i);
	for (struct flight *f; (f = tunnel_take(&t)); free(f))
		tunnel_bring(&t, f);
	for (int i = 0; i < taken_count; i++)
		taken[i] = device_take_job(t.a.device);
	strike(&t, &t.a, blow);
	job_run_batch(taken, (size_t)taken_count);
	for (int i = 0; i < taken_count; i++)
		device_put_job(t.a.device, taken[i], &t.now);
	if (blow != DESTROYED_UNTAKEN)
		tunnel_settle(&t);
	bool ok = !end_peer(&t.a) || end_peer(&t.a)->pins == 0 || blow == DESTROYED_UNTAKEN;
	tunnel_wipe(&t); /* finds out whether all was given back */
	return ok;
}

/* What was sealed or received before its session was rotated out is good; not when it was wiped. */
TEST(apply_jobs_of_a_session_that_is_gone)
{
	static const enum blow blows[] = {ROTATE, REMOVE, LINK_DOWN, ERASED};
	for (size_t row = 0; row < sizeof blows / sizeof *blows; row++) {
		struct tunnel t;
		struct job *taken[3];
		bool is_rotated = blows[row] == ROTATE;
		CHECK(connect(&t, 840));
		tunnel_offer(&t, &t.b, 2, 50);
		tunnel_pump(&t, &t.b);
		for (struct flight *f; (f = tunnel_take(&t)); free(f))
			tunnel_bring(&t, f);
		tunnel_offer(&t, &t.a, 4, 0);
		for (int i = 0; i < 3; i++)
			taken[i] = device_take_job(t.a.device);
		strike(&t, &t.a, blows[row]);
		tunnel_lose(&t);
		uint32_t received = t.a.received, sent = t.a.sent[MESSAGE_DATA];
		uint64_t dropped = end_drops(&t.a, DROP_REMOVED);
		job_run_batch(taken, 3);
		for (int i = 0; i < 3; i++)
			device_put_job(t.a.device, taken[i], &t.now);
		tunnel_pump(&t, &t.a);
		CHECK_EQ(is_rotated ? 2 : 0, t.a.received - received);
		CHECK_EQ(is_rotated ? 4 : 0, t.a.sent[MESSAGE_DATA] - sent);
		CHECK_EQ(is_rotated ? 0 : 6, end_drops(&t.a, DROP_REMOVED) - dropped);
		tunnel_wipe(&t);
	}
}

TEST(apply_jobs_that_are_out)
{
	for (int blow = 0; blow < BLOWS; blow++)
		for (int taken_count = 0; taken_count <= 4; taken_count++)
			CHECK(survives((enum blow)blow, taken_count));
}

/* Each datagram of a whole burst is counted, once. */
TEST(apply_counts_what_a_removed_peer_had_sent)
{
	struct tunnel t;
	struct change_peer entry;
	CHECK(connect(&t, 850));
	tunnel_offer(&t, &t.b, 1, 50);
	tunnel_pump(&t, &t.b);
	struct flight *f = tunnel_take(&t);
	struct burst *burst = burst_pool_get(&t.a.pool, BURST_LARGE);
	burst->stride = f->len;
	for (uint32_t i = 0; i < BURST_PACKETS_MAX; i++)
		burst_add(burst, f->bytes, f->len);
	device_put_datagrams(t.a.device, burst, &f->from, &t.now);
	struct job *job = device_take_job(t.a.device);
	entry = entry_of(&t.b);
	entry.remove = true;
	end_change_peer(&t.a, &entry, &t.now);
	job_run_batch(&job, 1);
	device_put_job(t.a.device, job, &t.now);
	CHECK_EQ(BURST_PACKETS_MAX, end_drops(&t.a, DROP_REMOVED));
	free(f);
	tunnel_wipe(&t);
}
