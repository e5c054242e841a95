#include "unit/test.h"

#include <errno.h>
#include <sys/socket.h>

#include "io/outlet.h"
#include "unit/capture.h"
#include "unit/lane.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/segments.h"

static struct outlet outlet;
static struct narrator narrator;
static struct udp_progress progress;

static bool set_checksums(bool is_on)
{
	const int is_off = !is_on;
	return !setsockopt(data_v4(&lane.a), SOL_SOCKET, SO_NO_CHECK, &is_off, sizeof is_off);
}

/* All of a burst; *calls as lane_arrives. */
static bool send_burst(uint32_t len, uint32_t *calls)
{
	struct device_send send = {.burst = &lane.out, .to = lane.to};
	progress = (struct udp_progress){0};
	lane_fill_equal(40, len, len);
	REQUIRE(outlet_send(&outlet, &lane.a, &send, &narrator, &progress) == 0);
	REQUIRE(progress.next == 40 && progress.refused == 0);
	return lane_arrives(calls);
}

/* A path that cuts no bursts: found out once, said once, and nothing is lost. */
static bool demoted(void)
{
	uint32_t calls;
	REQUIRE(capture_begin(NULL, "wg0") && lane_begin(&lane_v4));
	REQUIRE(send_burst(1000, &calls) && calls == 1);
	REQUIRE(outlet.demotions.count == 0 && !*captured());
	REQUIRE(set_checksums(false));
	REQUIRE(send_burst(1000, &calls) && progress.segment_error == -EINVAL);
	REQUIRE(outlet.demotions.count == 1);
	const char *said = captured();
	REQUIRE(strstr(said, "wg0: peer ") && strstr(said, "127.0.0.1:"));
	REQUIRE(strstr(said, " 1028 bytes ") && strstr(said, "Invalid argument"));
	REQUIRE(set_checksums(true)); /* it could again: that is not tried yet */
	REQUIRE(send_burst(1000, &calls) && calls == 40 && !progress.segment_error);
	REQUIRE(send_burst(999, &calls) && calls == 1);
	REQUIRE(send_burst(1001, &calls) && calls == 40);
	/* its time is over */
	struct demotion *item = &outlet.demotions.items[0];
	item->until = 1;
	REQUIRE(set_checksums(false));
	REQUIRE(send_burst(1000, &calls) && progress.segment_error == -EINVAL && item->until > 1);
	REQUIRE(send_burst(1000, &calls) && !progress.segment_error);
	item->until = 1;
	REQUIRE(set_checksums(true));
	REQUIRE(send_burst(900, &calls) && calls == 1 && item->until == 1);
	REQUIRE(send_burst(1000, &calls) && calls == 1 && item->until == 0);
	REQUIRE(send_burst(1000, &calls) && calls == 1);
	REQUIRE(!*captured());
	return true;
}

TEST(outlet_demotes_an_endpoint_for_a_while)
{
	sandbox_run(demoted);
}

/* The others are none of its business. */
static bool others(void)
{
	uint32_t calls;
	REQUIRE(capture_begin(NULL, "wg0") && lane_begin(&lane_v4));
	struct endpoint elsewhere = {.address = {IP_V4, {192, 0, 2, 1}}, .port = 1};
	REQUIRE(demotions_add(&outlet.demotions, &elsewhere, 100, -EMSGSIZE, UINT64_MAX / 4));
	REQUIRE(send_burst(1000, &calls) && calls == 1);
	lane.to.port++;
	REQUIRE(demotions_add(&outlet.demotions, &lane.to, 100, -EMSGSIZE, UINT64_MAX / 4));
	lane.to.port--;
	REQUIRE(send_burst(1000, &calls) && calls == 1);
	REQUIRE(demotions_add(&outlet.demotions, &lane.to, 100, -EMSGSIZE, UINT64_MAX / 4));
	REQUIRE(send_burst(1000, &calls) && calls == 40);
	return true;
}

TEST(outlet_demotes_nobody_else)
{
	sandbox_run(others);
}

/* No checksums in the device: then no length goes together, and the line says so. */
static bool demoted_for_checksums(void)
{
	uint32_t calls;
	REQUIRE(capture_begin(NULL, "wg0") && lane_begin(&lane_v4));
	segments_fail(EIO);
	REQUIRE(send_burst(1000, &calls) && progress.segment_error == -EIO);
	REQUIRE(strstr(captured(), "it computes no checksums"));
	segments_fail(0);
	REQUIRE(send_burst(20, &calls) && calls == 40);
	REQUIRE(!*captured());
	return true;
}

TEST(outlet_demotes_any_length_without_checksums)
{
	sandbox_run(demoted_for_checksums);
}
