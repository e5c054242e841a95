#include "unit/test.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/clock.h"
#include "noise/macs.h"
#include "noise/wire.h"
#include "unit/capture.h"
#include "unit/netbox.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/short_memory.h"
#include "unit/sides.h"
#include "unit/turn.h"

/* A handshake, then data in both directions, in order. */
static bool carries(const char *outer)
{
	REQUIRE(sides_begin(outer));
	for (uint32_t i = 0; i < 50; i++)
		REQUIRE(side_put(&a, &b, INNER_LEN, i));
	for (uint32_t i = 0; i < 50; i++)
		REQUIRE(side_take(&b) == i);
	for (uint32_t i = 0; i < 50; i++) {
		REQUIRE(side_put(&b, &a, INNER_LEN, 100 + i));
		REQUIRE(side_take(&a) == 100 + i);
	}
	REQUIRE(end_drops_total(&a.end) == 0 && end_drops_total(&b.end) == 0);
	REQUIRE(a.loop.deadline == device_deadline(a.end.device));
	REQUIRE(a.loop.deadline != NANOS_NEVER);
	return sides_end();
}

static bool carries_v4(void)
{
	return carries("127.0.0.1");
}

static bool carries_v6(void)
{
	return carries("::1");
}

TEST(pump_carries_packets_over_v4)
{
	sandbox_run(carries_v4);
}

TEST(pump_carries_packets_over_v6)
{
	sandbox_run(carries_v6);
}

/* ---- memory */

static bool round_trip(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		REQUIRE(side_put(&a, &b, INNER_LEN, i));
	for (uint32_t i = 0; i < count; i++)
		REQUIRE(side_take(&b) == i);
	for (uint32_t i = 0; i < count; i++)
		REQUIRE(side_put(&b, &a, INNER_LEN, i));
	for (uint32_t i = 0; i < count; i++)
		REQUIRE(side_take(&a) == i);
	return true;
}

/* What a turn needs is kept from the one before: more than it reads at once come twice. */
static bool no_allocation(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(round_trip(1) && round_trip(40));
	short_memory_begin(1);
	bool went_on = round_trip(40) && round_trip(3);
	REQUIRE(!short_memory_end() && went_on);
	return sides_end();
}

TEST(pump_allocates_nothing_for_a_packet)
{
	sandbox_run(no_allocation);
}

/* ---- UDP is full */

/* An Ethernet device whose neighbours never answer: datagrams wait, and fill the queue. */
static bool open_tap(void)
{
	struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request))
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(&address.sin_addr, ip("10.1.1.1").bytes, 4);
	memcpy(&request.ifr_addr, &address, sizeof address);
	bool ok = !ioctl(fd, SIOCSIFADDR, &request) && sandbox_set_up("tap0");
	close(fd);
	return ok; /* the device lives as long as this process */
}

