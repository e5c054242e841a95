#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/engine.h"
#include "io/handover.h"
#include "io/log.h"
#include "io/messages.h"
#include "io/process.h"
#include "io/udp.h"
#include "unit/netbox.h"
#include "unit/outer.h"
#include "unit/sandbox.h"

#define PATIENCE_SECONDS 10 /* a loaded machine is no failure; a hang is */

/* The engine as a process; the test is its supervisor, and a client. */
static struct process engine;
static int client;

static bool tell(const struct to_engine *message, const int *fds, size_t fd_count)
{
	return !channel_send(engine.channel, message, sizeof *message, fds, fd_count);
}

static bool tell_link(bool is_up)
{
	struct to_engine message = {.kind = TO_ENGINE_LINK, .link = {1420, is_up}};
	return tell(&message, NULL, 0);
}

/* Another control connection, as `client`. */
static bool connect_client(void)
{
	int ends[2];
	struct to_engine message = {.kind = TO_ENGINE_CONTROL};
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	client = ends[0];
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	REQUIRE(!setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
	REQUIRE(tell(&message, &ends[1], 1));
	close(ends[1]);
	return true;
}

static bool begin(void)
{
	setenv("LOG_LEVEL", "silent", 1); /* that nobody answers is no news here */
	log_init("");
	int error = process_start(&engine, "engine", engine_run, NULL, NULL, 0);
	unsetenv("LOG_LEVEL");
	log_init("");
	REQUIRE(!error);
	return connect_client();
}

static int end(void)
{
	close(client);
	return process_finish(&engine);
}

/* The next request for sockets, whatever the answers were. 0: another message. */
static uint32_t requested(uint16_t *port)
{
	struct from_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct pollfd readable = {.fd = engine.channel, .events = POLLIN};
	poll(&readable, 1, PATIENCE_SECONDS * 1000);
	if (channel_receive(engine.channel, &message, sizeof message, fds, &fd_count) != 1 ||
		message.kind != FROM_ENGINE_NEED_SOCKETS)
		return 0;
	*port = message.need_sockets.port;
	return message.need_sockets.request_id;
}

/* New sockets as an answer; *port is where. */
static bool give_sockets(uint32_t request_id, uint16_t *port)
{
	struct udp_sockets udp;
	REQUIRE(!udp_open(&udp, 0, UDP_V4));
	struct to_engine message = {
		.kind = TO_ENGINE_SOCKETS,
		.sockets = {.request_id = request_id},
	};
	int fds[UDP_SOCKETS_MAX];
	*port = udp.port;
	bool ok = tell(&message, fds, handover_put(&message, &udp, fds));
	udp_close(&udp);
	return ok;
}

static bool refuse_sockets(uint32_t request_id, int error)
{
	struct to_engine message = {
		.kind = TO_ENGINE_SOCKETS,
		.sockets = {.request_id = request_id, .error = error},
	};
	return tell(&message, NULL, 0);
}

static bool say(const char *text)
{
	return send(client, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* One whole answer. */
static const char *hear(void)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n = 1;
	while (n > 0 && len < sizeof text - 1 && (len < 2 || memcmp(text + len - 2, "\n\n", 2))) {
		n = recv(client, text + len, 1, 0);
		len += n > 0;
	}
	text[len] = 0;
	return text;
}

static const char *port_answer(uint16_t port)
{
	static char text[64];
	snprintf(text, sizeof text, "listen_port=%u\nerrno=0\n\n", port);
	return text;
}

TEST(engine_ends_with_its_channel)
{
	CHECK(begin());
	CHECK(say("get=1\n\n"));
	CHECK_STR("errno=0\n\n", hear());
	CHECK_EQ(0, end());
}

/* A port is set while the sockets for a link that has just come up are on their way. */
TEST(engine_takes_the_sockets_asked_for_last)
{
	uint16_t port, first, second;
	CHECK(begin());
	CHECK(tell_link(true));
	uint32_t at_up = requested(&port);
	CHECK(at_up);
	CHECK_EQ(0, port);
	CHECK(say("set=1\nlisten_port=4711\n\n"));
	uint32_t at_set = requested(&port);
	CHECK(at_set && at_set != at_up);
	CHECK_EQ(4711, port);
	CHECK(give_sockets(at_up, &first));
	CHECK(give_sockets(at_set, &second));
	CHECK_STR("errno=0\n\n", hear());
	CHECK(say("get=1\n\n"));
	CHECK_STR(port_answer(second), hear());
	CHECK_EQ(0, end());
}

TEST(engine_asks_again_for_a_port_where_it_has_none)
{
	uint16_t port;
	CHECK(begin());
	CHECK(say("set=1\nlisten_port=4711\n\n")); /* the link is down: nothing is needed */
	CHECK_STR("errno=0\n\n", hear());
	CHECK(tell_link(true));
	CHECK(refuse_sockets(requested(&port), -EADDRINUSE));
	CHECK_EQ(4711, port);
	CHECK(say("set=1\nlisten_port=4712\n\n"));
	CHECK(refuse_sockets(requested(&port), -EADDRINUSE));
	CHECK_EQ(4712, port);
	CHECK_STR("errno=-98\n\n", hear());
	CHECK(say("set=1\nlisten_port=4713\n\n"));
	CHECK(give_sockets(requested(&port), &(uint16_t){0}));
	CHECK_EQ(4713, port);
	CHECK_STR("errno=0\n\n", hear());
	CHECK_EQ(0, end());
}

/* Down and up again void the request that a set waits for: the next is for its port too. */
TEST(engine_finishes_a_set_across_a_link_that_goes_down)
{
	uint16_t port, bound;
	CHECK(begin());
	CHECK(tell_link(true));
	CHECK(give_sockets(requested(&port), &bound));
	CHECK(say("set=1\nlisten_port=4711\nfwmark=7\n\n"));
	uint32_t at_set = requested(&port);
	CHECK(tell_link(false));
	CHECK(tell_link(true));
	uint32_t at_up = requested(&port);
	CHECK(at_up && at_up != at_set);
	CHECK_EQ(4711, port);
	CHECK(give_sockets(at_set, &bound));
	CHECK(give_sockets(at_up, &bound));
	CHECK_STR("errno=0\n\n", hear());
	CHECK_EQ(0, end());
}

/* Its answer; UINT32_MAX: none, or another. */
static uint32_t ping(uint32_t id)
{
	struct to_engine question = {.kind = TO_ENGINE_PING, .ping.id = id};
	struct from_engine answer;
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct pollfd readable = {.fd = engine.channel, .events = POLLIN};
	bool ok = tell(&question, NULL, 0) && poll(&readable, 1, PATIENCE_SECONDS * 1000) == 1 &&
		  channel_receive(engine.channel, &answer, sizeof answer, fds, &fd_count) == 1 &&
		  answer.kind == FROM_ENGINE_PONG;
	return ok ? answer.pong.id : UINT32_MAX;
}

/* What could not be bound perhaps can be when routes or addresses are others. */
TEST(engine_asks_again_when_routes_change)
{
	struct to_engine routes = {.kind = TO_ENGINE_ROUTES};
	uint16_t port, bound;
	CHECK(begin());
	CHECK(tell_link(true));
	CHECK(refuse_sockets(requested(&port), -EADDRNOTAVAIL));
	CHECK(tell(&routes, NULL, 0));
	uint32_t again = requested(&port);
	CHECK(again != 0);
	CHECK_EQ(0, requested(&port)); /* but the sources are told, as below */
	CHECK(give_sockets(again, &bound));
	CHECK(tell(&routes, NULL, 0)); /* it has some: nothing more is asked for */
	CHECK_EQ(0, requested(&port));
	CHECK_EQ(7, ping(7));
	CHECK(tell_link(false));
	CHECK(tell(&routes, NULL, 0)); /* nor while it is down */
	CHECK_EQ(0, requested(&port));
	CHECK_EQ(8, ping(8));
	CHECK_EQ(0, end());
}

/* What waits for sockets is done at once when the link goes down, and brings none. */
static bool set_while_going_down(void)
{
	struct udp_sockets udp;
	uint16_t port, bound, late;
	REQUIRE(begin() && tell_link(true) && give_sockets(requested(&port), &bound));
	REQUIRE(say("set=1\nlisten_port=4711\n\n"));
	uint32_t at_set = requested(&port);
	REQUIRE(port == 4711 && tell_link(false));
	REQUIRE(!strcmp("errno=0\n\n", hear()));
	REQUIRE(give_sockets(at_set, &late) && ping(7) == 7);
	REQUIRE(say("get=1\n\n") && !strcmp(port_answer(4711), hear()));
	uint16_t ports[] = {bound, late};
	for (size_t i = 0; i < 2; i++) { /* free again */
		REQUIRE(udp_open(&udp, ports[i], UDP_V4) == 0);
		udp_close(&udp);
	}
	return end() == 0;
}

TEST(engine_has_no_sockets_while_the_link_is_down)
{
	sandbox_run(set_while_going_down); /* where nobody else takes a port */
}

/* A set whose port cannot be had changes nothing, and one whose client has left is done. */
TEST(engine_does_a_set_wholly_or_not_at_all)
{
	static const char key[] =
		"private_key=a8dac1d8a70a751f0f699fb14ba1ec2b0ac2c0d9b5bdc5b8c9d0a0c77e0a6a6f\n";
	uint16_t port, bound;
	CHECK(begin());
	CHECK(tell_link(true));
	CHECK(give_sockets(requested(&port), &bound));
	CHECK(say("set=1\n") && say(key) && say("listen_port=4711\n\n"));
	CHECK(refuse_sockets(requested(&port), -EADDRINUSE));
	CHECK_STR("errno=-98\n\n", hear());
	CHECK(say("get=1\n\n"));
	CHECK_STR(port_answer(bound), hear());

	int left = client;
	CHECK(connect_client());
	CHECK_EQ(9, send(left, "set=1\nlis", 9, 0));
	CHECK_EQ(17, send(left, "ten_port=4712\n\nge", 17, 0));
	uint32_t at_set = requested(&port);
	close(left);
	CHECK(say("get=1\n\n"));
	CHECK(give_sockets(at_set, &bound));
	CHECK_STR(port_answer(bound), hear());
	CHECK_EQ(0, end());
}

/* Each of these ends it: whoever speaks so is not our supervisor. */
TEST(engine_ends_at_garbage)
{
	static const struct {
		struct to_engine message;
		size_t len, fd_count;
	} rows[] = {
		{{.kind = TO_ENGINE_PING}, sizeof(struct to_engine) - 1, 0},
		{{.kind = TO_ENGINE_PING}, 1, 0},
		{{.kind = TO_ENGINE_PING}, sizeof(struct to_engine), 1},
		{{.kind = 0}, sizeof(struct to_engine), 0},
		{{.kind = TO_ENGINE_PING + 1}, sizeof(struct to_engine), 0},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 1420, .tuning = {.tx_queue_len = 1}}},
			sizeof(struct to_engine), 0},
		{{.kind = TO_ENGINE_START, .start = {.mtu = 65536, .tuning = {.tx_queue_len = 1}}},
			sizeof(struct to_engine), 1},
		{{.kind = TO_ENGINE_CONTROL}, sizeof(struct to_engine), 2},
		{{.kind = TO_ENGINE_LINK, .link = {65536, 1}}, sizeof(struct to_engine), 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(begin());
		const int fds[] = {client, client};
		CHECK_EQ(0, channel_send(engine.channel, &rows[i].message, rows[i].len, fds,
				    rows[i].fd_count));
		CHECK_STR("", hear()); /* the connection is closed: it has ended by itself */
		CHECK_EQ(1, end());
	}
}

