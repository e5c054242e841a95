/* The outer sockets where the test must own the machine: a namespace in a child. */
#include "unit/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/udp.h"
#include "noise/wire.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

static uint8_t bytes[BURST_LARGE];
static struct burst burst = {.bytes = bytes, .capacity = BURST_LARGE, .stride = 4000};
static struct udp_sockets a, b;

static void fill(uint32_t count, uint32_t len)
{
	burst.count = count;
	bytes[0] = MESSAGE_DATA;
	for (uint32_t i = 0; i < count; i++)
		burst.len[i] = len;
}

/* Gives the interface an IPv4 address with the mask 255.255.255.0. */
static bool set_address(const char *ifname, const char *text)
{
	struct ifreq request = {0};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
	address.sin_addr.s_addr = inet_addr(text);
	memcpy(&request.ifr_addr, &address, sizeof address);
	bool ok = !ioctl(fd, SIOCSIFADDR, &request);
	address.sin_addr.s_addr = inet_addr("255.255.255.0");
	memcpy(&request.ifr_netmask, &address, sizeof address);
	ok = ok && (!inet_addr(text) || !ioctl(fd, SIOCSIFNETMASK, &request));
	close(fd);
	return ok;
}

/* Two ports to choose from, one of them taken for IPv6. */
static bool find_common_port(void)
{
	if (!sandbox_write_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001"))
		return sandbox_skip("ip_local_port_range cannot be set");
	int error = udp_open(&b, 40000, UDP_V6);
	if (error == -EAFNOSUPPORT)
		return sandbox_skip("no IPv6 here");
	REQUIRE(error == 0);
	for (int i = 0; i < 20; i++) { /* IPv4 alone would get 40000 half of the time */
		REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
		REQUIRE(a.port == 40001);
		udp_close(&a);
	}
	struct udp_sockets c;
	REQUIRE(udp_open(&c, 40001, UDP_V6) == 0);
	unsigned before = open_fd_count();
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == -EADDRINUSE); /* and the tries end */
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(udp_random_port_is_free_in_both_families_row_32)
{
	sandbox_run(find_common_port);
}

/* From now on socket() of this family fails as on a kernel that has not got it. */
static bool forbid_family(unsigned family)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static bool carries(const struct ip_address *local)
{
	struct endpoint to = {.address = *local, .port = a.port}, from;
	struct udp_progress progress = {0};
	fill(1, 100);
	REQUIRE(udp_send_burst(&a, &burst, &to, true, &progress) == 0 && !progress.refused);
	REQUIRE(udp_receive_burst(udp_socket_to(&a, &to, false), &burst, &from) == 1);
	burst.stride = 4000;
	return true;
}

static const struct ip_address v4 = {IP_V4, {127, 0, 0, 1}}, v6 = {IP_V6, {[15] = 1}};

static bool without_v6(void)
{
	REQUIRE(forbid_family(AF_INET6));
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
	REQUIRE(data_v4(&a) >= 0 && data_v6(&a) == -1 && a.port);
	REQUIRE(carries(&v4));
	REQUIRE(udp_open(&b, 0, UDP_V6) == -EAFNOSUPPORT);
	REQUIRE(forbid_family(AF_INET));
	REQUIRE(udp_open(&b, 0, UDP_DUAL) == -EAFNOSUPPORT);
	return true;
}

TEST(udp_without_v6_in_the_kernel_row_32)
{
	sandbox_run_child(without_v6);
}

static bool without_v4(void)
{
	int error = udp_open(&a, 0, UDP_V6);
	if (error == -EAFNOSUPPORT)
		return sandbox_skip("no IPv6 here");
	udp_close(&a);
	REQUIRE(forbid_family(AF_INET));
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
	REQUIRE(data_v4(&a) == -1 && data_v6(&a) >= 0 && a.port);
	return carries(&v6);
}

TEST(udp_without_v4_in_the_kernel)
{
	sandbox_run_child(without_v4);
}

static bool with_v6_disabled(void)
{
	if (!sandbox_write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"))
		return sandbox_skip("disable_ipv6 cannot be set");
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
	REQUIRE(carries(&v4));
	struct endpoint to = {.address = {IP_V6, {0xfd, [15] = 1}}, .port = 9};
	struct udp_progress progress = {0};
	fill(2, 100);
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.refused == 2);
	return true;
}

TEST(udp_with_v6_disabled_by_sysctl_row_32)
{
	sandbox_run(with_v6_disabled);
}

static bool use_mark(void)
{
	if (geteuid() != 0)
		return sandbox_skip("SO_MARK needs root");
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
	REQUIRE(udp_set_mark(&a, 0x1234) == 0);
	for (uint32_t i = 0; i < 2 * a.count; i++) {
		if (a.all[i] < 0)
			continue;
		uint32_t mark;
		socklen_t len = sizeof mark;
		REQUIRE(!getsockopt(a.all[i], SOL_SOCKET, SO_MARK, &mark, &len) && mark == 0x1234);
	}
	REQUIRE(!setuid(65534));
	REQUIRE(udp_set_mark(&a, 0x1234) == 0); /* nothing changes: no privilege needed */
	REQUIRE(udp_set_mark(&a, 0) == -EPERM);
	udp_close(&a);
	REQUIRE(udp_set_mark(&a, 7) == 0); /* no sockets yet */
	return true;
}

TEST(udp_mark)
{
	sandbox_run(use_mark);
}

static bool use_unreachable(void)
{
	REQUIRE(udp_open(&a, 0, UDP_V4) == 0);
	struct endpoint to = {.address = {IP_V4, {192, 0, 2, 1}}, .port = 9};
	for (int has_source = 0; has_source < 2; has_source++) {
		struct udp_progress progress = {0};
		if (has_source)
			to.source = v4;
		fill(3, 100);
		REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
		REQUIRE(progress.next == 3 && progress.refused == 3);
		REQUIRE(progress.error == -ENETUNREACH);
		REQUIRE(!progress.source_failed); /* it may be good once there is a network */
	}
	return true;
}

TEST(udp_no_route_is_not_the_source_s_fault)
{
	sandbox_run(use_unreachable);
}

/* An Ethernet device whose neighbours never answer: datagrams wait, and fill the queue. */
static int open_tap(void)
{
	struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool set_send_queue(int size)
{
	return !setsockopt(data_v4(&a), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static bool fill_queue(void)
{
	int tap = open_tap();
	if (tap < 0)
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(set_address("tap0", "10.1.1.1") && sandbox_set_up("tap0"));
	REQUIRE(udp_open(&a, 0, UDP_V4) == 0);
	REQUIRE(set_send_queue(20000));
	struct endpoint to = {.address = {IP_V4, {10, 1, 1, 2}}, .port = 9};
	to.source = (struct ip_address){IP_V4, {192, 0, 2, 1}}; /* stale: not to be forgotten */
	struct udp_progress progress = {0};
	fill(BURST_PACKETS_MAX, 1400);
	burst.stride = 0; /* all the same bytes */
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == -EAGAIN);
	REQUIRE(progress.next > 0 && progress.next < BURST_PACKETS_MAX);
	REQUIRE(progress.refused == 0 && progress.source_failed);
	uint32_t reached = progress.next;
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == -EAGAIN);
	REQUIRE(progress.next == reached && progress.source_failed);
	struct udp_progress fresh = {0}; /* a stale source and a full queue at once */
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &fresh) == -EAGAIN);
	REQUIRE(fresh.next == 0 && fresh.refused == 0 && fresh.source_failed);
	REQUIRE(set_send_queue(1 << 20));
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.next == BURST_PACKETS_MAX);
	REQUIRE(progress.refused == 0 && progress.source_failed);
	/* handshakes do not wait, nor does data wait for them: they are tried again anyway */
	if (handshakes_v4(&a) < 0)
		return true;
	int small = 20000;
	REQUIRE(!setsockopt(handshakes_v4(&a), SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
	progress = (struct udp_progress){0};
	REQUIRE(udp_send_burst(&a, &burst, &to, true, &progress) == 0);
	REQUIRE(progress.next == BURST_PACKETS_MAX && progress.refused > 0);
	REQUIRE(progress.refused < BURST_PACKETS_MAX && progress.error == -EAGAIN);
	return true;
}

TEST(udp_tells_a_full_queue_and_goes_on_row_31)
{
	sandbox_run(fill_queue);
}

/* Reads from the TAP until an IPv4 packet comes. Returns its fragment field, or -1. */
static int next_fragment(int tap)
{
	uint8_t frame[2000];
	for (int i = 0; i < 100; i++)
		if (read(tap, frame, sizeof frame) > 34 && frame[12] == 8 && frame[13] == 0)
			return frame[20] << 8 | frame[21];
	return -1;
}

/* Outer packets over the path's MTU leave as fragments, small ones without DF. */
static bool send_fragments(void)
{
	int tap = open_tap();
	if (tap < 0)
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(set_address("tap0", "10.1.1.1") && sandbox_set_up("tap0"));
	REQUIRE(udp_open(&a, 0, UDP_V4) == 0);
	struct endpoint to = {.address = {IP_V4, {10, 1, 1, 255}}, .port = 9};
	int yes = 1; /* a broadcast needs no neighbour */
	REQUIRE(!setsockopt(data_v4(&a), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes));
	struct udp_progress progress = {0};
	fill(1, 100);
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0 && !progress.refused);
	REQUIRE(next_fragment(tap) == 0);
	fill(1, 2000);
	progress = (struct udp_progress){0};
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0 && !progress.refused);
	REQUIRE(next_fragment(tap) == 0x2000); /* more fragments, offset 0 */
	REQUIRE(next_fragment(tap) == 1480 / 8);
	return true;
}

TEST(udp_lets_the_kernel_fragment)
{
	sandbox_run(send_fragments);
}

/* The address that the cached source names goes away while packets flow. */
static bool remove_source(void)
{
	REQUIRE(set_address("lo:1", "10.7.7.7"));
	REQUIRE(udp_open(&a, 0, UDP_V4) == 0 && udp_open(&b, 0, UDP_V4) == 0);
	struct endpoint to = {.address = v4, .port = b.port, .source = {IP_V4, {10, 7, 7, 7}}},
			from;
	for (int i = 0; i < 2; i++) {
		struct udp_progress progress = {0};
		fill(1, 100);
		REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0 &&
			!progress.refused);
		REQUIRE(progress.source_failed == (i == 1));
		REQUIRE(udp_receive_burst(data_v4(&b), &burst, &from) == 1);
		REQUIRE(from.address.bytes[0] == (i == 1 ? 127 : 10));
		REQUIRE(set_address("lo:1", "0.0.0.0"));
	}
	return true;
}

TEST(udp_survives_the_loss_of_its_source_row_39)
{
	sandbox_run(remove_source);
}
