#include "unit/test.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/engine.h"
#include "io/messages.h"
#include "io/process.h"
#include "io/udp.h"
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

static bool begin(void)
{
	int ends[2];
	struct to_engine message = {.kind = TO_ENGINE_CONTROL};
	REQUIRE(!process_start(&engine, "engine", engine_run, NULL, NULL, 0));
	REQUIRE(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	client = ends[0];
	const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
	REQUIRE(!setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
	REQUIRE(tell(&message, &ends[1], 1));
	close(ends[1]);
	return true;
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
		.sockets = {.request_id = request_id, .has_v4 = 1, .port = udp.port},
	};
	*port = udp.port;
	bool ok = tell(&message, &udp.v4, 1);
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
