/*
 * Clocks that jump: the wall clock in both directions, at any age of a session;
 * boottime after a suspend, and (a kernel's bug) backwards; and the way back for
 * a machine whose clock was ahead once.
 */
#include "unit/test.h"

#include <stdlib.h>

#include "device/negotiate.h"
#include "unit/tunnel.h"

#define YEAR  (UINT64_C(31557600) * SECOND)
#define TENTH (SECOND / 10)

static bool connect(struct tunnel *t, uint64_t seed)
{
	if (!tunnel_init(t, seed) || !tunnel_ping(t, &t->a))
		return false;
	t->a.received = t->b.received = 0;
	return true;
}

/* What one more packet makes an end send: an initiation, data, both. */
struct sent {
	uint32_t initiations, data;
};

static struct sent send_one(struct tunnel *t, struct end *end)
{
	struct sent before = {end->sent[MESSAGE_INITIATION], end->sent[MESSAGE_DATA]};
	tunnel_offer(t, end, 1, 0);
	tunnel_pump(t, end);
	return (struct sent){end->sent[MESSAGE_INITIATION] - before.initiations,
		end->sent[MESSAGE_DATA] - before.data};
}

/* Regressions 29: 119.9, 120, 179.9 and 180 s by boottime, whatever the wall clock does. */
TEST(clock_wall_jumps_change_no_age)
{
	static const struct {
		nanos age;
		bool is_initiator;
		struct sent sent;
	} rows[] = {
		{1199 * TENTH, true, {0, 1}},
		{1200 * TENTH, true, {1, 1}},
		{1799 * TENTH, true, {1, 1}},
		{1800 * TENTH, true, {1, 0}},
		{1199 * TENTH, false, {0, 1}},
		{1200 * TENTH, false, {0, 1}},
		{1799 * TENTH, false, {0, 1}},
		{1800 * TENTH, false, {1, 0}},
	};
	const nanos walls[] = {0, 1, 53 * YEAR, 54 * YEAR, 100 * YEAR, 500 * YEAR, UINT64_MAX};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (size_t k = 0; k < sizeof walls / sizeof *walls; k++) {
			struct tunnel t;
			CHECK(connect(&t, 1300));
			t.now.boottime = end_peer(&t.a)->keyring.current->birth + rows[i].age;
			t.now.realtime = walls[k];
			struct end *end = rows[i].is_initiator ? &t.a : &t.b;
			struct sent sent = send_one(&t, end);
			CHECK_EQ(rows[i].sent.initiations, sent.initiations);
			CHECK_EQ(rows[i].sent.data, sent.data);
			tunnel_settle(&t);
			CHECK_EQ(1, tunnel_other(&t, end)->received);
			tunnel_wipe(&t);
		}
	}
}

/* Regressions 29: the wall clock jumps each second, and nothing is lost for it. */
TEST(clock_wall_jumps_lose_nothing)
{
	struct tunnel t;
	struct stream stream = {.seed = 29};
	struct rng rng = {stream_fill, &stream};
	CHECK(connect(&t, 1301));
	for (uint32_t i = 1; i <= 900; i++) {
		t.now.realtime = rng_u32(&rng) % 100 * YEAR;
		tunnel_offer(&t, &t.a, 1, 0);
		tunnel_offer(&t, &t.b, 1, 0);
		tunnel_run(&t, SECOND);
		CHECK_EQ(i, t.a.received);
		CHECK_EQ(i, t.b.received);
	}
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	CHECK_EQ(1 + 900 / 120, t.a.sent[MESSAGE_INITIATION]);
	tunnel_wipe(&t);
}

enum first { TICK, INNER, DATAGRAM, FIRSTS };

/*
 * a sleeps with a packet of b's on the way to it, a job that is out, and nothing
 * else; then this comes first. Whether nothing was sealed or opened after its time.
 */
