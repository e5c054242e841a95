/* Many datagrams by one call, where the kernel and the path can. */
#include "unit/test.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "noise/wire.h"
#include "unit/lane.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

/*
 * Equal ones lie so that they touch, or have gaps, or are fewer than a message holds;
 * the bound is that of 64 datagrams or that of 64 KiB.
 */
static bool carry(const struct ip_address *local)
{
	static const struct {
		uint32_t count, stride, len, calls;
	} rows[] = {
		{1, 1452, 1452, 1},
		{2, 1452, 1452, 1},
		{45, 1452, 1452, 1},
		{46, 1452, 1452, 2},
		{128, 1452, 1452, 3},
		{128, 1500, 1452, 3},
		{64, 96, 96, 1},
		{65, 96, 96, 2},
		{128, 2000, 96, 2},
		{128, 33, 32, 2},
		{7, 1, 1, 1},
	};
	REQUIRE(lane_begin(local) && lane.a.can_segment && lane.b.can_segment);
	lane.to.source = *local;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct udp_progress progress = {0};
		uint32_t calls;
		lane_fill_equal(rows[i].count, rows[i].stride, rows[i].len);
		lane.out.tos = (uint8_t)(i % 4 | 0x48);
		REQUIRE(lane_send(&progress) && lane_arrives(&calls));
		REQUIRE(calls == rows[i].calls);
		REQUIRE(!progress.segment_error && !progress.source_failed);
		REQUIRE(progress.segment_len == (rows[i].count > 1 ? rows[i].len : 0));
	}
	return true;
}

static bool carry_v4(void)
{
	return carry(&lane_v4);
}

static bool carry_v6(void)
{
	return lane_has_v6() ? carry(&lane_v6) : sandbox_skip("no IPv6 here");
}

TEST(udp_offload_carries_bursts_v4)
{
	sandbox_run(carry_v4);
}

TEST(udp_offload_carries_bursts_v6)
{
	sandbox_run(carry_v6);
}

/* Of any lengths: a shorter one ends a message, a longer one begins one. */
static bool mixed(void)
{
	static const uint32_t lens[][6] = {
		{1452, 1452, 1452, 1452, 1452, 92},
		{32, 1452, 32, 1452, 32, 1452},
		{100, 100, 99, 100, 100, 98},
		{1, 2, 3, 4, 5, 6},
		{6, 5, 4, 3, 2, 1},
	};
	static const uint32_t counts[] = {2, 6, 60, 128};
	REQUIRE(lane_begin(&lane_v4));
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		for (uint32_t k = 0; k < 8; k++) {
			struct udp_progress progress = {0};
			uint32_t calls;
			lane_fill(counts[k / 2], k % 2 ? 1452 : 1999, lens[i], 6);
			REQUIRE(lane_send(&progress) && lane_arrives(&calls) &&
				calls <= lane.out.count);
		}
	}
	return true;
}

TEST(udp_offload_carries_mixed_lengths)
{
	sandbox_run(mixed);
}

static uint32_t drain(int fd)
{
	struct endpoint from;
	uint32_t total = 0;
	for (int count; (count = udp_receive_burst(fd, &lane.in, &from)) >= 0;)
		total += lane.in.count;
	return total;
}

/* An empty one is no segment: it would vanish. */
static bool empty(void)
{
	static const uint32_t lens[] = {100, 100, 0, 0, 100, 0, 0};
	struct udp_progress progress = {0};
	REQUIRE(lane_begin(&lane_v4));
	lane_fill(70, 100, lens, 7);
	REQUIRE(lane_send(&progress));
	REQUIRE(drain(data_v4(&lane.b)) + drain(handshakes_v4(&lane.b)) == 70);
	return true;
}

TEST(udp_offload_loses_no_empty_datagram)
{
	sandbox_run(empty);
}

/* The kernel merges what is shorter behind data, whatever it is. */
static bool tail(const struct ip_address *local)
{
	static const uint32_t lens[] = {1452, 1452, 1452, MESSAGE_INITIATION_LEN};
	struct udp_progress progress = {0};
	struct endpoint from;
	REQUIRE(lane_begin(local));
	lane_fill(4, 1452, lens, 4);
	burst_datagram(&lane.out, 3)[0] = MESSAGE_INITIATION;
	REQUIRE(lane_send(&progress));
	REQUIRE(lane_receive(&from) == 4 && lane.in.count == 4 && lane.in.stride == 1452);
	REQUIRE(lane.in.len[3] == MESSAGE_INITIATION_LEN);
	REQUIRE(burst_datagram(&lane.in, 3)[0] == MESSAGE_INITIATION);
	return true;
}

static bool tail_v4(void)
{
	return tail(&lane_v4);
}

static bool tail_v6(void)
{
	return lane_has_v6() ? tail(&lane_v6) : sandbox_skip("no IPv6 here");
}

TEST(udp_gives_a_handshake_behind_data_on_the_data_socket_v4)
{
	sandbox_run(tail_v4);
}

TEST(udp_gives_a_handshake_behind_data_on_the_data_socket_v6)
{
	sandbox_run(tail_v6);
}

/* One that came together with nothing is alone again after one that did not. */
static bool single_after_many(void)
{
	struct udp_progress progress = {0};
	struct endpoint from;
	REQUIRE(lane_begin(&lane_v4));
	for (int i = 0; i < 3; i++) {
		progress = (struct udp_progress){0};
		lane_fill_equal(3, 200, 200);
		REQUIRE(lane_send(&progress) && lane_receive(&from) == 3);
		progress = (struct udp_progress){0};
		lane_fill_equal(1, 600, 600);
		REQUIRE(lane_send(&progress) && progress.segment_len == 0);
		REQUIRE(lane_receive(&from) == 1 && lane.in.len[0] == 600 &&
			lane.in.stride == BURST_LARGE);
	}
	return true;
}

