/* Many datagrams by one call: paths, kernels and queues that do not take them. */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <linux/udp.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit/lane.h"
#include "unit/outer.h"
#include "unit/sandbox.h"
#include "unit/segments.h"

/* ---- paths that cannot */

static bool set_mtu(const char *ifname, int mtu)
{
	struct ifreq request = {.ifr_mtu = mtu};
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = !ioctl(fd, SIOCSIFMTU, &request);
	close(fd);
	return ok;
}

/* How many packets this namespace has cut into fragments; -1: it does not tell. */
static long fragmented(enum ip_family family)
{
	char names[1024] = "", line[1024] = "", *name, *value, *rest_names, *rest;
	FILE *file = fopen(family == IP_V4 ? "/proc/net/snmp" : "/proc/net/snmp6", "r");
	if (!file)
		return -1;
	long found = -1;
	if (family == IP_V6)
		while (fgets(line, sizeof line, file))
			if (!strncmp(line, "Ip6FragOKs", 10))
				found = strtol(line + 10, NULL, 10);
	if (family == IP_V4 && fgets(names, sizeof names, file) && fgets(line, sizeof line, file)) {
		name = strtok_r(names, " \n", &rest_names);
		value = strtok_r(line, " \n", &rest);
		while (name && value && strcmp(name, "FragOKs")) {
			name = strtok_r(NULL, " \n", &rest_names);
			value = strtok_r(NULL, " \n", &rest);
		}
		found = name && value ? strtol(value, NULL, 10) : -1;
	}
	fclose(file);
	return found;
}

/*
 * A path that takes 1280 bytes: the kernel cuts no segments of 1452 for it, so they
 * go one by one, each in fragments. What fits goes together still.
 */
static bool narrow(const struct ip_address *local)
{
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(lane_begin(local) && set_mtu("lo", 1280));
	lane_fill_equal(128, 1452, 1452);
	lane.out.tos = 1;
	long before = fragmented(local->family);
	REQUIRE(lane_send(&progress));
	REQUIRE(progress.segment_error == -EMSGSIZE || progress.segment_error == -EINVAL);
	REQUIRE(progress.segment_len == 1452 && progress.is_plain);
	REQUIRE(!progress.source_failed && progress.way == 0);
	REQUIRE(fragmented(local->family) == before + 128);
	REQUIRE(lane_arrives(&calls) && calls == 128);
	progress = (struct udp_progress){0};
	lane_fill_equal(50, 1200, 1200);
	REQUIRE(lane_send(&progress) && !progress.segment_error && progress.segment_len == 1200);
	REQUIRE(lane_arrives(&calls) && calls == 1);
	REQUIRE(fragmented(local->family) == before + 128);
	/* in the midst of a burst, and with another source than the first */
	static const uint32_t lens[] = {700, 700, 700, 1300, 1300, 1300, 40};
	progress = (struct udp_progress){0};
	lane_fill(70, 1300, lens, 7);
	lane.to.source = (struct ip_address){local->family, {192, 0, 2, 1}};
	REQUIRE(lane_send(&progress) && progress.source_failed && progress.way == 1);
	REQUIRE(progress.segment_error && progress.segment_len == 1300);
	lane.to.source = (struct ip_address){0};
	REQUIRE(lane_arrives(&calls));
	return true;
}

static bool narrow_v4(void)
{
	return narrow(&lane_v4);
}

static bool narrow_v6(void)
{
	return lane_has_v6() ? narrow(&lane_v6) : sandbox_skip("no IPv6 here");
}

TEST(udp_offload_loses_nothing_on_a_narrow_path_v4)
{
	sandbox_run(narrow_v4);
}

TEST(udp_offload_loses_nothing_on_a_narrow_path_v6)
{
	sandbox_run(narrow_v6);
}

/* Without checksums the kernel cuts nothing: EINVAL here, EIO elsewhere. */
static bool no_checksums(void)
{
	const int yes = 1;
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(lane_begin(&lane_v4));
	REQUIRE(!setsockopt(data_v4(&lane.a), SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes));
	lane_fill_equal(100, 1000, 1000);
	REQUIRE(lane_send(&progress) && lane_arrives(&calls));
	REQUIRE(progress.segment_error == -EINVAL && progress.segment_len == 1000);
	return true;
}

TEST(udp_offload_loses_nothing_without_checksums)
{
	sandbox_run(no_checksums);
}

/* Devices and kernels of all ages: whatever they call it, each datagram arrives once. */
static bool refused(const struct ip_address *local)
{
	static const int errors[] = {EIO, EINVAL, EMSGSIZE};
	static const uint32_t lens[] = {32, 1452, 1452, 1452, 700, 700, 0x100};
	REQUIRE(lane_begin(local));
	for (size_t i = 0; i < 2 * sizeof errors / sizeof *errors; i++) {
		struct udp_progress progress = {0};
		uint32_t calls;
		lane_fill(i % 2 ? BURST_PACKETS_MAX : 60, 1452, lens, 7);
		lane.to.source = i < 3 ? (struct ip_address){0} : *local;
		segments_fail(errors[i / 2]);
		REQUIRE(lane_send(&progress) && progress.way == 0 && !progress.source_failed);
		REQUIRE(progress.segment_error == -errors[i / 2] && progress.is_plain);
		REQUIRE(progress.segment_len == 1452);
		segments_fail(0);
		REQUIRE(lane_arrives(&calls) && calls == lane.out.count);
	}
	return true;
}

static bool refused_v4(void)
{
	return refused(&lane_v4);
}

static bool refused_v6(void)
{
	return lane_has_v6() ? refused(&lane_v6) : sandbox_skip("no IPv6 here");
}