/* It owns the interface, and goes on without it. */
static bool with_a_tun(void)
{
	struct to_engine start = {
		.kind = TO_ENGINE_START, .start = {.mtu = 1420, .tuning = TUNING_USUAL}};
	for (int is_deleted = 0; is_deleted < 2; is_deleted++) {
		uint32_t ifindex;
		int tun = netbox_tun("t1", &ifindex);
		REQUIRE(tun >= 0 && begin() && tell(&start, &tun, 1));
		close(tun);
		REQUIRE(ping(7) == 7 && if_nametoindex("t1") == ifindex);
		if (is_deleted)
			REQUIRE(netbox_delete(&box.n, ifindex) == 0);
		for (uint32_t i = 0; i < 3; i++)
			REQUIRE(ping(i) == i);
		REQUIRE(end() == 0 && if_nametoindex("t1") == 0);
	}
	return true;
}

TEST(engine_holds_the_interface_row_22)
{
	netbox_run(with_a_tun);
}

static int handshake_socket(const struct udp_sockets *here)
{
	return handshakes_v4(here) >= 0 ? handshakes_v4(here) : data_v4(here);
}

/* A key, and a peer at `here` to whom a keepalive is due at once. */
static bool add_peer(struct udp_sockets *here)
{
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	char text[512];
	REQUIRE(!udp_open(here, 0, UDP_V4));
	int fd = handshake_socket(here);
	fcntl(fd, F_SETFL, 0);
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
	snprintf(text, sizeof text,
		"set=1\nprivate_key="
		"a8dac1d8a70a751f0f699fb14ba1ec2b0ac2c0d9b5bdc5b8c9d0a0c77e0a6a6f"
		"\npublic_key=de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f\n"
		"endpoint=127.0.0.1:%u\npersistent_keepalive_interval=5\n\n",
		here->port);
	return say(text) && !strcmp(hear(), "errno=0\n\n");
}

