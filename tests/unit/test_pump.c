#include "unit/test.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/clock.h"
#include "io/pump.h"
#include "noise/macs.h"
#include "noise/wire.h"
#include "unit/capture.h"
#include "unit/netbox.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/tunnel.h"
#include "unit/turn.h"

/* A device with its pump; a pair of sockets stands in for the TUN. */
struct side {
	struct end end;
	struct loop loop;
	struct pump pump;
	int wire; /* our end of it */
	uint16_t port;
};

static struct side a, b;
static uint8_t packet[2048];

static bool side_begin(struct side *side, uint64_t seed, const char *inner)
{
	int ends[2];
	struct udp_sockets udp;
	struct now now = clock_read();
	REQUIRE(end_init(&side->end, seed, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	side->end.inner4 = ip(inner);
	REQUIRE(loop_init(&side->loop) == 0);
	pump_init(&side->pump, &side->loop, &side->end.pool, side->end.device);
	REQUIRE(!pump_has_sockets(&side->pump));
	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	side->wire = ends[0];
	REQUIRE(pump_use_tun(&side->pump, ends[1]) == 0);
	REQUIRE(udp_open(&udp, 0, UDP_DUAL) == 0);
	side->port = udp.port;
	REQUIRE(pump_use_sockets(&side->pump, &udp) == 0 && pump_has_sockets(&side->pump));
	device_set_mtu(side->end.device, TUNNEL_MTU);
	device_set_link(side->end.device, true, &now);
	return end_change_key(&side->end, &side->end.private_key, &now);
}

static bool side_set_endpoint(struct side *side, const struct side *other, const char *address)
{
	struct now now = clock_read();
	struct change_allowed_ip allowed = {.prefix = {other->end.inner4, 32}};
	struct change_peer entry = entry_of(&other->end);
	entry.has_endpoint = true;
	entry.endpoint = (struct endpoint){.address = ip(address), .port = other->port};
	entry.allowed_ips = &allowed;
	entry.allowed_ip_count = 1;
	bool ok = end_change_peer(&side->end, &entry, &now);
	pump_run(&side->pump, &now);
	return ok;
}

static bool begin(const char *outer)
{
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(side_begin(&a, 1, "10.0.0.1") && side_begin(&b, 2, "10.0.0.2"));
	return side_set_endpoint(&a, &b, outer) && side_set_endpoint(&b, &a, outer);
}

static void side_end(struct side *side)
{
	pump_wipe(&side->pump);
	end_wipe(&side->end); /* fails the test when a burst is missing */
	loop_wipe(&side->loop);
	close(side->wire);
}

static bool end(void)
{
	side_end(&a);
	side_end(&b);
	return true;
}

static bool put(struct side *from, const struct side *to, uint32_t len, uint32_t tag)
{
	inner_build(packet, len, &from->end.inner4, &to->end.inner4, tag);
	return send(from->wire, packet, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Lets both work until a packet comes out of the tunnel; its tag, or UINT32_MAX: none came. */
static uint32_t take(struct side *side)
{
	uint8_t got[2048];
	for (;;) {
		struct pollfd fds[] = {{.fd = a.loop.epoll_fd, .events = POLLIN},
			{.fd = b.loop.epoll_fd, .events = POLLIN},
			{.fd = side->wire, .events = POLLIN}};
		if (poll(fds, 3, TURN_TIMEOUT_MS) <= 0)
			return UINT32_MAX;
		if (fds[2].revents && recv(side->wire, got, sizeof got, 0) == INNER_LEN)
			return load_be32(got + 48);
		loop_settle(&a.loop);
		loop_settle(&b.loop);
	}
}

/* A handshake, then data in both directions, in order. */
static bool carries(const char *outer)
{
	REQUIRE(begin(outer));
	for (uint32_t i = 0; i < 50; i++)
		REQUIRE(put(&a, &b, INNER_LEN, i));
	for (uint32_t i = 0; i < 50; i++)
		REQUIRE(take(&b) == i);
	for (uint32_t i = 0; i < 50; i++) {
		REQUIRE(put(&b, &a, INNER_LEN, 100 + i));
		REQUIRE(take(&a) == 100 + i);
	}
	REQUIRE(end_drops_total(&a.end) == 0 && end_drops_total(&b.end) == 0);
	REQUIRE(a.loop.deadline == device_deadline(a.end.device));
	REQUIRE(a.loop.deadline != NANOS_NEVER);
	return end();
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
	REQUIRE(begin("127.0.0.1"));
	REQUIRE(put(&a, &b, INNER_LEN, 1) && take(&b) == 1);
	loop_settle(&a.loop);
	REQUIRE(side_set_endpoint(&a, &b, "10.1.1.2") && set_send_queue(20000));
	for (uint32_t i = 0; !a.pump.blocked.burst && i < 64; i++) {
		REQUIRE(put(&a, &b, 1400, i));
		loop_settle(&a.loop);
	}
	REQUIRE(a.pump.blocked.burst && a.pump.is_tun_paused);
	REQUIRE(waiting_in_tun() == 0);
	REQUIRE(put(&a, &b, 1400, 100));
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
	REQUIRE(!a.pump.blocked.burst && !a.pump.is_tun_paused && waiting_in_tun() == 0);
	REQUIRE(end_peer(&a.end)->tx_bytes > sent);
	REQUIRE(end_drops_total(&a.end) == 0);
	return end();
}

TEST(pump_leaves_the_tun_alone_while_udp_is_full)
{
	sandbox_run(full_and_free_again);
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
	REQUIRE(pump_use_sockets(&a.pump, &udp) == 0);
	REQUIRE(!a.pump.blocked.burst);
	REQUIRE(end_peer(&a.end)->endpoint.source.family == IP_NONE); /* the old ones' */
	REQUIRE(side_set_endpoint(&a, &b, "127.0.0.1"));
	pump_run(&a.pump, &now);
	loop_settle(&a.loop);
	REQUIRE(waiting_in_tun() == 0 && !a.pump.is_tun_paused);
	REQUIRE(end_drops(&a.end, DROP_REMOVED) == 1 && end_drops_total(&a.end) == 1);
	return end();
}

TEST(pump_goes_on_with_other_sockets)
{
	sandbox_run(sockets_replaced_while_full);
}

/* ---- what cannot be passed on */

static bool unsendable(void)
{
	REQUIRE(begin("192.0.2.1")); /* no route to there */
	REQUIRE(put(&a, &b, INNER_LEN, 1));
	loop_settle(&a.loop);
	REQUIRE(end_drops(&a.end, DROP_SEND_ERROR) == 1);
	REQUIRE(strstr(captured(), "cannot send to 192.0.2.1:"));
	/* nor is there a socket for IPv6 any more */
	struct udp_sockets v4_only;
	REQUIRE(udp_open(&v4_only, 0, UDP_V4) == 0);
	REQUIRE(pump_use_sockets(&b.pump, &v4_only) == 0 && pump_has_sockets(&b.pump));
	REQUIRE(side_set_endpoint(&b, &a, "::1") && put(&b, &a, INNER_LEN, 1));
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_SEND_ERROR) == 1);
	REQUIRE(strstr(captured(), "cannot send to [::1]:"));
	return end();
}

TEST(pump_counts_what_the_kernel_would_not_send)
{
	sandbox_run(unsendable);
}

static bool oversize(void)
{
	static uint8_t huge[BURST_LARGE + 1];
	REQUIRE(begin("127.0.0.1"));
	REQUIRE(send(a.wire, huge, sizeof huge, 0) == sizeof huge);
	REQUIRE(put(&a, &b, INNER_LEN, 7) && take(&b) == 7);
	REQUIRE(end_drops(&a.end, DROP_TUN_ERROR) == 1 && end_drops_total(&a.end) == 1);
	return end();
}

TEST(pump_counts_a_packet_larger_than_a_burst_row_14)
{
	sandbox_run(oversize);
}

/* Row 14: datagrams of no use, of every size, do not stop the ones behind them. */
static bool useless_datagrams(void)
{
	static uint8_t bytes[65507];
	REQUIRE(begin("127.0.0.1"));
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(b.port)};
	memcpy(&to.sin_addr, ip("127.0.0.1").bytes, 4);
	static const size_t lens[] = {0, 1, 3, 4, 31, 32, 92, 148, 1500, 65507};
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
		REQUIRE(sendto(fd, bytes, lens[i], 0, (struct sockaddr *)&to, sizeof to) ==
			(ssize_t)lens[i]);
	REQUIRE(put(&a, &b, INNER_LEN, 7) && take(&b) == 7);
	REQUIRE(end_drops_total(&b.end) == sizeof lens / sizeof *lens);
	close(fd);
	return end();
}

TEST(pump_passes_over_useless_datagrams_row_14)
{
	sandbox_run(useless_datagrams);
}

/* ---- shares */

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
	REQUIRE(begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const nanos hour = 3600 * NANOS_PER_SECOND;
	loop_settle(&b.loop);
	b.pump.owed = hour;
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
	REQUIRE(b.pump.owed > 0 && b.pump.owed < hour);
	loop_settle(&b.loop); /* no data any more: nothing is owed */
	REQUIRE(end_drops(&b.end, DROP_MAC1) == 1);
	/* what they cost is owed to data, several times */
	REQUIRE(b.pump.owed > 0 && b.pump.owed < hour);
	close(fd);
	return end();
}

TEST(pump_gives_data_its_share_row_30)
{
	sandbox_run(shares);
}

/* A suspend in the midst of it, say: hours that no handshake has had. */
static void long_turn(void *context)
{
	(void)context;
	b.pump.owed = 3600 * NANOS_PER_SECOND;
}

static bool bounded_debt(void)
{
	REQUIRE(begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loop_settle(&b.loop);
	b.pump.on_run = long_turn;
	REQUIRE(send_to_b(fd, MESSAGE_INITIATION, 148));
	loop_settle(&b.loop);
	REQUIRE(end_drops(&b.end, DROP_MAC1) == 1);
	REQUIRE(b.pump.owed == PUMP_OWED_MAX);
	close(fd);
	return end();
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
	REQUIRE(begin("127.0.0.1"));
	if (handshakes_v4(&b.pump.udp) < 0)
		return sandbox_skip("this kernel does not steer");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct timers *timers = &end_peer(&b.end)->timers;
	loop_settle(&b.loop);
	REQUIRE(send_waiting(fd));
	loop_turn(&b.loop);
	uint64_t processed = end_drops(&b.end, DROP_INITIATION_FORGED);
	REQUIRE(processed > 0 && processed < 60 && device_deadline(b.end.device) == 0);
	b.pump.owed = 3600 * NANOS_PER_SECOND;
	timers->deadline[TIMER_PERSISTENT] = 1;
	device_touch(b.end.device, end_peer(&b.end));
	for (int i = 0; i < 5; i++) { /* data in each turn */
		REQUIRE(send_to_b(fd, MESSAGE_DATA, 32));
		b.pump.data_turn = b.loop.turn;
		loop_turn(&b.loop);
	}
	REQUIRE(end_drops(&b.end, DROP_INITIATION_FORGED) == processed);
	REQUIRE(timers->deadline[TIMER_PERSISTENT] == NANOS_NEVER); /* it went off */
	REQUIRE(device_deadline(b.end.device) == 0);
	close(fd);
	return end();
}

TEST(pump_lets_timers_go_off_while_handshakes_wait)
{
	sandbox_run(timers_meanwhile);
}

/* ---- the TUN goes away */

static bool is_dropped(void)
{
	return end_drops(&a.end, DROP_TUN_ERROR) > 0;
}

/* The supervisor hears of the deletion too, and decides; what still comes is counted. */
static bool no_tun(void)
{
	REQUIRE(begin("127.0.0.1"));
	REQUIRE(put(&a, &b, INNER_LEN, 1) && take(&b) == 1);
	loop_remove(&a.loop, &a.pump.tun);
	close(a.pump.tun.fd);
	REQUIRE(pump_use_tun(&a.pump, box.tun) == 0);
	REQUIRE(netbox_delete(&box.n, box.ifindex) == 0);
	loop_settle(&a.loop); /* such a descriptor is ready for ever */
	REQUIRE(a.pump.tun.fd == -1);
	REQUIRE(put(&b, &a, INNER_LEN, 2));
	loop_settle(&b.loop);
	REQUIRE(loop_wait(&a.loop, is_dropped) && end_drops_total(&a.end) == 1);
	return end();
}

TEST(pump_outlives_the_tun_row_22)
{
	netbox_run(no_tun);
}
