#include "unit/test.h"

#include <fcntl.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tun.h"
#include "unit/sandbox.h"
#include "unit/tun_side.h"

/*
 * The kernel's segmentation and ours: two namespaces, each with a TUN, and us in between:
 * what one kernel gives is written to the other one. The process ends up in the second.
 */
#define TRANSFER  (4u << 20) /* bytes, each way */
#define DATAGRAMS 1000
#define DATAGRAM  500 /* bytes */
#define BEATS_MAX 200000

static struct tun_side near, far;
static union tun_side_address address;
static uint8_t bytes[BURST_LARGE];
static int version;
static unsigned near_offloads, far_offloads;

/* ---- carrying */

/* All that waits, as one turn of the loop does. */
static bool carry(struct tun_side *from, struct tun_side *to)
{
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	int count;
	while ((count = tun_read_burst(&from->tun, &burst, SIDE_MTU)) > 0) {
		for (uint32_t i = 0; i < burst.count; i++)
			REQUIRE(burst.len[i] <= SIDE_MTU);
		from->packets += (uint32_t)count;
		from->bursts++;
		REQUIRE(tun_write_bursts(&to->tun, &burst, 1) == 0);
	}
	REQUIRE(count == -EAGAIN && segment_is_done(&from->tun.rest));
	return true;
}

static uint64_t received(void) /* by wg0 of this namespace, a super-packet counted as one */
{
	char text[4096] = {0};
	int fd = open("/proc/thread-self/net/dev", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof text - 1);
	unsigned long long packets = 0;
	const char *line = len > 0 ? strstr(text, "wg0:") : NULL;
	if (line)
		sscanf(line, "wg0: %*u %llu", &packets);
	close(fd);
	return packets;
}

/* ---- TCP */

static uint8_t text_byte(uint32_t at)
{
	return (uint8_t)(at * 2654435761u >> 23);
}

static uint32_t send_text(int fd, uint32_t at)
{
	static uint8_t text[100000];
	uint32_t len = TRANSFER - at < sizeof text ? TRANSFER - at : (uint32_t)sizeof text;
	for (uint32_t i = 0; i < len; i++)
		text[i] = text_byte(at + i);
	ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
	return sent > 0 ? (uint32_t)sent : 0;
}

static bool check_text(int fd, uint32_t *at)
{
	static uint8_t text[100000];
	ssize_t got = recv(fd, text, sizeof text, 0);
	for (ssize_t i = 0; i < got; i++)
		REQUIRE(text[i] == text_byte((*at)++));
	return true;
}

/*
 * Segments with a wrong checksum that this namespace has counted. TCP would send them again;
 * how often it does anyway, where the machine is busy, says nothing.
 */
static unsigned long wrong_checksums(void)
{
	char text[8192] = {0}, *names, *values, *name, *value;
	int fd = open("/proc/thread-self/net/snmp", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof text - 1);
	close(fd);
	names = len > 0 ? strstr(text, "\nTcp: ") : NULL;
	values = names ? strstr(names + 1, "\nTcp: ") : NULL;
	if (!values)
		return 999;
	*values++ = 0;
	names++;
	while ((name = strsep(&names, " ")) && (value = strsep(&values, " \n")))
		if (!strcmp(name, "InCsumErrors"))
			return strtoul(value, NULL, 10);
	return 999;
}

static bool transfer(int there, int here)
{
	uint32_t sent = 0, arrived = 0, answered = 0, back = 0;
	for (int beat = 0; arrived < TRANSFER || back < TRANSFER; beat++) {
		REQUIRE(beat < BEATS_MAX);
		if (sent < TRANSFER)
			sent += send_text(there, sent);
		REQUIRE(carry(&near, &far) && check_text(here, &arrived));
		if (answered < TRANSFER)
			answered += send_text(here, answered);
		REQUIRE(carry(&far, &near) && check_text(there, &back));
	}
	return true;
}