static bool hears_initiation(const struct udp_sockets *here)
{
	uint8_t got[256];
	return recv(handshake_socket(here), got, sizeof got, 0) == 148 && got[0] == 1;
}

TEST(engine_speaks_to_a_peer)
{
	struct udp_sockets here;
	uint16_t port, bound;
	CHECK(begin());
	CHECK(add_peer(&here));
	CHECK(tell_link(true));
	CHECK(give_sockets(requested(&port), &bound));
	CHECK(hears_initiation(&here));
	udp_close(&here);
	CHECK_EQ(0, end());
}

/* The next message; its kind must be this one. */
static bool heard(enum from_engine_kind kind, struct from_engine *message)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct pollfd readable = {.fd = engine.channel, .events = POLLIN};
	return poll(&readable, 1, PATIENCE_SECONDS * 1000) == 1 &&
	       channel_receive(engine.channel, message, sizeof *message, fds, &fd_count) == 1 &&
	       message->kind == kind && from_engine_is_valid(message, fd_count);
}

/* Row 10: nothing goes out above the limit, and all above the floor. */
TEST(engine_waits_for_stamps_row_10)
{
	const struct tai64n floor = tai64n_from_realtime(UINT64_C(4000000000) * NANOS_PER_SECOND);
	const struct tai64n limit = tai64n_from_realtime(UINT64_C(4000000060) * NANOS_PER_SECOND);
	struct udp_sockets here;
	struct from_engine said;
	struct to_engine message = {.kind = TO_ENGINE_START,
		.start = {.stamps = {.is_limited = 1, .limit = floor},
			.stamp_floor = floor,
			.tuning = TUNING_USUAL}};
	uint16_t port, bound;
	int tun[2];
	CHECK_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tun));
	CHECK(begin());
	CHECK(tell(&message, tun, 1));
	CHECK(add_peer(&here));
	CHECK(tell_link(true));
	CHECK(give_sockets(requested(&port), &bound));
	CHECK(heard(FROM_ENGINE_NEED_STAMPS, &said));
	CHECK(tai64n_is_after(&said.sent_stamp, &floor));
	CHECK_EQ(-1, recv(handshake_socket(&here), tun, sizeof tun, MSG_DONTWAIT));
	message = (struct to_engine){
		.kind = TO_ENGINE_STAMPS, .stamps = {.is_limited = 1, .limit = limit}};
	CHECK(tell(&message, NULL, 0));
	CHECK(hears_initiation(&here));
	/* its last word: where the next life begins */
	CHECK_EQ(0, shutdown(engine.channel, SHUT_WR));
	CHECK(heard(FROM_ENGINE_LAST_STAMP, &said));
	CHECK(tai64n_is_after(&said.sent_stamp, &floor));
	CHECK(tai64n_is_after(&limit, &said.sent_stamp));
	udp_close(&here);
	close(tun[0]);
	close(tun[1]);
	CHECK_EQ(0, end());
}
