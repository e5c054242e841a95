#include "unit/test.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/tun.h"
#include "unit/plain_packet.h"
#include "unit/sandbox.h"
#include "unit/tun_side.h"

#define DATAGRAM 500 /* bytes */
#define PACKETS	 20  /* refused at once */

static struct tun_side near;
static union tun_side_address address;
static uint8_t bytes[BURST_LARGE], datagrams[DATAGRAM * 64];
static int version;

/* What the kernel leaves to us to cut. */
static bool send_datagrams(int fd, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		memset(datagrams + i * DATAGRAM, (int)(first + i), DATAGRAM);
	socklen_t len = tun_side_address(&address, version, 2);
	return sendto(fd, datagrams, count * DATAGRAM, 0, &address.any, len) ==
	       (ssize_t)(count * DATAGRAM);
}

/* ---- offloads change, TUNs of others */

/* Super-packets that wait when the offloads go still are such, and are cut. */
static bool offloads_go(void)
{
	int size = DATAGRAM;
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	version = 4;
	REQUIRE(tun_side_open(&near, 1, TUN_OFFLOADS));
	if (near.tun.fd == 0)
		return true; /* skipped */
	if (!(near.tun.offloads & TUN_F_USO4))
		return sandbox_skip("this kernel has no USO");
	int there = tun_side_socket(version, SOCK_DGRAM, 1);
	REQUIRE(!setsockopt(there, SOL_UDP, UDP_SEGMENT, &size, sizeof size));
	REQUIRE(send_datagrams(there, 0, 40));
	REQUIRE(tun_use_offloads(&near.tun, 0) == 0);
	REQUIRE(send_datagrams(there, 40, 40));
	uint32_t got = 0;
	while (tun_read_burst(&near.tun, &burst, SIDE_MTU) > 0) {
		if (burst_inner(&burst, 0)[0] != 0x45)
			continue; /* the kernel's own */
		for (uint32_t i = 0; i < burst.count; i++) {
			memset(datagrams, (int)got++, DATAGRAM);
			REQUIRE(burst.len[i] == 28 + DATAGRAM);
			REQUIRE(plain_is_right(burst_inner(&burst, i), burst.len[i]));
			REQUIRE(!memcmp(burst_inner(&burst, i) + 28, datagrams, DATAGRAM));
		}
	}
	REQUIRE(got == 80);
	return true;
}

TEST(tun_packets_super_packets_that_wait_while_offloads_go)
{
	sandbox_run(offloads_go);
}

/* A super-packet of more segments than a burst has room for, and a lone packet after it. */
static bool one_in_two_bursts(void)
{
	int size = 10;
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	version = 6;
	REQUIRE(tun_side_open(&near, 1, TUN_OFFLOADS));
	if (near.tun.fd == 0)
		return true; /* skipped */
	if (!(near.tun.offloads & TUN_F_USO4))
		return sandbox_skip("this kernel has no USO");
	int there = tun_side_socket(version, SOCK_DGRAM, 1);
	REQUIRE(!setsockopt(there, SOL_UDP, UDP_SEGMENT, &size, sizeof size));
	socklen_t len = tun_side_address(&address, version, 2);
	REQUIRE(sendto(there, datagrams, 1000, 0, &address.any, len) == 1000);
	REQUIRE(sendto(there, datagrams, 1000, 0, &address.any, len) == 1000);
	REQUIRE(sendto(there, datagrams, 9, 0, &address.any, len) == 9);
	int count = tun_read_burst(&near.tun, &burst, SIDE_MTU);
	while (count > 0 && (burst_inner(&burst, 0)[6] != PLAIN_UDP)) /* the kernel's own */
		count = tun_read_burst(&near.tun, &burst, SIDE_MTU);
	REQUIRE(count == 128 && !segment_is_done(&near.tun.rest));
	REQUIRE(burst.stride == 16 + 64 + 16 && !near.tun.is_drained);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == 73);
	REQUIRE(segment_is_done(&near.tun.rest) && burst.len[72] == 57);
	REQUIRE(near.tun.is_drained && tun_read_burst(&near.tun, &burst, SIDE_MTU) == -EAGAIN);
	return true;
}

TEST(tun_packets_super_packet_in_two_bursts)
{
	sandbox_run(one_in_two_bursts);
}