static bool wakes_well(nanos sleep, enum first first)
{
	struct tunnel t;
	if (!connect(&t, 1302))
		return false;
	nanos birth = end_peer(&t.a)->keyring.current->birth;
	bool is_old = sleep >= REJECT_AFTER_TIME;
	tunnel_offer(&t, &t.b, 1, 0);
	tunnel_pump(&t, &t.b);
	tunnel_offer(&t, &t.a, 1, 0);
	struct job *job = device_take_job(t.a.device);
	t.now.boottime = birth + sleep;
	struct flight *late = tunnel_take(&t);
	uint32_t data = t.a.sent[MESSAGE_DATA];
	if (first == TICK)
		device_tick(t.a.device, &t.now);
	else if (first == INNER)
		tunnel_offer(&t, &t.a, 1, 0);
	else
		tunnel_bring(&t, late);
	tunnel_pump(&t, &t.a);
	data = t.a.sent[MESSAGE_DATA] - data; /* a tick may bring a keepalive */
	bool ok = is_old ? data == 0 : first == TICK || data == (first == INNER);
	ok = ok && t.a.received == (first == DATAGRAM && !is_old);
	job_run_batch(&job, 1);
	device_put_job(t.a.device, job, &t.now);
	free(late);
	tunnel_settle(&t);
	/* Within a retry there is a session again, of which both have the same view. */
	tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
	ok = ok && tunnel_ping(&t, &t.a) && tunnel_ping(&t, &t.b);
	ok = ok && (!is_old || end_peer(&t.a)->keyring.current->birth > birth);
	tunnel_wipe(&t);
	return ok;
}

/* Regressions 29: boottime goes on in a suspend, so old sessions are of no use after it. */
TEST(clock_suspend)
{
	static const nanos sleeps[] = {1 * SECOND, 1199 * TENTH, 1200 * TENTH, 1799 * TENTH,
		1800 * TENTH, 5399 * TENTH, 5400 * TENTH, 86400 * SECOND, 10 * YEAR};
	for (size_t i = 0; i < sizeof sleeps / sizeof *sleeps; i++)
		for (int first = 0; first < FIRSTS; first++)
			CHECK(wakes_well(sleeps[i], (enum first)first));
}

/* Regressions 29: boottime never goes back; were it to, nothing breaks, and all comes right. */
TEST(clock_boottime_goes_back)
{
	static const nanos backs[] = {1, SECOND, 100 * SECOND, 1000 * SECOND};
	for (size_t i = 0; i < sizeof backs / sizeof *backs; i++) {
		struct tunnel t;
		CHECK(connect(&t, 1303));
		t.a.device->backlog.load_until = t.now.boottime + SECOND;
		nanos before = t.now.boottime;
		t.now.boottime -= backs[i];
		for (int k = 0; k < 20; k++) {
			tunnel_offer(&t, k % 2 ? &t.a : &t.b, 3, 0);
			if (k % 5 == 0) {
				timers_stop(&end_peer(&t.a)->timers);
				negotiate_begin(t.a.device, end_peer(&t.a), &t.now);
			}
			device_tick(t.a.device, &t.now);
			device_tick(t.b.device, &t.now);
			tunnel_settle(&t);
			tunnel_skip(&t, SECOND / 4);
		}
		t.now.boottime = before;
		tunnel_run(&t, REKEY_TIMEOUT + REKEY_JITTER_MAX);
		CHECK(tunnel_ping(&t, &t.a) && tunnel_ping(&t, &t.b));
		tunnel_wipe(&t);
	}
}

/* ---------------------------------------------------------------- a clock that was ahead once */

/* The next life of a, with the same configuration; `floor`: what its state file says, or NULL. */
static bool restart_a(struct tunnel *t, const struct tai64n *floor)
{
	struct end *a = &t->a;
	struct change_allowed_ip ips[] = {{.prefix = {t->b.inner4, 32}}};
	struct change_peer entry = entry_of(&t->b);
	struct device_setup setup = {&a->arena, &a->pool, {stream_fill, &a->stream}, 1u << 20};
	entry.has_endpoint = entry.has_preshared_key = true;
	entry.endpoint = t->b.address;
	memset(&entry.preshared_key, 0x5a, DH_LEN);
	entry.allowed_ips = ips;
	entry.allowed_ip_count = 1;
	device_destroy(a->device);
	a->device = device_create(&setup);
	if (!a->device)
		return false;
	if (floor)
		device_set_stamp_floor(a->device, floor);
	device_set_mtu(a->device, TUNNEL_MTU);
	device_set_link(a->device, true, &t->now);
	return end_change_key(a, &a->private_key, &t->now) && end_change_peer(a, &entry, &t->now);
}