static bool set_send_queue(int size)
{
	return !setsockopt(data_v4(&a.pump.udp), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int waiting_in_tun(void)
{
	int bytes = -1;
	ioctl(a.wire, SIOCOUTQ, &bytes);
	return bytes;
}

/* A session with b, then an endpoint where nothing gets on, and packets until UDP is full. */
static bool fill(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(side_put(&a, &b, INNER_LEN, 1) && side_take(&b) == 1);
	loop_settle(&a.loop);
	REQUIRE(side_set_endpoint(&a, &b, "10.1.1.2") && set_send_queue(20000));
	for (uint32_t i = 0; !a.pump.blocked.burst && i < 64; i++) {
		REQUIRE(side_put(&a, &b, 1400, i));
		loop_settle(&a.loop);
	}
	REQUIRE(a.pump.blocked.burst && a.pump.tun_events == 0);
	REQUIRE(waiting_in_tun() == 0);
	REQUIRE(side_put(&a, &b, 1400, 100));
	loop_settle(&a.loop);
	REQUIRE(waiting_in_tun() > 0); /* the packet stays where it is */
	return true;
}

static bool full_and_free_again(void)
{
	if (!open_tap())
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(fill());
	uint64_t sent = end_peer(&a.end)->tx_bytes;
	REQUIRE(set_send_queue(1 << 20));
	loop_settle(&a.loop);
	REQUIRE(!a.pump.blocked.burst && a.pump.tun_events == EPOLLIN && waiting_in_tun() == 0);
	REQUIRE(end_peer(&a.end)->tx_bytes > sent);
	REQUIRE(end_drops_total(&a.end) == 0);
	return sides_end();
}

TEST(pump_leaves_the_tun_alone_while_udp_is_full)
{
	sandbox_run(full_and_free_again);
}

/* All of them looked, and found nothing that they may do. */
static void let_workers_look(void)
{
	while (a.pump.crew.asleep < 3) {
		crew_unlock(&a.pump.crew);
		crew_lock(&a.pump.crew);
	}
}

static bool full_for_everybody(void)
{
	if (!open_tap())
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(fill());
	int waiting = waiting_in_tun();
	REQUIRE(pump_start_workers(&a.pump, 3) == 3);
	let_workers_look();
	crew_engage(&a.pump.crew);
	let_workers_look();
	REQUIRE(a.pump.blocked.burst && waiting_in_tun() == waiting);
	REQUIRE(set_send_queue(1 << 20));
	loop_settle(&a.loop);
	REQUIRE(!a.pump.blocked.burst && waiting_in_tun() == 0);
	REQUIRE(end_drops_total(&a.end) == 0);
	return sides_end();
}

TEST(pump_workers_leave_the_tun_alone_while_udp_is_full)
{
	sandbox_run(full_for_everybody);
}

/* What comes in then, with no memory left to read it into, stays where it is, too. */
static bool full_without_memory(void)
{
	struct burst *held = NULL, *burst;
	if (!open_tap())
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(fill());
	while ((burst = burst_pool_get(&a.end.pool, BURST_LARGE))) {
		burst->next = held;
		held = burst;
	}
	REQUIRE(side_put(&b, &a, INNER_LEN, 7));
	loop_settle(&b.loop);
	uint64_t turn = a.loop.turn;
	loop_settle(&a.loop);
	REQUIRE(a.loop.turn < turn + 10 && a.pump.blocked.burst);
	for (; (burst = held); burst_pool_put(&a.end.pool, burst))
		held = burst->next;
	REQUIRE(set_send_queue(1 << 20));
	loop_settle(&a.loop);
	REQUIRE(!a.pump.blocked.burst && waiting_in_tun() == 0);
	REQUIRE(side_take(&a) == 7 && end_drops_total(&a.end) == 0);
	return sides_end();
}

TEST(pump_sleeps_while_udp_is_full_and_memory_is_short)
{
	sandbox_run(full_without_memory);
}

/* Nobody asks for word of that, it comes all the same, again and again. */
static bool gone_while_full(void)
{
	if (!open_tap())
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(fill());
	uint64_t turn = a.loop.turn;
	REQUIRE(!shutdown(a.wire, SHUT_RDWR));
	loop_settle(&a.loop);
	REQUIRE(a.loop.turn < turn + 10 && a.pump.tun.fd == -1);
	return sides_end();
}

TEST(pump_gives_the_tun_up_while_udp_is_full)
{
	sandbox_run(gone_while_full);
}

static bool sockets_replaced_while_full(void)
{
	if (!open_tap())
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(fill());
	struct udp_sockets udp;
	struct now now = clock_read();
	REQUIRE(udp_open(&udp, 0, UDP_DUAL) == 0);
	end_peer(&a.end)->endpoint.source = ip("10.1.1.1");
	a.pump.progress.refused = 2;
	REQUIRE(pump_use_sockets(&a.pump, &udp) == 0);
	REQUIRE(!a.pump.blocked.burst);
	REQUIRE(end_peer(&a.end)->endpoint.source.family == IP_NONE); /* the old ones' */
	REQUIRE(side_set_endpoint(&a, &b, "127.0.0.1"));
	pump_run(&a.pump, &now);
	loop_settle(&a.loop);
	REQUIRE(waiting_in_tun() == 0 && a.pump.tun_events == EPOLLIN);
	REQUIRE(end_drops(&a.end, DROP_SEND_ERROR) == 2);
	REQUIRE(end_drops(&a.end, DROP_REMOVED) == 1 && end_drops_total(&a.end) == 3);
	return sides_end();
}

TEST(pump_goes_on_with_other_sockets)
{
	sandbox_run(sockets_replaced_while_full);
}

/* ---- what cannot be passed on */

static bool unsendable(void)
{
	REQUIRE(sides_begin("192.0.2.1")); /* no route to there */
	REQUIRE(side_put(&a, &b, INNER_LEN, 1));
	loop_settle(&a.loop);
	REQUIRE(end_drops(&a.end, DROP_SEND_ERROR) == 1);
	REQUIRE(strstr(captured(), "cannot send to 192.0.2.1:"));
	/* nor is there a socket for IPv6 any more */
	struct udp_sockets v4_only;
	REQUIRE(udp_open(&v4_only, 0, UDP_V4) == 0);
	REQUIRE(pump_use_sockets(&b.pump, &v4_only) == 0 && pump_has_sockets(&b.pump));
	REQUIRE(side_set_endpoint(&b, &a, "::1") && side_put(&b, &a, INNER_LEN, 1));
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_SEND_ERROR) == 1);
	REQUIRE(strstr(captured(), "cannot send to [::1]:"));
	return sides_end();
}

TEST(pump_counts_what_the_kernel_would_not_send)
{
	sandbox_run(unsendable);
}