static int open_foreign(short flags, int header_len)
{
	struct ifreq request = {.ifr_name = "wg0", .ifr_flags = (short)(flags | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) ||
		(header_len && ioctl(fd, TUNSETVNETHDRSZ, &header_len)))
		return -1;
	return fd;
}

static short foreign_flags;
static int foreign_header_len;

/* A TUN that somebody else has opened, with headers or without. */
static bool adopt(void)
{
	char name[IFNAMSIZ];
	static const uint8_t text[100];
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	version = 4;
	sandbox_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	int fd = open_foreign(foreign_flags, foreign_header_len);
	if (fd < 0)
		return sandbox_skip(NO_TUN);
	REQUIRE(tun_adopt(fd, name) == 0 && !strcmp(name, "wg0"));
	REQUIRE(tun_side_set_v4(1));
	REQUIRE(sandbox_set_up("wg0"));
	tun_open(&near.tun, fd);
	REQUIRE(near.tun.has_headers == (foreign_flags & IFF_VNET_HDR) / IFF_VNET_HDR);
	REQUIRE(near.tun.has_headers ? near.tun.offloads & TUN_F_TSO4 : !near.tun.offloads);
	int there = tun_side_socket(version, SOCK_DGRAM, 1);
	socklen_t len = tun_side_address(&address, version, 2);
	REQUIRE(sendto(there, text, 100, 0, &address.any, len) == 100);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == 1 && burst.len[0] == 128);
	uint8_t *packet = burst_inner(&burst, 0);
	REQUIRE(plain_is_right(packet, 128));
	packet[15] = 2, packet[19] = 1; /* turned round */
	REQUIRE(tun_write_bursts(&near.tun, &burst, 1) == 0);
	REQUIRE(recv(there, bytes, sizeof bytes, 0) == 100);
	return true;
}

TEST(tun_packets_of_a_tun_that_others_opened)
{
	static const struct {
		short flags;
		int header_len;
	} rows[] = {{IFF_TUN, 0}, {IFF_TUN | IFF_VNET_HDR, 0}, {IFF_TUN | IFF_VNET_HDR, 12}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		foreign_flags = rows[i].flags;
		foreign_header_len = rows[i].header_len;
		sandbox_run(adopt);
	}
}

/* ---- refused */

/* From now on a writev of several parts fails with `error`. */
static bool refuse_parts(uint16_t error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_writev, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Of two flows, mixed. */
static void fill_burst(struct burst *burst, uint32_t count)
{
	struct plain_packet p[2] = {
		plain_packet(4, PLAIN_TCP, 100), plain_packet(4, PLAIN_TCP, 100)};
	p[1].from_port++;
	*burst = (struct burst){.bytes = bytes, .capacity = sizeof bytes, .stride = 256};
	for (; burst->count < count; burst->count++) {
		struct plain_packet *one = &p[burst->count % 2];
		burst->len[burst->count] = plain_build(burst_inner(burst, burst->count), one);
		*one = plain_next(one);
	}
}

static int lines_said(int from)
{
	char text[4096];
	ssize_t got = read(from, text, sizeof text);
	int lines = 0;
	for (ssize_t i = 0; i < got; i++)
		lines += text[i] == '\n';
	return lines;
}

/* All of fill_burst's, single, in order within their flows. */
static bool take_all(int fd)
{
	struct burst burst;
	uint8_t got[512], expected[512] = {0};
	uint32_t next[2] = {0, 1};
	fill_burst(&burst, PACKETS);
	for (uint32_t i = 0; i < PACKETS; i++) {
		ssize_t len = recv(fd, got, sizeof got, 0);
		uint32_t *from = &next[got[10 + 21] & 1]; /* the port */
		REQUIRE(*from < PACKETS && len == (ssize_t)burst.len[*from] + 10);
		memcpy(expected + 10, burst_inner(&burst, *from), burst.len[*from]);
		REQUIRE(!memcmp(got, expected, (size_t)len));
		*from += 2;
	}
	return true;
}

static int ends[2], said[2];

static bool begin_refusing(uint16_t error)
{
	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends));
	REQUIRE(!pipe2(said, O_NONBLOCK) && dup2(said[1], STDERR_FILENO) >= 0);
	tun_open(&near.tun, ends[0]);
	near.tun.has_headers = true;
	near.tun.offloads = TUN_OFFLOADS;
	return refuse_parts(error);
}