/* b has heard of 2033; a lives on in 2023, and has forgotten. */
static bool brick(struct tunnel *t, struct tai64n *sent)
{
	if (!tunnel_init(t, 1304))
		return false;
	t->now.realtime += 10 * YEAR;
	if (!tunnel_ping(t, &t->a))
		return false;
	*sent = *device_sent_stamp(t->a.device);
	t->now.realtime -= 10 * YEAR;
	tunnel_skip(t, 10 * SECOND);
	end_take_events(&t->b, EVENT_SESSION);
	timers_stop(&end_peer(&t->b)->timers); /* b has nothing to say */
	t->a.received = t->b.received = 0;
	return true;
}

/* Regressions 10: without its stamp file a is refused, and b says both stamps. */
TEST(clock_ahead_once_is_refused_and_explained)
{
	struct tunnel t;
	struct tai64n sent;
	struct event event;
	CHECK(brick(&t, &sent) && restart_a(&t, NULL));
	tunnel_offer(&t, &t.a, 1, 0);
	tunnel_run(&t, 60 * SECOND);
	CHECK_EQ(0, t.b.received);
	CHECK(end_drops(&t.b, DROP_STALE_STAMP) >= 10);
	CHECK(device_take_event(t.b.device, &event));
	CHECK_EQ(EVENT_REFUSED, event.kind);
	CHECK_EQ(DROP_STALE_STAMP, event.reason);
	CHECK_MEM(&sent, &event.latest_stamp, sizeof sent);
	CHECK(tai64n_to_realtime(&event.latest_stamp) - tai64n_to_realtime(&event.stamp) >
		9 * YEAR);
	tunnel_wipe(&t);
}

/* Regressions 10, the ways back that adit(8) tells. */
TEST(clock_ahead_once_recovers_with_the_stamp_file)
{
	struct tunnel t;
	struct tai64n sent;
	CHECK(brick(&t, &sent) && restart_a(&t, &sent));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(0, end_drops_total(&t.b));
	tunnel_wipe(&t);
}

TEST(clock_ahead_once_recovers_when_the_other_end_initiates)
{
	struct tunnel t;
	struct tai64n sent;
	CHECK(brick(&t, &sent) && restart_a(&t, NULL));
	tunnel_skip(&t, REJECT_AFTER_TIME); /* b has no session any more */
	CHECK(tunnel_ping(&t, &t.b));
	tunnel_wipe(&t);
}

TEST(clock_ahead_once_recovers_when_the_peer_is_added_anew)
{
	struct tunnel t;
	struct tai64n sent;
	CHECK(brick(&t, &sent) && restart_a(&t, NULL));
	struct change_allowed_ip ips[] = {{.prefix = {t.a.inner4, 32}}};
	struct change_peer entries[] = {entry_of(&t.a), entry_of(&t.a)};
	entries[0].remove = true;
	entries[1].has_preshared_key = true;
	memset(&entries[1].preshared_key, 0x5a, DH_LEN);
	entries[1].allowed_ips = ips;
	entries[1].allowed_ip_count = 1;
	struct change change = {.peers = entries, .peer_count = 2};
	CHECK(device_apply(t.b.device, &change, &t.now));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(0, end_drops(&t.b, DROP_STALE_STAMP));
	tunnel_wipe(&t);
}

/* Found by the simulator: b would have got the very stamp that it had, and refused it. */
TEST(clock_set_back_repeats_no_stamp_for_a_peer_added_anew)
{
	struct tunnel t;
	CHECK(tunnel_init(&t, 1305));
	CHECK(tunnel_ping(&t, &t.a));
	tunnel_skip(&t, SECOND);
	t.now.realtime -= 2 * SECOND;
	struct change_allowed_ip ips[] = {{.prefix = {t.b.inner4, 32}}};
	struct change_peer entries[] = {entry_of(&t.b), entry_of(&t.b)};
	entries[0].remove = true;
	entries[1].has_endpoint = entries[1].has_preshared_key = true;
	entries[1].endpoint = t.b.address;
	memset(&entries[1].preshared_key, 0x5a, DH_LEN);
	entries[1].allowed_ips = ips;
	entries[1].allowed_ip_count = 1;
	struct change change = {.peers = entries, .peer_count = 2};
	CHECK(device_apply(t.a.device, &change, &t.now));
	CHECK(tunnel_ping(&t, &t.a));
	CHECK_EQ(0, end_drops(&t.b, DROP_STALE_STAMP));
	tunnel_wipe(&t);
}
