/* The outer sockets on loopback, without privileges. test_udp_sandbox.c has the rest. */
#include "unit/test.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/udp.h"
#include "noise/wire.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

static uint8_t out_bytes[BURST_LARGE], in_bytes[BURST_LARGE];
static struct burst out = {.bytes = out_bytes, .capacity = BURST_LARGE},
		    in = {.bytes = in_bytes, .capacity = BURST_LARGE};
static struct udp_sockets a, b;

static const struct ip_address v4 = {IP_V4, {127, 0, 0, 1}}, v6 = {IP_V6, {[15] = 1}};

/* Two pairs of sockets; false: skipped or failed, and said so. */
static bool open_two(enum udp_families families)
{
	in.capacity = BURST_LARGE;
	out.tos = 0;
	if (udp_open(&a, 0, families) || udp_open(&b, 0, families)) {
		if (families == UDP_V6)
			test_skip("no IPv6 here");
		else
			test_fail(__FILE__, __LINE__, "no socket");
		return false;
	}
	return true;
}

static void close_two(void)
{
	udp_close(&a);
	udp_close(&b);
}

/* Data, for all that a socket can see of it. */
static void fill(uint32_t count, uint32_t stride, uint32_t len)
{
	out.count = count;
	out.stride = stride;
	for (uint32_t i = 0; i < count; i++) {
		out.len[i] = len + i;
		memset(burst_datagram(&out, i), (int)(i + 1), out.len[i]);
		burst_datagram(&out, i)[0] = MESSAGE_DATA;
	}
}

/* Waits for one burst on `fd`. */
static int receive(int fd, struct endpoint *from)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	poll(&p, 1, 2000);
	return udp_receive_burst(fd, &in, from);
}

TEST(udp_open_gives_both_families_one_port)
{
	CHECK_EQ(0, udp_open(&a, 0, UDP_DUAL));
	CHECK(a.port != 0 && data_v4(&a) >= 0);
	for (uint32_t i = 0; i < 2 * a.count; i++) {
		if (a.all[i] < 0)
			continue;
		struct sockaddr_in6 name; /* the port is where sockaddr_in has it */
		socklen_t len = sizeof name;
		CHECK_EQ(0, getsockname(a.all[i], (struct sockaddr *)&name, &len));
		CHECK_EQ(a.port, ntohs(name.sin6_port));
		CHECK(fd_is_cloexec(a.all[i])); /* row 37 */
		struct endpoint from;
		CHECK_EQ(-EAGAIN, udp_receive_burst(a.all[i], &in, &from));
	}
	for (uint32_t i = 0; i < 2 * a.count; i++) {
		if (a.all[i] < 0)
			continue;
		bool is_v6 = a.all[i] == data_v6(&a) || a.all[i] == handshakes_v6(&a);
		int value = -1, level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		socklen_t len = sizeof value;
		CHECK_EQ(0, getsockopt(a.all[i], level, is_v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
				    &value, &len));
		CHECK_EQ(is_v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT, value);
	}
	udp_close(&a);
	CHECK_EQ(0, a.count);
	udp_close(&a);
}

TEST(udp_open_single_family)
{
	CHECK_EQ(0, udp_open(&a, 0, UDP_V4));
	CHECK(data_v4(&a) >= 0);
	CHECK_EQ(-1, data_v6(&a));
	uint16_t port = a.port;
	CHECK_EQ(-EADDRINUSE, udp_open(&b, port, UDP_V4));
	int error = udp_open(&b, port, UDP_V6); /* not taken there */
	udp_close(&a);
	if (error == -EAFNOSUPPORT) {
		test_skip("no IPv6 here");
		return;
	}
	CHECK_EQ(0, error);
	CHECK_EQ(-1, data_v4(&b));
	CHECK_EQ(port, b.port);
	unsigned before = open_fd_count();
	a.port = 1;
	CHECK_EQ(-EADDRINUSE, udp_open(&a, port, UDP_DUAL)); /* taken for IPv6 only: row 32 */
	CHECK_EQ(before, open_fd_count());
	CHECK_EQ(1, a.port); /* untouched */
	udp_close(&b);
}