static bool oversize(void)
{
	static uint8_t huge[BURST_LARGE + 1];
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(send(a.wire, huge, sizeof huge, 0) == sizeof huge);
	REQUIRE(side_put(&a, &b, INNER_LEN, 7) && side_take(&b) == 7);
	REQUIRE(end_drops(&a.end, DROP_TUN_ERROR) == 1 && end_drops_total(&a.end) == 1);
	return sides_end();
}

TEST(pump_counts_a_packet_larger_than_a_burst_row_14)
{
	sandbox_run(oversize);
}

/* Row 14: datagrams of no use, of every size, do not stop the ones behind them. */
static bool useless_datagrams(void)
{
	static uint8_t bytes[65507];
	REQUIRE(sides_begin("127.0.0.1"));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	static const size_t lens[] = {0, 1, 3, 4, 31, 32, 92, 148, 1500, 65507};
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		REQUIRE(sendto(fd, bytes, lens[i], 0, (struct sockaddr *)&to, sizeof to) ==
			(ssize_t)lens[i]);
	REQUIRE(side_put(&a, &b, INNER_LEN, 7) && side_take(&b) == 7);
	REQUIRE(end_drops_total(&b.end) == sizeof lens / sizeof *lens);
	close(fd);
	return sides_end();
}

TEST(pump_passes_over_useless_datagrams_row_14)
{
	sandbox_run(useless_datagrams);
}

/* ---- many by one call */

/* The kernel merges a shorter datagram behind data of the same sender, whatever it is. */
static bool handshake_behind_data(void)
{
	enum { LEN = 200 };
	uint8_t bytes[3 * LEN + MESSAGE_INITIATION_LEN] = {0};
	struct message_initiation msg;
	struct macs_keys keys;
	const int len = LEN;
	REQUIRE(sides_begin("127.0.0.1"));
	for (int i = 0; i < 3; i++)
		bytes[i * LEN] = MESSAGE_DATA;
	memset(&msg, 0x77, sizeof msg);
	store_le32(msg.type, MESSAGE_INITIATION);
	macs_keys_derive(&keys, &b.end.public_key);
	macs_set_mac1(&msg, sizeof msg, &keys);
	memcpy(bytes + sizeof bytes - sizeof msg, &msg, sizeof msg);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &len, sizeof len))
		return sandbox_skip("this kernel has no UDP_SEGMENT");
	REQUIRE(sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) ==
		sizeof bytes);
	loop_settle(&b.loop);
	/* nobody made it, but its mac1 is right: it was looked at as what it is */
	REQUIRE(end_drops(&b.end, DROP_UNKNOWN_INDEX) == 3);
	REQUIRE(end_drops(&b.end, DROP_INITIATION_FORGED) == 1);
	REQUIRE(end_drops_total(&b.end) == 4);
	close(fd);
	return sides_end();
}

TEST(pump_takes_a_handshake_behind_data)
{
	sandbox_run(handshake_behind_data);
}

/* What was merged before offload goes still counts as many: the socket's word is asked first. */
static bool merged_before_offload_goes(void)
{
	enum { COUNT = 20 };
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(side_put(&b, &a, INNER_LEN, 100) && side_take(&a) == 100);
	loop_settle(&b.loop);
	for (uint32_t i = 0; i < COUNT; i++) /* the tag decides on the protocol, too */
		REQUIRE(side_put(&b, &a, INNER_LEN, i << 8));
	loop_settle(&b.loop); /* all are in the queue of a's socket */
	pump_set_offload(&a.pump, false);
	for (uint32_t i = 0; i < COUNT; i++)
		REQUIRE(side_take(&a) == i << 8);
	REQUIRE(side_put(&b, &a, INNER_LEN, 101) && side_take(&a) == 101);
	REQUIRE(end_drops_total(&a.end) == 0);
	return sides_end();
}

TEST(pump_loses_nothing_when_offload_goes)
{
	sandbox_run(merged_before_offload_goes);
}

/* ---- the TUN goes away */

static bool is_dropped(void)
{
	return end_drops(&a.end, DROP_TUN_ERROR) > 0;
}

/* The supervisor hears of the deletion too, and decides; what still comes is counted. */
static bool no_tun(void)
{
	REQUIRE(sides_begin("127.0.0.1"));
	REQUIRE(side_put(&a, &b, INNER_LEN, 1) && side_take(&b) == 1);
	loop_remove(&a.loop, &a.pump.tun);
	close(a.pump.tun.fd);
	REQUIRE(pump_use_tun(&a.pump, box.tun) == 0);
	REQUIRE(netbox_delete(&box.n, box.ifindex) == 0);
	loop_settle(&a.loop); /* such a descriptor is ready for ever */
	REQUIRE(a.pump.tun.fd == -1);
	REQUIRE(side_put(&b, &a, INNER_LEN, 2));
	loop_settle(&b.loop);
	REQUIRE(loop_wait(&a.loop, is_dropped) && end_drops_total(&a.end) == 1);
	return sides_end();
}

TEST(pump_outlives_the_tun_row_22)
{
	netbox_run(no_tun);
}
