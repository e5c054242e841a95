#include "unit/test.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tun.h"
#include "session/job.h"
#include "unit/sandbox.h"

static uint8_t bytes[BURST_LARGE];
static struct burst burst = {.bytes = bytes, .capacity = BURST_LARGE};
static struct tun tun;

/* With `tun`, which is opened where it has another descriptor. */
static int read_burst(int fd)
{
	if (tun.fd != fd)
		tun_open(&tun, fd);
	return tun_read_burst(&tun, &burst, 1420);
}

static uint32_t write_burst(int fd)
{
	if (tun.fd != fd)
		tun_open(&tun, fd);
	return tun_write_bursts(&tun, &burst, 1);
}

TEST(tun_names)
{
	static const struct {
		const char *name;
		bool is_valid;
	} rows[] = {
		{"wg0", true},
		{"x", true},
		{"fifteen-bytes-x", true},
		{"a=b+c.d_e-f", true},
		{"...", true},
		{"", false},
		{"sixteen-bytes-xx", false},
		{".", false},
		{"..", false},
		{"a/b", false},
		{"a:b", false},
		{"tun%d", false},
		{"a b", false},
		{"a\tb", false},
		{"a\n", false},
		{"\x7f", false},
		{"\xc3\xa4", false},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (tun_name_is_valid(rows[i].name) != rows[i].is_valid)
			test_fail(__FILE__, __LINE__, "\"%s\"", rows[i].name);
	CHECK_EQ(-EINVAL, tun_create("a/b"));
}

TEST(tun_errors_say_what_to_do)
{
	CHECK(strstr(tun_explain(-ENOENT), "modprobe tun"));
	CHECK(strstr(tun_explain(-ENODEV), "modprobe tun"));
	CHECK(strstr(tun_explain(-EPERM), "CAP_NET_ADMIN"));
	CHECK(strstr(tun_explain(-EACCES), "root"));
	CHECK(strstr(tun_explain(-EBUSY), "exists"));
	CHECK(strstr(tun_explain(-EINVAL), "15 characters"));
	CHECK_STR(strerror(EMFILE), tun_explain(-EMFILE));
}

/* Sets a member of the interface by ioctl; `request` has the value. */
static bool configure(unsigned long op, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request->ifr_name, sizeof request->ifr_name, "wg0");
	bool ok = !ioctl(fd, op, request);
	close(fd);
	return ok;
}

static bool set_address(unsigned long op, const char *text)
{
	struct ifreq request = {0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(text)};
	memcpy(&request.ifr_addr, &address, sizeof address);
	return configure(op, &request);
}

/* wg0 with 10.9.0.1/24, up, and nothing but our packets in its queue. fd, or -errno. */
static int open_tun(int mtu)
{
	sandbox_write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	int fd = tun_create("wg0");
	struct ifreq request = {.ifr_mtu = mtu};
	if (fd < 0)
		return fd;
	if (!configure(SIOCSIFMTU, &request) || !set_address(SIOCSIFADDR, "10.9.0.1") ||
		!set_address(SIOCSIFNETMASK, "255.255.255.0") || !sandbox_set_up("wg0"))
		return -EIO;
	return fd;
}

static bool cannot_create(int fd)
{
	return fd == -ENOENT || fd == -ENODEV || fd == -EPERM || fd == -EACCES;
}
#define NO_TUN "no TUN device can be made; run as root"

static bool create(void)
{
	int fd = tun_create("wg0");
	if (cannot_create(fd))
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0);
	REQUIRE(fd_is_cloexec(fd));
	char name[IFNAMSIZ];
	REQUIRE(tun_name(fd, name) == 0 && !strcmp(name, "wg0"));
	struct ifreq request = {0};
	REQUIRE(configure(SIOCGIFTXQLEN, &request) && request.ifr_qlen == TUN_QUEUE_LEN);
	unsigned before = open_fd_count();
	REQUIRE(tun_create("wg0") == -EBUSY);
	REQUIRE(tun_create("lo") == -EBUSY); /* no TUN at all */
	REQUIRE(open_fd_count() == before);
	REQUIRE(read_burst(fd) == -EAGAIN);
	close(fd);
	REQUIRE(if_nametoindex("wg0") == 0); /* gone with its descriptor */
	REQUIRE(tun_name(0, name) < 0);
	return true;
}

TEST(tun_create_row_37)
{
	sandbox_run(create);
}

static int udp_socket(void)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = inet_addr("10.9.0.1")};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int size = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return bind(fd, (struct sockaddr *)&here, sizeof here) ? -1 : fd;
}

/* A datagram of `len` bytes into the tunnel: an inner packet of len + 28. */
static bool send_inner(int udp, size_t len)
{
	static uint8_t payload[UINT16_MAX];
	struct sockaddr_in there = {.sin_family = AF_INET,
		.sin_port = htons(7),
		.sin_addr.s_addr = inet_addr("10.9.0.2")};
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(i * 7);
	return sendto(udp, payload, len, 0, (struct sockaddr *)&there, sizeof there) ==
	       (ssize_t)len;
}