TEST(udp_offload_knows_one_from_many)
{
	sandbox_run(single_after_many);
}

/* Where nothing merges, or nothing is to be merged, each comes alone. */
static bool switched_off(void)
{
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(lane_begin(&lane_v4));
	udp_set_offload(&lane.b, false);
	lane_fill_equal(50, 1000, 1000);
	REQUIRE(lane_send(&progress) && progress.segment_len == 1000);
	REQUIRE(lane_arrives(&calls) && calls == 50);
	udp_set_offload(&lane.b, true);
	udp_set_offload(&lane.a, false);
	REQUIRE(!lane.a.can_segment);
	progress = (struct udp_progress){0};
	REQUIRE(lane_send(&progress) && progress.segment_len == 0 && lane_arrives(&calls));
	udp_set_offload(&lane.a, true);
	progress = (struct udp_progress){.is_plain = true}; /* this time only */
	REQUIRE(lane_send(&progress) && progress.segment_len == 0 && lane_arrives(&calls));
	progress = (struct udp_progress){0};
	REQUIRE(lane_send(&progress) && lane_arrives(&calls) && calls == 1);
	struct udp_sockets none = UDP_NO_SOCKETS;
	udp_set_offload(&none, true);
	REQUIRE(!none.can_segment);
	return true;
}

TEST(udp_offload_is_switched)
{
	sandbox_run(switched_off);
}

static bool resumed(void)
{
	struct udp_progress progress = {.next = 3, .refused = 2};
	struct endpoint from;
	REQUIRE(lane_begin(&lane_v4));
	lane_fill_equal(10, 500, 500);
	REQUIRE(udp_send_burst(&lane.a, &lane.out, &lane.to, false, &progress) == 0);
	REQUIRE(progress.next == 10 && progress.refused == 2);
	REQUIRE(lane_receive(&from) == 7 && burst_datagram(&lane.in, 0)[1] == 3);
	return true;
}

TEST(udp_offload_goes_on_where_it_stopped_row_31)
{
	sandbox_run(resumed);
}

static bool stale_source(void)
{
	struct udp_progress progress = {0};
	REQUIRE(lane_begin(&lane_v4));
	lane.to.source = (struct ip_address){IP_V4, {192, 0, 2, 1}};
	lane_fill_equal(50, 1452, 1452);
	REQUIRE(lane_send(&progress) && progress.source_failed);
	REQUIRE(progress.way == 1 && !progress.segment_error); /* that is not why */
	lane.to.source = (struct ip_address){0};
	uint32_t calls;
	REQUIRE(lane_arrives(&calls) && calls <= 4);
	return true;
}

TEST(udp_offload_survives_a_stale_source_row_39)
{
	sandbox_run(stale_source);
}

static bool no_route(void)
{
	struct udp_progress progress = {0};
	REQUIRE(lane_begin(&lane_v4));
	lane.to.address = (struct ip_address){IP_V4, {192, 0, 2, 1}};
	lane_fill_equal(100, 1452, 1452);
	REQUIRE(udp_send_burst(&lane.a, &lane.out, &lane.to, false, &progress) == 0);
	REQUIRE(progress.refused == 100 && progress.error == -ENETUNREACH);
	REQUIRE(!progress.segment_error && !progress.segment_len);
	return true;
}

TEST(udp_offload_counts_all_that_has_no_route)
{
	sandbox_run(no_route);
}

/* A receiver that is too small for what comes together loses that, and says so. */
static bool small_burst(void)
{
	struct udp_progress progress = {0};
	struct endpoint from;
	REQUIRE(lane_begin(&lane_v4));
	lane_fill_equal(20, 1000, 1000);
	REQUIRE(lane_send(&progress));
	lane.in.capacity = BURST_SMALL;
	REQUIRE(lane_receive(&from) == -EMSGSIZE && lane.in.count == 0);
	lane.in.capacity = BURST_LARGE;
	progress = (struct udp_progress){0};
	REQUIRE(lane_send(&progress) && lane_receive(&from) == 20);
	return true;
}

TEST(udp_offload_is_not_cut_in_silence_row_14)
{
	sandbox_run(small_burst);
}

/* The kernel's own segments are at most 128, whatever a sender tries. */
static bool most(void)
{
	struct endpoint from;
	uint32_t total = 0;
	REQUIRE(lane_begin(&lane_v4));
	for (uint32_t count = 64; count <= 256; count *= 2) {
		const int len = 20;
		struct sockaddr_in address = {
			.sin_family = AF_INET, .sin_port = htons(lane.b.port)};
		memcpy(&address.sin_addr, lane_v4.bytes, 4);
		memset(lane.out.bytes, MESSAGE_DATA, 20 * 256);
		REQUIRE(!setsockopt(data_v4(&lane.a), IPPROTO_UDP, UDP_SEGMENT, &len, sizeof len));
		ssize_t sent = sendto(data_v4(&lane.a), lane.out.bytes, 20 * count, 0,
			(struct sockaddr *)&address, sizeof address);
		for (total = 0; sent > 0 && total < count; total += lane.in.count) {
			int got = lane_receive(&from);
			REQUIRE(got > 0 && got == (int)lane.in.count);
		}
		REQUIRE(sent < 0 || total == count);
	}
	return true;
}

TEST(udp_offload_takes_the_most_that_a_kernel_merges)
{
	sandbox_run(most);
}