TEST(udp_offload_loses_nothing_where_it_is_refused_v4)
{
	sandbox_run(refused_v4);
}

TEST(udp_offload_loses_nothing_where_it_is_refused_v6)
{
	sandbox_run(refused_v6);
}

/* What is no matter of segments is refused together, and the rest goes on. */
static bool forbidden(void)
{
	static const uint32_t lens[] = {1000, 1000, 1000, 32};
	struct udp_progress progress = {0};
	REQUIRE(lane_begin(&lane_v4));
	lane_fill(9, 1000, lens, 4); /* 1000 x 3 and 32, twice, and one more */
	segments_fail(EPERM);
	REQUIRE(udp_send_burst(&lane.a, &lane.out, &lane.to, false, &progress) == 0);
	REQUIRE(progress.refused == 8 && progress.error == -EPERM && progress.next == 9);
	REQUIRE(!progress.segment_error && !progress.is_plain && !progress.segment_len);
	return true;
}

TEST(udp_offload_counts_what_a_filter_forbids)
{
	sandbox_run(forbidden);
}

/* ---- kernels that cannot */

/* From now on the kernel knows no such option of UDP. */
static bool forbid(unsigned name)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, name, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Such a kernel overlooks the control message too, and would send one large datagram. */
static bool without_segment(void)
{
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(forbid(UDP_SEGMENT) && lane_begin(&lane_v4));
	REQUIRE(!lane.a.can_segment);
	lane_fill_equal(128, 1452, 1452);
	REQUIRE(lane_send(&progress) && lane_arrives(&calls));
	REQUIRE(!progress.segment_error && !progress.segment_len);
	return true;
}

TEST(udp_without_segments_in_the_kernel)
{
	sandbox_run(without_segment);
}

static bool without_gro(void)
{
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(forbid(UDP_GRO) && lane_begin(&lane_v4) && lane.a.can_segment);
	lane_fill_equal(128, 1452, 1452);
	REQUIRE(lane_send(&progress) && lane_arrives(&calls) && calls == 128);
	return true;
}

TEST(udp_without_gro_in_the_kernel)
{
	sandbox_run(without_gro);
}

static bool without_either(void)
{
	struct udp_progress progress = {0};
	uint32_t calls;
	REQUIRE(forbid(UDP_GRO) && forbid(UDP_SEGMENT) && lane_begin(&lane_v6) &&
		!lane.a.can_segment);
	lane_fill_equal(128, 1452, 1452);
	REQUIRE(lane_send(&progress) && lane_arrives(&calls) && calls == 128);
	return true;
}

TEST(udp_without_either_in_the_kernel)
{
	sandbox_run(without_either);
}

/* ---- a full queue */

/* An Ethernet device whose neighbours answer only once they are named. */
static int open_tap(void)
{
	struct ifreq request = {.ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010101)};
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request))
		return -1;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(&request.ifr_addr, &address, sizeof address);
	bool ok = !ioctl(fd, SIOCSIFADDR, &request) && sandbox_set_up("tap0");
	close(fd);
	return ok ? tap : -1;
}

static bool name_neighbour(void)
{
	struct arpreq request = {.arp_flags = ATF_COM | ATF_PERM, .arp_dev = "tap0"};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010102)};
	memcpy(&request.arp_pa, &address, sizeof address);
	memset(request.arp_ha.sa_data, 2, 6);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = !ioctl(fd, SIOCSARP, &request);
	close(fd);
	return ok;
}

/* Frames with UDP that left by the device: their numbers go on from *next. */
static bool read_frames(int tap, uint32_t *next)
{
	enum { ETHERNET = 14, IP = 20, UDP = 8 };
	uint8_t frame[2000];
	for (ssize_t got; (got = read(tap, frame, sizeof frame)) > 0;) {
		if (got < ETHERNET + IP + UDP || frame[12] != 8 || frame[13] != 0 ||
			frame[23] != 17)
			continue;
		uint32_t i = (*next)++;
		REQUIRE(i < lane.out.count && frame[ETHERNET + 1] == lane.out.tos);
		REQUIRE(got == (ssize_t)(ETHERNET + IP + UDP + lane.out.len[i]));
		REQUIRE(!memcmp(frame + ETHERNET + IP + UDP, burst_datagram(&lane.out, i),
			lane.out.len[i]));
	}
	return true;
}

static bool full_in_the_middle(void)
{
	struct udp_progress progress = {0};
	uint32_t next = 0;
	const int small = 20000, large = 1 << 20;
	int tap = open_tap();
	if (tap < 0)
		return sandbox_skip("no TAP device can be made; run as root");
	REQUIRE(lane_begin(&lane_v4));
	int fd = data_v4(&lane.a);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
	lane.to.address = (struct ip_address){IP_V4, {10, 1, 1, 2}};
	lane_fill_equal(BURST_PACKETS_MAX, 1452, 1452);
	lane.out.tos = 2;
	for (int i = 0; i < 2; i++) {
		REQUIRE(udp_send_burst(&lane.a, &lane.out, &lane.to, false, &progress) == -EAGAIN);
		REQUIRE(progress.full == fd && progress.refused == 0);
		REQUIRE(progress.next >= 45 && progress.next < BURST_PACKETS_MAX);
	}
	REQUIRE(name_neighbour() && read_frames(tap, &next) && next == progress.next);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large));
	REQUIRE(lane_send(&progress) && !progress.segment_error);
	REQUIRE(read_frames(tap, &next) && next == BURST_PACKETS_MAX);
	return true;
}

TEST(udp_offload_goes_on_after_a_full_queue_row_31)
{
	sandbox_run(full_in_the_middle);
}
