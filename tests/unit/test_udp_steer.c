/* Handshakes and data, told apart by the kernel. */
#include "unit/test.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "io/udp.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

static uint8_t bytes[BURST_SMALL];
static struct burst burst = {.bytes = bytes, .capacity = BURST_SMALL};
static struct udp_sockets a, b;

static const struct ip_address v4 = {IP_V4, {127, 0, 0, 1}}, v6 = {IP_V6, {[15] = 1}};

/* Which of b's sockets the next datagram came to, as an index; -1: none came. */
static int arrived(void)
{
	struct pollfd fds[UDP_SOCKETS_MAX];
	struct endpoint from;
	const int count = (int)(2 * b.count);
	for (int i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = b.all[i], .events = POLLIN};
	poll(fds, 2 * b.count, 2000);
	for (int i = 0; i < count; i++)
		if (fds[i].revents && udp_receive_burst(b.all[i], &burst, &from) == 1)
			return i;
	return -1;
}

static int send_first_byte(const struct endpoint *to, uint8_t first, uint32_t len)
{
	struct udp_progress progress = {0};
	memset(bytes, 4, sizeof bytes);
	bytes[0] = first;
	burst.stride = BURST_SMALL;
	burst.count = 1;
	burst.len[0] = len;
	if (udp_send_burst(&a, &burst, to, false, &progress) || progress.refused)
		return -1;
	return arrived();
}

static void steer(enum udp_families families, const struct ip_address *local)
{
	enum { DATA, HANDSHAKES };
	if (udp_open(&a, 0, families) || udp_open(&b, 0, families)) {
		test_skip("not this family here");
		return;
	}
	if (b.steer_error == -ENOPROTOOPT || b.steer_error == -EPERM) {
		test_skip("this kernel does not steer: %s", strerror(-b.steer_error));
		return;
	}
	CHECK_EQ(0, b.steer_error);
	struct endpoint to = {.address = *local, .port = b.port};
	/* every first byte, the source port the same: it is not a matter of hashes */
	for (int first = 0; first < 256; first++)
		CHECK_EQ(first == 4 ? DATA : HANDSHAKES, send_first_byte(&to, (uint8_t)first, 148));
	CHECK_EQ(DATA, send_first_byte(&to, 4, 1));
	CHECK_EQ(DATA, send_first_byte(&to, 4, BURST_SMALL));
	CHECK_EQ(HANDSHAKES, send_first_byte(&to, 4, 0));
	/* and every source port */
	for (int i = 0; i < 50; i++) {
		udp_close(&a);
		CHECK_EQ(0, udp_open(&a, 0, families));
		CHECK_EQ(DATA, send_first_byte(&to, 4, 32));
		CHECK_EQ(HANDSHAKES, send_first_byte(&to, 1, 148));
	}
	/* the port is not for others, although it is shared */
	struct udp_sockets c;
	CHECK_EQ(-EADDRINUSE, udp_open(&c, b.port, families));
	udp_close(&a);
	udp_close(&b);
}

TEST(udp_steers_handshakes_to_their_socket_v4)
{
	steer(UDP_V4, &v4);
}

TEST(udp_steers_handshakes_to_their_socket_v6)
{
	steer(UDP_V6, &v6);
}

/* From now on the kernel knows no SO_REUSEPORT, or no program to steer by. */
static bool forbid_option(unsigned name)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, name, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* One socket for all, that nobody else can have. */
static bool share(unsigned forbidden)
{
	unsigned before = open_fd_count();
	REQUIRE(udp_open(&a, 0, UDP_V4) == 0);
	REQUIRE(forbid_option(forbidden));
	REQUIRE(udp_open(&b, 0, UDP_V4) == 0);
	REQUIRE(b.steer_error == -ENOPROTOOPT && handshakes_v4(&b) == -1 && data_v4(&b) >= 0);
	REQUIRE(open_fd_count() == before + 3);
	struct endpoint to = {.address = v4, .port = b.port};
	REQUIRE(udp_socket_to(&b, &to, true) == data_v4(&b));
	for (int first = 0; first < 6; first++)
		REQUIRE(send_first_byte(&to, (uint8_t)first, 148) == 0);
	return true;
}

static bool share_without_reuseport(void)
{
	return share(SO_REUSEPORT);
}

static bool share_without_bpf(void)
{
	return share(SO_ATTACH_REUSEPORT_CBPF);
}

TEST(udp_shares_one_socket_where_ports_cannot_be_shared)
{
	sandbox_run_child(share_without_reuseport);
}

TEST(udp_shares_one_socket_where_nothing_steers)
{
	sandbox_run_child(share_without_bpf);
}

/* Sent by their own socket: its queue, its fragments. */
TEST(udp_sends_handshakes_from_their_socket)
{
	CHECK_EQ(0, udp_open(&a, 0, UDP_DUAL));
	struct endpoint to = {.address = v4, .port = 9}, to6 = {.address = v6, .port = 9};
	struct endpoint nowhere = {0};
	CHECK_EQ(data_v4(&a), udp_socket_to(&a, &to, false));
	if (handshakes_v4(&a) >= 0)
		CHECK_EQ(handshakes_v4(&a), udp_socket_to(&a, &to, true));
	CHECK_EQ(data_v6(&a), udp_socket_to(&a, &to6, false));
	if (handshakes_v6(&a) >= 0)
		CHECK_EQ(handshakes_v6(&a), udp_socket_to(&a, &to6, true));
	CHECK_EQ(-1, udp_socket_to(&a, &nowhere, true));
	CHECK_EQ(-1, udp_socket_to(&a, &nowhere, false));
	udp_close(&a);
}