static bool connect_ends(int there, int listener, int *here)
{
	socklen_t len = tun_side_address(&address, version, 2);
	REQUIRE(connect(there, &address.any, len) < 0 && errno == EINPROGRESS);
	for (int beat = 0; (*here = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0; beat++)
		REQUIRE(beat < BEATS_MAX && carry(&near, &far) && carry(&far, &near));
	return true;
}

/* Both directions, so each side's kernel cuts and is given super-packets, or does not. */
static bool tcp_through(void)
{
	int here, first_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	REQUIRE(tun_side_open(&near, 1, near_offloads));
	if (near.tun.fd == 0)
		return true; /* skipped */
	int there = tun_side_socket(version, SOCK_STREAM, 1);
	REQUIRE(there >= 0 && !unshare(CLONE_NEWNET) && tun_side_open(&far, 2, far_offloads));
	int listener = tun_side_socket(version, SOCK_STREAM, 2);
	REQUIRE(listener >= 0 && !listen(listener, 1) && connect_ends(there, listener, &here));
	REQUIRE(transfer(there, here));
	uint64_t writes = received();
	REQUIRE(near.packets > TRANSFER / SIDE_MTU && far.packets > TRANSFER / SIDE_MTU);
	if (near_offloads)
		REQUIRE(near.bursts < near.packets / 4);
	if (far_offloads)
		REQUIRE(writes > 0 && writes < near.packets / 4);
	else
		REQUIRE(writes == near.packets);
	REQUIRE(wrong_checksums() == 0);
	REQUIRE(!setns(first_namespace, CLONE_NEWNET) && wrong_checksums() == 0);
	return true;
}

static void run_offloads(bool (*body)(void), unsigned all)
{
	for (version = 4; version <= 6; version += 2)
		for (int i = 0; i < 4; i++) {
			near_offloads = i & 1 ? all : 0;
			far_offloads = i & 2 ? all : 0;
			sandbox_run(body);
		}
}

TEST(tun_kernel_tcp_with_and_without_offloads)
{
	run_offloads(tcp_through, TUN_OFFLOADS);
}

/* A kernel before 6.2 */
TEST(tun_kernel_tcp_without_uso)
{
	run_offloads(tcp_through, TUN_OFFLOADS & ~TUN_OFFLOADS_USO);
}

/* ---- UDP */

static uint8_t datagram[DATAGRAM * 64];

static void fill_datagram(uint8_t *at, uint32_t number)
{
	for (uint32_t i = 0; i < DATAGRAM; i++)
		at[i] = text_byte(number * 1000 + i);
}

/* 1 to 64 datagrams at once, which the kernel leaves to us to cut, where we may. */
static bool send_datagrams(int fd, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		fill_datagram(datagram + i * DATAGRAM, first + i);
	socklen_t len = tun_side_address(&address, version, 2);
	return sendto(fd, datagram, count * DATAGRAM, 0, &address.any, len) ==
	       (ssize_t)(count * DATAGRAM);
}

static bool take_datagrams(int fd, uint32_t *number)
{
	uint8_t expected[DATAGRAM];
	for (ssize_t got; (got = recv(fd, datagram, sizeof datagram, 0)) >= 0; (*number)++) {
		fill_datagram(expected, *number);
		REQUIRE(got == DATAGRAM && !memcmp(datagram, expected, DATAGRAM));
	}
	return true;
}

static bool udp_through(void)
{
	int size = DATAGRAM;
	uint32_t sent = 0, arrived = 0;
	REQUIRE(tun_side_open(&near, 1, near_offloads));
	if (near.tun.fd == 0)
		return true; /* skipped */
	int there = tun_side_socket(version, SOCK_DGRAM, 1);
	REQUIRE(there >= 0 && !setsockopt(there, SOL_UDP, UDP_SEGMENT, &size, sizeof size));
	REQUIRE(!unshare(CLONE_NEWNET) && tun_side_open(&far, 2, far_offloads));
	int here = tun_side_socket(version, SOCK_DGRAM, 2);
	REQUIRE(here >= 0);
	for (uint32_t count = 1; sent < DATAGRAMS; count = count % 64 + 1) {
		REQUIRE(send_datagrams(there, sent, count));
		sent += count;
		REQUIRE(carry(&near, &far) && take_datagrams(here, &arrived));
	}
	REQUIRE(arrived == sent && near.packets >= sent);
	if (near.tun.offloads & TUN_F_USO4)
		REQUIRE(near.bursts < near.packets / 8);
	if (far.tun.offloads & TUN_F_USO4)
		REQUIRE(received() < near.packets / 8);
	else
		REQUIRE(received() == near.packets);
	return true;
}

TEST(tun_kernel_udp_with_and_without_offloads)
{
	run_offloads(udp_through, TUN_OFFLOADS);
}

TEST(tun_kernel_udp_without_uso)
{
	run_offloads(udp_through, TUN_OFFLOADS & ~TUN_OFFLOADS_USO);
}
