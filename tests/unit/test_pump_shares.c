#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "noise/macs.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/sides.h"
#include "unit/turn.h"

static bool send_to_b(int fd, uint8_t type, size_t len)
{
	uint8_t bytes[200] = {type};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	return sendto(fd, bytes, len, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)len;
}

/* Row 30: while data waits and is owed time, handshakes are left where they are. */
static bool shares(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const nanos hour = 3600 * NANOS_PER_SECOND;
	loop_settle(&b.loop);
	b.pump.shares.owed = hour;
	/* in each turn some data is left for the next */
	for (uint32_t i = 0; i < 500; i++)
		REQUIRE(send_to_b(fd, MESSAGE_DATA, 32));
	REQUIRE(send_to_b(fd, MESSAGE_INITIATION, 148));
	uint64_t turn = b.loop.turn;
	while (end_drops(&b.end, DROP_UNKNOWN_INDEX) < 500) {
		REQUIRE(end_drops(&b.end, DROP_MAC1) == 0);
		loop_turn(&b.loop);
	}
	REQUIRE(b.loop.turn > turn + 10); /* not all at once either */
	REQUIRE(b.pump.shares.owed > 0 && b.pump.shares.owed < hour);
	loop_settle(&b.loop); /* no data any more: nothing is owed */
	REQUIRE(end_drops(&b.end, DROP_MAC1) == 1);
	/* what they cost is owed to data, several times */
	REQUIRE(b.pump.shares.owed > 0 && b.pump.shares.owed < hour);
	close(fd);
	return sides_end();
}

TEST(pump_gives_data_its_share_row_30)
{
	sandbox_run(shares);
}

/* Row 30: data that a worker has in hand is data, though none is left to be read. */
static bool under_way(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loop_settle(&b.loop);
	REQUIRE(tickets_next(&b.pump.tickets));
	tickets_take(&b.pump.tickets);
	b.pump.shares.owed = SHARES_OWED_MAX;
	REQUIRE(send_to_b(fd, MESSAGE_INITIATION, 148));
	for (int i = 0; i < 5; i++)
		loop_turn(&b.loop);
	REQUIRE(end_drops_total(&b.end) == 0);
	tickets_put(&b.pump.tickets);
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_MAC1) == 1);
	close(fd);
	return sides_end();
}

TEST(pump_counts_what_workers_have_as_data_row_30)
{
	sandbox_run(under_way);
}

/* Row 30: what comes in by one call is as many as it is, or a flood would take long turns. */
static bool merged_flood(void)
{
	enum { LEN = 148, TOGETHER = 64, TIMES = 8 };
	uint8_t bytes[LEN * TOGETHER] = {0};
	const int len = LEN;
	REQUIRE(sides_begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &len, sizeof len))
		return sandbox_skip("this kernel has no UDP_SEGMENT");
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	for (int i = 0; i < TOGETHER; i++)
		bytes[i * LEN] = MESSAGE_INITIATION;
	loop_settle(&b.loop);
	for (int i = 0; i < TIMES; i++)
		REQUIRE(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) ==
			sizeof bytes);
	b.pump.shares.owed = 0;
	loop_turn(&b.loop);
	uint64_t first = end_drops(&b.end, DROP_MAC1);
	REQUIRE(first >= TOGETHER && first < 2 * TOGETHER);
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_MAC1) == TIMES * TOGETHER);
	close(fd);
	return sides_end();
}

TEST(pump_counts_handshakes_that_come_together_row_30)
{
	sandbox_run(merged_flood);
}

/* A suspend in the midst of it, say: hours that no handshake has had. */
static void long_turn(void *context)
{
	(void)context;
	b.pump.shares.owed = 3600 * NANOS_PER_SECOND;
}

static bool bounded_debt(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loop_settle(&b.loop);
	b.pump.on_run = long_turn;
	REQUIRE(send_to_b(fd, MESSAGE_INITIATION, 148));
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_MAC1) == 1);
	REQUIRE(b.pump.shares.owed == SHARES_OWED_MAX);
	close(fd);
	return sides_end();
}

TEST(pump_owes_data_no_more_than_a_moment)
{
	sandbox_run(bounded_debt);
}

/* More initiations than one turn processes: nobody made them, but their mac1 is right. */
static bool send_waiting(int fd)
{
	struct message_initiation msg;
	struct macs_keys keys;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	memset(&msg, 0x77, sizeof msg);
	store_le32(msg.type, MESSAGE_INITIATION);
	macs_keys_derive(&keys, &b.end.public_key);
	macs_set_mac1(&msg, sizeof msg, &keys);
	for (int i = 0; i < 60; i++)
		REQUIRE(sendto(fd, &msg, sizeof msg, 0, (struct sockaddr *)&to, sizeof to) ==
			sizeof msg);
	return true;
}

/* Who has to wait for data is who handshakes are for, and not the timers of the others. */
static bool timers_meanwhile(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timers *timers = &end_peer(&b.end)->timers;
	loop_settle(&b.loop);
	REQUIRE(send_waiting(fd));
	loop_turn(&b.loop);
	uint64_t processed = end_drops(&b.end, DROP_INITIATION_FORGED);
	REQUIRE(processed > 0 && processed < 60 && device_deadline(b.end.device) == 0);
	b.pump.shares.owed = 3600 * NANOS_PER_SECOND;
	timers->deadline[TIMER_PERSISTENT] = 1;
	device_touch(b.end.device, end_peer(&b.end));
	for (int i = 0; i < 5; i++) { /* data in each turn */
		REQUIRE(send_to_b(fd, MESSAGE_DATA, 32));
		b.pump.shares.data_turn = b.loop.turn;
		loop_turn(&b.loop);
	}
	REQUIRE(end_drops(&b.end, DROP_INITIATION_FORGED) == processed);
	REQUIRE(timers->deadline[TIMER_PERSISTENT] == NANOS_NEVER); /* it went off */
	REQUIRE(device_deadline(b.end.device) == 0);
	close(fd);
	return sides_end();
}

TEST(pump_lets_timers_go_off_while_handshakes_wait)
{
	sandbox_run(timers_meanwhile);
}