/* Nothing is lost; it is said once, and tried again a minute later. */
static bool refused(void)
{
	struct burst burst;
	REQUIRE(begin_refusing(EINVAL));
	const nanos times[] = {1, 2, TUN_RETRY_AFTER, TUN_RETRY_AFTER + 1, TUN_RETRY_AFTER + 2};
	const int lines[] = {1, 0, 0, 1, 0};
	for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
		fill_burst(&burst, PACKETS);
		REQUIRE(tun_write_bursts(&near.tun, &burst, times[k]) == 0);
		REQUIRE(lines_said(said[0]) == lines[k] && take_all(ends[1]));
	}
	close(ends[1]); /* now single ones are refused too: that is not the merging's fault */
	near.tun.single_until = 0;
	fill_burst(&burst, PACKETS);
	signal(SIGPIPE, SIG_IGN);
	REQUIRE(tun_write_bursts(&near.tun, &burst, 1) == PACKETS);
	REQUIRE(near.tun.single_until == 0 && lines_said(said[0]) == 0);
	return true;
}

/* A large buffer may be missing where small ones are there; that passes. */
static bool out_of_memory(void)
{
	struct burst burst;
	REQUIRE(begin_refusing(ENOMEM));
	fill_burst(&burst, PACKETS);
	REQUIRE(tun_write_bursts(&near.tun, &burst, 1) == 0 && take_all(ends[1]));
	REQUIRE(near.tun.single_until == 0 && lines_said(said[0]) == 0);
	return true;
}

TEST(tun_packets_refused_super_packet_goes_as_single_ones)
{
	sandbox_run_child(refused);
	sandbox_run_child(out_of_memory);
}

/* ---- what a kernel has not got */

static bool fewer_offloads(void)
{
	static const struct {
		unsigned wanted, least;
	} rows[] = {{TUN_OFFLOADS, TUN_F_CSUM | TUN_OFFLOADS_TSO},
		{TUN_OFFLOADS & ~TUN_OFFLOADS_USO, TUN_F_CSUM | TUN_OFFLOADS_TSO},
		{TUN_F_CSUM | TUN_OFFLOADS_USO, TUN_F_CSUM},
		{TUN_OFFLOADS - TUN_F_TSO_ECN, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6},
		{TUN_OFFLOADS - TUN_F_CSUM, 0}, {0, 0}};
	REQUIRE(tun_side_open(&near, 1, 0));
	if (near.tun.fd == 0)
		return true; /* skipped */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned got = tun_use_offloads(&near.tun, rows[i].wanted);
		REQUIRE(got == near.tun.offloads);
		REQUIRE((got & ~TUN_OFFLOADS_USO) == rows[i].least && !(got & ~rows[i].wanted));
	}
	return true;
}

TEST(tun_packets_offloads_that_a_kernel_has_not_got)
{
	sandbox_run(fewer_offloads);
}

/* ---- headers that do not fit */

static bool malformed(void)
{
	uint8_t message[300] = {0};
	struct plain_packet p = plain_packet(4, PLAIN_UDP, 100);
	struct virtio_net_hdr lie = {.flags = 1, .gso_type = 5, .gso_size = 10};
	struct burst burst = {.bytes = bytes, .capacity = sizeof bytes};
	uint32_t len = plain_build(message + 10, &p);
	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends));
	tun_open(&near.tun, ends[0]);
	near.tun.has_headers = true;
	for (int i = 0; i < 4; i++) {
		memset(message, 0, 10);
		if (i == 1)
			memcpy(message, &lie, sizeof lie);
		REQUIRE(send(ends[1], message, len + 10, 0) > 0);
	}
	REQUIRE(send(ends[1], message, 10, 0) == 10); /* a packet of no bytes */
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == 1 && burst.len[0] == len);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == -EPROTO && burst.count == 0);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == 2 && burst.len[1] == len);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == -EPROTO);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == -EAGAIN);
	close(ends[1]);
	REQUIRE(tun_read_burst(&near.tun, &burst, SIDE_MTU) == -EIO);
	return true;
}

TEST(tun_packets_header_that_lies_costs_its_packet_only)
{
	sandbox_run_child(malformed);
}