static bool read_lengths(void)
{
	static const struct {
		uint32_t capacity, len; /* of the inner packet */
		int result;
	} rows[] = {
		{BURST_SMALL, 28, 1},
		{BURST_SMALL, 1420, 1},
		{BURST_SMALL, BURST_SMALL - 32, 1}, /* over the MTU: no padding */
		{BURST_SMALL, BURST_SMALL - 31, -EMSGSIZE},
		{BURST_SMALL, 9000, -EMSGSIZE},
		{BURST_LARGE, 9000, 1},
		{BURST_LARGE, 65535, 1},
		{BURST_SMALL, 1000, 1},
	};
	int fd = open_tun(65535), udp = udp_socket();
	if (cannot_create(fd))
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0 && udp >= 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		burst.capacity = rows[i].capacity;
		memset(bytes, 0xee, sizeof bytes);
		REQUIRE(send_inner(udp, rows[i].len - 28));
		REQUIRE(read_burst(fd) == rows[i].result);
		REQUIRE(burst.count == (rows[i].result == 1));
		REQUIRE(bytes[0] == 0xee && bytes[BURST_HEADROOM - 1] == 0xee);
		if (!burst.count)
			continue;
		REQUIRE(burst.stride == 32 + job_padded_len(rows[i].len, 1420));
		const uint8_t *inner = burst_inner(&burst, 0);
		REQUIRE(burst.len[0] == rows[i].len);
		REQUIRE((inner[2] << 8 | inner[3]) == (int)rows[i].len);
		if (rows[i].len > 30)
			REQUIRE(inner[29] == 7 && inner[30] == 14);
	}
	REQUIRE(read_burst(fd) == -EAGAIN);
	return true;
}

TEST(tun_reads_whole_packets_or_says_so_row_16)
{
	sandbox_run(read_lengths);
}

static void swap_addresses(uint8_t *ip)
{
	uint8_t source[4];
	memcpy(source, ip + 12, 4);
	memcpy(ip + 12, ip + 16, 4);
	memcpy(ip + 16, source, 4);
}

/* What was read goes back, turned round; the checksums stay right. */
static bool write_back(void)
{
	int fd = open_tun(1420), udp = udp_socket();
	if (cannot_create(fd))
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0 && udp >= 0);
	burst.capacity = BURST_LARGE;
	REQUIRE(send_inner(udp, 100));
	REQUIRE(read_burst(fd) == 1);
	swap_addresses(burst_inner(&burst, 0));

	burst.stride = 256;
	burst.count = 5;
	for (uint32_t i = 1; i < burst.count; i++) {
		memcpy(burst_datagram(&burst, i), bytes, 256);
		burst.len[i] = burst.len[0];
	}
	burst.len[1] = 0;	     /* nothing to deliver */
	*burst_inner(&burst, 2) = 0; /* neither IPv4 nor IPv6 */
	REQUIRE(write_burst(fd) == 1);
	char got[200];
	for (int i = 0; i < 3; i++)
		REQUIRE(recv(udp, got, sizeof got, 0) == 100 && got[1] == 7);
	REQUIRE(recv(udp, got, sizeof got, 0) < 0 && errno == EAGAIN);
	burst.count = 0;
	REQUIRE(write_burst(fd) == 0);
	return true;
}

TEST(tun_writes_all_but_the_empty_and_counts_the_refused)
{
	sandbox_run(write_back);
}

static bool delete_link(const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {{.nlmsg_len = sizeof request,
			     .nlmsg_type = RTM_DELLINK,
			     .nlmsg_flags = NLM_F_REQUEST},
		{.ifi_index = (int)if_nametoindex(name)}};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool ok = send(fd, &request, sizeof request, 0) == sizeof request;
	close(fd);
	return ok;
}

static bool lose_device(void)
{
	int fd = open_tun(1420);
	if (cannot_create(fd))
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0);
	REQUIRE(delete_link("wg0"));
	struct pollfd p = {.fd = fd, .events = POLLIN};
	REQUIRE(poll(&p, 1, 1000) == 1); /* the loop wakes up */
	int error = read_burst(fd);
	REQUIRE(error < 0 && error != -EAGAIN && error != -EMSGSIZE);
	burst.count = 1;
	burst.len[0] = 28;
	REQUIRE(write_burst(fd) == 1);
	char name[IFNAMSIZ];
	REQUIRE(tun_name(fd, name) == -EBADFD);
	return true;
}

TEST(tun_tells_that_its_device_is_gone_row_22)
{
	sandbox_run(lose_device);
}

static bool under_signals(void)
{
	int fd = open_tun(1420), udp = udp_socket();
	if (cannot_create(fd))
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0 && udp >= 0);
	unsigned lost = 0;
	storm_begin();
	for (int i = 0; i < 20000; i++) {
		send_inner(udp, 1000);
		lost += read_burst(fd) != 1;
		swap_addresses(burst_inner(&burst, 0));
		lost += write_burst(fd);
	}
	REQUIRE(storm_end() > 0);
	REQUIRE(lost == 0);
	return true;
}

TEST(tun_under_signals_row_34)
{
	sandbox_run(under_signals);
}
