#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/clock.h"
#include "unit/capture.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/sides.h"
#include "unit/turn.h"

#define WORKERS	  3
#define PACKETS	  5000
#define UNDER_WAY 100 /* at most: what the sockets hold */
#define TURNS	  1000000

struct flow {
	struct side *from, *to;
	uint32_t sent, received;
};

/* What has come out of the tunnel; each is the next. */
static bool take_all(struct flow *flow)
{
	uint8_t got[2048];
	while (recv(flow->to->wire, got, sizeof got, MSG_DONTWAIT) == INNER_LEN)
		REQUIRE(load_be32(got + 48) == flow->received++);
	return true;
}

static bool step(struct flow *flow)
{
	while (flow->sent < PACKETS && flow->sent - flow->received < UNDER_WAY &&
		side_put(flow->from, flow->to, INNER_LEN, flow->sent))
		flow->sent++;
	loop_turn(&flow->from->loop);
	return take_all(flow);
}

/* One side has workers: this thread may have one lock at a time. A handshake first. */
static bool begin(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(side_put(&a, &b, INNER_LEN, 77) && side_take(&b) == 77);
	REQUIRE(side_put(&b, &a, INNER_LEN, 78) && side_take(&a) == 78);
	return pump_start_workers(&a.pump, WORKERS) == WORKERS;
}

static bool both_ways(void)
{
	struct flow there = {&a, &b, 0, 0}, back = {&b, &a, 0, 0};
	REQUIRE(begin());
	for (uint32_t i = 0; i < TURNS && (there.received < PACKETS || back.received < PACKETS);
		i++)
		REQUIRE(step(&there) && step(&back));
	REQUIRE(there.received == PACKETS && back.received == PACKETS);
	REQUIRE(end_drops_total(&a.end) == 0 && end_drops_total(&b.end) == 0);
	return sides_end();
}

TEST(pump_keeps_the_order_with_workers)
{
	sandbox_run(both_ways);
}

/* Sessions are wiped and peers removed while their packets are with the workers. */
static bool pulled_away(void)
{
	struct flow there = {&a, &b, 0, 0};
	REQUIRE(begin());
	for (uint32_t i = 0; i < 300; i++) {
		struct now now = clock_read();
		while (side_put(&a, &b, INNER_LEN, there.sent))
			there.sent++;
		loop_turn(&a.loop);
		loop_turn(&b.loop);
		if (i % 10 == 5) {
			device_set_link(a.end.device, false, &now);
			device_set_link(a.end.device, true, &now);
		}
		if (i % 10 == 9) {
			struct change change;
			change_init(&change);
			change.replace_peers = true;
			REQUIRE(device_apply(a.end.device, &change, &now));
			change_wipe(&change);
			REQUIRE(side_set_endpoint(&a, &b, "127.0.0.1"));
		}
		pump_run(&a.pump, &now);
	}
	return sides_end(); /* with packets in hand: nothing may be missing */
}

TEST(pump_ends_sessions_that_workers_are_at)
{
	sandbox_run(pulled_away);
}