static void carry(enum udp_families families, const struct ip_address *local)
{
	static const uint8_t tos[] = {0, 1, 2, 3, 0x88, 0xb8, 0xff};
	if (!open_two(families))
		return;
	int fd = families == UDP_V4 ? data_v4(&b) : data_v6(&b);
	struct endpoint to = {.address = *local, .port = b.port}, from;
	CHECK_EQ(fd, udp_socket_to(&b, &to, false));
	for (size_t t = 0; t < 2 * sizeof tos; t++) {
		bool is_handshake = t >= sizeof tos;
		struct udp_progress progress = {0};
		fill(5, 200, 148);
		out.tos = tos[t % sizeof tos];
		CHECK_EQ(0, udp_send_burst(&a, &out, &to, is_handshake, &progress));
		CHECK_EQ(5, progress.next);
		CHECK_EQ(0, progress.refused);
		for (uint32_t i = 0; i < 5; i++) {
			memset(&from, 0xff, sizeof from);
			CHECK_EQ(1, receive(fd, &from));
			CHECK_EQ(1, in.count);
			CHECK_EQ(148 + i, in.len[0]);
			CHECK_MEM(burst_datagram(&out, i), in.bytes, in.len[0]);
			CHECK_EQ(out.tos, in.tos);
			CHECK_EQ(a.port, from.port);
			CHECK_MEM(local, &from.address, sizeof *local);
			CHECK_MEM(local, &from.source, sizeof *local);
			CHECK_EQ(if_nametoindex("lo"), from.source_ifindex);
			CHECK_EQ(0, from.scope_id);
		}
	}
	close_two();
}

TEST(udp_carries_addresses_and_tos_v4)
{
	carry(UDP_V4, &v4);
}

TEST(udp_carries_addresses_and_tos_v6)
{
	carry(UDP_V6, &v6);
}

/* Every datagram arrives whole or not at all; row 14. */
static void lengths(enum udp_families families, const struct ip_address *local, uint32_t max)
{
	static const struct {
		uint32_t len, capacity;
		int result;
	} rows[] = {
		{0, BURST_SMALL, 1},
		{1, BURST_SMALL, 1},
		{BURST_SMALL, BURST_SMALL, 1},
		{BURST_SMALL + 1, BURST_SMALL, -EMSGSIZE},
		{UINT32_MAX, BURST_SMALL, -EMSGSIZE},
		{32, BURST_SMALL, 1},
		{UINT32_MAX, BURST_LARGE, 1},
	};
	if (!open_two(families))
		return;
	struct endpoint to = {.address = *local, .port = b.port}, from;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t len = rows[i].len == UINT32_MAX ? max : rows[i].len;
		struct udp_progress progress = {0};
		fill(1, BURST_LARGE, len);
		in.capacity = rows[i].capacity;
		CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
		CHECK_EQ(0, progress.refused);
		CHECK_EQ(rows[i].result, receive(udp_socket_to(&b, &to, len == 0), &from));
		CHECK_EQ(rows[i].result == 1, in.count);
		if (in.count) {
			CHECK_EQ(len, in.len[0]);
			CHECK_MEM(out.bytes, in.bytes, len);
		}
	}
	struct udp_progress progress = {0};
	fill(1, BURST_LARGE, max + 1);
	CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
	CHECK_EQ(1, progress.refused);
	CHECK_EQ(-EMSGSIZE, progress.error);
	close_two();
}

TEST(udp_lengths_v4_row_14)
{
	lengths(UDP_V4, &v4, 65507);
}

TEST(udp_lengths_v6_row_14)
{
	lengths(UDP_V6, &v6, 65527);
}

/*
 * Row 15: an endless loop over control messages. Each datagram comes with two of
 * them, here with up to five, in any mix, more than there is room for; the last one
 * may be cut short then.
 */
static void any_control(
	enum udp_families families, const struct ip_address *local, const int options[3][2])
{
	if (!open_two(families))
		return;
	struct endpoint to = {.address = *local, .port = b.port}, from;
	int fd = udp_socket_to(&b, &to, false);
	fill(1, 100, 50);
	out.tos = 2;
	for (unsigned mix = 0; mix < 8; mix++) {
		for (unsigned i = 0; i < 3; i++) {
			const int is_on = mix >> i & 1;
			CHECK_EQ(0,
				setsockopt(fd, options[i][0], options[i][1], &is_on, sizeof is_on));
		}
		struct udp_progress progress = {0};
		CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
		memset(&from, 0xff, sizeof from);
		CHECK_EQ(1, receive(fd, &from));
		CHECK_EQ(50, in.len[0]);
		CHECK_MEM(out.bytes, in.bytes, 50);
		CHECK_MEM(local, &from.address, sizeof *local);
		CHECK(from.source.family == IP_NONE || ip_address_is_equal(local, &from.source));
		CHECK(mix || (in.tos == 2 && from.source.family == local->family));
	}
	close_two();
}

TEST(udp_reads_any_control_messages_v4_row_15)
{
	static const int options[3][2] = {{SOL_SOCKET, SO_TIMESTAMP}, {IPPROTO_IP, IP_RECVTTL},
		{IPPROTO_IP, IP_RECVORIGDSTADDR}};
	any_control(UDP_V4, &v4, options);
}

TEST(udp_reads_any_control_messages_v6_row_15)
{
	static const int options[3][2] = {{SOL_SOCKET, SO_TIMESTAMP},
		{IPPROTO_IPV6, IPV6_RECVHOPLIMIT}, {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR}};
	any_control(UDP_V6, &v6, options);
}

TEST(udp_leaves_from_the_cached_source)
{
	if (!open_two(UDP_V4))
		return;
	struct endpoint to = {.address = v4, .port = b.port, .source = {IP_V4, {127, 0, 0, 9}}},
			from;
	struct udp_progress progress = {0};
	fill(2, 100, 50);
	CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
	CHECK(!progress.source_failed);
	CHECK_EQ(1, receive(data_v4(&b), &from));
	CHECK_EQ(9, from.address.bytes[3]);
	CHECK_EQ(1, from.source.bytes[3]);
	/* the answer to that endpoint leaves from where the datagram hit, and gets there */
	from.source.bytes[3] = 4;
	struct udp_progress answer = {0};
	CHECK_EQ(0, udp_send_burst(&b, &out, &from, false, &answer));
	CHECK_EQ(1, receive(data_v4(&a), &from));
	CHECK_EQ(4, from.address.bytes[3]);
	CHECK_EQ(9, from.source.bytes[3]);
	close_two();
}

static void stale_source(
	enum udp_families families, const struct ip_address *local, const struct ip_address *stale)
{
	if (!open_two(families))
		return;
	struct endpoint to = {.address = *local, .port = b.port, .source = *stale}, from;
	struct udp_progress progress = {0};
	fill(3, 100, 50);
	out.tos = 2;
	CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
	CHECK(progress.source_failed);
	CHECK_EQ(3, progress.next);
	CHECK_EQ(0, progress.refused);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(1, receive(udp_socket_to(&b, &to, false), &from));
		CHECK_EQ(50 + i, in.len[0]);
		CHECK_EQ(2, in.tos);
		CHECK_MEM(local, &from.address, sizeof *local);
	}
	CHECK_EQ(-EAGAIN, udp_receive_burst(udp_socket_to(&b, &to, false), &in, &from));
	close_two();
}

TEST(udp_stale_source_goes_without_row_39_v4)
{
	stale_source(UDP_V4, &v4, &(struct ip_address){IP_V4, {192, 0, 2, 1}});
}

TEST(udp_stale_source_goes_without_row_39_v6)
{
	stale_source(UDP_V6, &v6, &(struct ip_address){IP_V6, {0x20, 1, 0xd, 0xb8, [15] = 1}});
}

TEST(udp_ignores_a_source_of_the_other_family)
{
	if (!open_two(UDP_V4))
		return;
	struct endpoint to = {.address = v4, .port = b.port}, from;
	to.source = (struct ip_address){IP_V6, {0x20, 1, 0xd, 0xb8}};
	struct udp_progress progress = {0};
	fill(1, 100, 50);
	CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
	CHECK(!progress.source_failed);
	CHECK_EQ(1, receive(data_v4(&b), &from));
	close_two();
}

TEST(udp_refuses_a_family_that_is_not_there)
{
	if (!open_two(UDP_V4))
		return;
	struct endpoint to[] = {{.address = v6, .port = b.port, .source = v6}, {.port = b.port}};
	for (int i = 0; i < 2; i++) {
		struct udp_progress progress = {0};
		fill(4, 100, 50);
		CHECK_EQ(-1, udp_socket_to(&a, &to[i], false));
		CHECK_EQ(0, udp_send_burst(&a, &out, &to[i], true, &progress));
		CHECK_EQ(4, progress.next);
		CHECK_EQ(4, progress.refused);
		CHECK_EQ(-EAFNOSUPPORT, progress.error);
		CHECK(!progress.source_failed);
	}
	close_two();
}

TEST(udp_goes_on_where_it_stopped_row_31)
{
	if (!open_two(UDP_V4))
		return;
	struct endpoint to = {.address = v4, .port = b.port}, from;
	struct udp_progress progress = {.next = 3, .refused = 1};
	fill(5, 100, 50);
	CHECK_EQ(0, udp_send_burst(&a, &out, &to, false, &progress));
	CHECK_EQ(5, progress.next);
	CHECK_EQ(1, progress.refused);
	for (uint32_t i = 3; i < 5; i++) {
		CHECK_EQ(1, receive(data_v4(&b), &from));
		CHECK_EQ(50 + i, in.len[0]);
	}
	CHECK_EQ(-EAGAIN, udp_receive_burst(data_v4(&b), &in, &from));
	close_two();
}

TEST(udp_under_signals_row_34)
{
	if (!open_two(UDP_V4))
		return;
	struct endpoint to = {.address = v4, .port = b.port}, from;
	uint32_t lost = 0, rounds = 0;
	fill(64, 1024, 900);
	storm_begin();
	for (; rounds < 200; rounds++) {
		struct udp_progress progress = {0};
		lost += udp_send_burst(&a, &out, &to, false, &progress) != 0 || progress.refused;
		for (int i = 0; i < 64; i++)
			lost += receive(data_v4(&b), &from) != 1;
	}
	CHECK(storm_end() > 0);
	CHECK_EQ(0, lost);
	close_two();
}
