#include "unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clients.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

#define OK     "errno=0\n\n"
#define ANSWER "listen_port=1\n" OK

static struct loop loop;
static struct clients clients;
static int gets, sets, set_result;
static size_t answer_len; /* of get, instead of ANSWER; 0: that */
static uint16_t port;	  /* of the last set */
static const struct change *last_change;

static void on_get(void *context, struct out *answer)
{
	gets++;
	(void)context;
	if (answer_len)
		out_add_repeated(answer, 'x', answer_len);
	else
		out_add_text(answer, ANSWER);
}

static int on_set(void *context, struct change *change)
{
	sets++;
	(void)context;
	port = change->listen_port;
	last_change = change;
	return set_result;
}

static bool begin(void)
{
	gets = sets = set_result = 0;
	answer_len = 0;
	clients = (struct clients){.loop = &loop, .on_get = on_get, .on_set = on_set};
	REQUIRE(loop_init(&loop) == 0);
	return true;
}

static void end(void)
{
	clients_wipe(&clients);
	loop_wipe(&loop);
}

/* Our end of a new connection; it does not block. */
static int connect_one(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		abort();
	clients_add(&clients, ends[1]);
	return ends[0];
}

static bool say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* What came after a turn; "" for nothing, "closed" when the connection is. */
static const char *hear(int fd)
{
	static char text[65536];
	loop_settle(&loop);
	ssize_t n = read(fd, text, sizeof text - 1);
	if (n == 0)
		return "closed";
	text[n > 0 ? n : 0] = 0;
	return text;
}

TEST(clients_answer_operations_one_after_another)
{
	CHECK(begin());
	int fd = connect_one();
	CHECK_STR("", hear(fd));
	CHECK(say(fd, "get=1\n\n"));
	CHECK_STR(ANSWER, hear(fd));
	/* pipelined, the last one not complete */
	CHECK(say(fd, "set=1\nlisten_port=5\n\nget=1\n\nset=1\nnonsense=1\n\nset=1\nlisten_po"));
	CHECK_STR(OK ANSWER "errno=-22\n\n", hear(fd));
	CHECK_EQ(5, port);
	CHECK_EQ(1, sets); /* nonsense does not get so far */
	CHECK(say(fd, "rt=7\n\n"));
	CHECK_STR(OK, hear(fd));
	CHECK_EQ(7, port);
	CHECK_EQ(2, gets);
	close(fd);
	loop_settle(&loop);
	CHECK_EQ(0, clients.count);
	end();
}

/* The supervisor's own connection stays open for as long as the interface lives. */
TEST(clients_keep_no_key_of_a_change_carried_out)
{
	static const struct change none;
	CHECK(begin());
	int fd = connect_one();
	CHECK(say(fd, "set=1\nprivate_key="
		      "0101010101010101010101010101010101010101010101010101010101010101\n"
		      "public_key="
		      "0202020202020202020202020202020202020202020202020202020202020202\n"
		      "preshared_key="
		      "0303030303030303030303030303030303030303030303030303030303030303\n\n"));
	CHECK_STR(OK, hear(fd));
	CHECK_EQ(1, clients.count); /* it is connected, and its change is still there to look at */
	CHECK_MEM(&none, last_change, sizeof none);
	close(fd);
	end();
}

TEST(clients_tell_the_reason_of_a_refusal)
{
	CHECK(begin());
	int fd = connect_one();
	set_result = EADDRINUSE;
	CHECK(say(fd, "set=1\nlisten_port=5\n\n"));
	CHECK_STR("errno=-98\n\n", hear(fd));
	close(fd);
	end();
}

TEST(clients_byte_by_byte)
{
	CHECK(begin());
	int fd = connect_one();
	const char *text = "set=1\nlisten_port=51820\n\nget=1\n\n";
	char heard[256] = "";
	for (const char *c = text; *c; c++) {
		char byte[] = {*c, 0};
		CHECK(say(fd, byte));
		strcat(heard, hear(fd));
		CHECK_STR(c - text < 24 ? "" : c[1] ? OK : OK ANSWER, heard);
	}
	CHECK_EQ(51820, port);
	close(fd);
	end();
}

TEST(clients_do_not_hear_each_other)
{
	CHECK(begin());
	int fds[3];
	for (int i = 0; i < 3; i++)
		fds[i] = connect_one();
	CHECK(say(fds[0], "set=1\nlisten_po") && say(fds[1], "get=1\n"));
	CHECK_STR("", hear(fds[0]));
	CHECK(say(fds[2], "get=1\n\n") && say(fds[0], "rt=3\n\n"));
	CHECK_STR(OK, hear(fds[0]));
	CHECK_STR("", hear(fds[1]));
	CHECK_STR(ANSWER, hear(fds[2]));
	CHECK(say(fds[1], "\n"));
	CHECK_STR(ANSWER, hear(fds[1]));
	CHECK_EQ(3, clients.count);
	end(); /* who is still there is told by the end */
	for (int i = 0; i < 3; i++) {
		char byte;
		CHECK_EQ(0, read(fds[i], &byte, 1));
		close(fds[i]);
	}
}

TEST(clients_close_who_breaks_the_rules)
{
	static const char *const rows[] = {"\n", "help\n", "get=2\n\n", "get=1\nlisten_port=1\n\n"};
	CHECK(begin());
	int good = connect_one();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = connect_one();
		CHECK(say(fd, rows[i]));
		CHECK_STR("closed", hear(fd));
		close(fd);
	}
	CHECK_EQ(1, clients.count);
	CHECK(say(good, "get=1\n\n"));
	CHECK_STR(ANSWER, hear(good));
	CHECK_EQ(1, gets);
	close(good);
	end();
}

/* Row 24: a line of 64 KiB is read to its end, a longer one closes the connection. */
static const char *after_line_of(size_t len)
{
	static char line[UINT16_MAX + 2];
	int fd = connect_one();
	memset(line, 'a', len);
	line[len] = '\n';
	say(fd, "set=1\n");
	for (size_t sent = 0; sent <= len;) {
		ssize_t n = send(fd, line + sent, len + 1 - sent, MSG_NOSIGNAL);
		loop_settle(&loop);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	say(fd, "\n");
	const char *heard = hear(fd);
	close(fd);
	return heard;
}

TEST(clients_bound_a_line_row_24)
{
	CHECK(begin());
	CHECK_STR("errno=-22\n\n", after_line_of(65000));
	CHECK_STR("errno=-22\n\n", after_line_of(65535));
	CHECK_STR("closed", after_line_of(65536));
	loop_settle(&loop);
	CHECK_EQ(0, clients.count);
	end();
}

TEST(clients_wait_for_a_slow_reader_and_nobody_else_does)
{
	const size_t len = 1 << 20;
	static char text[4096];
	CHECK(begin());
	int slow = connect_one(), quick = connect_one();
	answer_len = len;
	CHECK(say(slow, "get=1\n\nset=1\nlisten_port=9\n\n"));
	loop_settle(&loop);
	answer_len = 0;
	CHECK_EQ(1, gets);
	CHECK_EQ(0, sets); /* not read before the answer has gone */
	CHECK(say(quick, "get=1\n\n"));
	CHECK_STR(ANSWER, hear(quick));
	size_t got = 0;
	for (ssize_t n; got < len + strlen(OK) && (n = read(slow, text, sizeof text)) > 0;
		got += (size_t)n)
		loop_settle(&loop);
	CHECK_EQ(len + strlen(OK), got);
	CHECK_EQ(1, sets);
	CHECK_MEM(OK, text + got % sizeof text - strlen(OK), strlen(OK));
	CHECK(say(slow, "get=1\n\n"));
	CHECK_STR(ANSWER, hear(slow));
	close(slow);
	close(quick);
	end();
}

TEST(clients_answer_who_only_listens_on)
{
	CHECK(begin());
	int fd = connect_one();
	CHECK(say(fd, "get=1\n\nget=1\n\n"));
	CHECK_EQ(0, shutdown(fd, SHUT_WR));
	CHECK_STR(ANSWER ANSWER, hear(fd));
	CHECK_STR("closed", hear(fd));
	CHECK_EQ(0, clients.count);
	close(fd);
	end();
}

TEST(clients_who_have_left_are_obeyed)
{
	CHECK(begin());
	int fd = connect_one();
	CHECK(say(fd, "set=1\nlisten_port=5\n\nset=1\nlisten_port=6\n\n"));
	close(fd);
	loop_settle(&loop);
	CHECK_EQ(5, port); /* what nobody hears the answer of is the last */
	CHECK_EQ(0, clients.count);
	end();
}

TEST(clients_wait_while_a_set_is_put_off)
{
	CHECK(begin());
	int setter = connect_one(), other = connect_one();
	set_result = CLIENTS_LATER;
	CHECK(say(setter, "set=1\nlisten_port=5\n\nget=1\n\n"));
	CHECK_STR("", hear(setter));
	int late = connect_one();
	CHECK(say(other, "get=1\n\n") && say(late, "get=1\n\n"));
	CHECK_STR("", hear(other));
	CHECK_STR("", hear(late));
	CHECK_EQ(0, gets);
	clients_answer_set(&clients, EADDRINUSE);
	CHECK_STR("errno=-98\n\n" ANSWER, hear(setter));
	CHECK_STR(ANSWER, hear(other));
	CHECK_STR(ANSWER, hear(late));
	close(setter);
	close(other);
	close(late);
	end();
}

/* Two that are put off in one read, and another client's: each alone, in whatever order. */
TEST(clients_put_off_one_set_at_a_time)
{
	CHECK(begin());
	int a = connect_one(), b = connect_one();
	set_result = CLIENTS_LATER;
	CHECK(say(a, "set=1\nlisten_port=1\n\nset=1\nlisten_port=2\n\n"));
	CHECK_STR("", hear(a));
	CHECK(say(b, "set=1\nlisten_port=4\n\n"));
	CHECK_STR("", hear(b));
	unsigned ports = 0;
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(i, sets);
		ports |= port;
		bool is_b = port == 4;
		clients_answer_set(&clients, 0);
		CHECK_STR(is_b ? "" : OK, hear(a));
		CHECK_STR(is_b ? OK : "", hear(b));
	}
	CHECK_EQ(1 + 2 + 4, ports);
	close(a);
	close(b);
	end();
}

TEST(clients_may_leave_while_a_set_is_put_off)
{
	CHECK(begin());
	int setter = connect_one(), other = connect_one(), third = connect_one();
	set_result = CLIENTS_LATER;
	CHECK(say(setter, "set=1\n\n"));
	loop_settle(&loop);
	CHECK(say(other, "get=1\n\n") && say(third, "get=1\n\n"));
	close(setter);
	close(other);
	loop_settle(&loop);
	CHECK(!clients.waiting);
	CHECK_EQ(1, clients.count);
	CHECK_STR("", hear(third)); /* the set itself is still under way */
	clients_answer_set(&clients, 0);
	CHECK_STR(ANSWER, hear(third));
	CHECK_EQ(1, gets);
	close(third);
	end();
}

/* Bytes and connections beyond the bounds are turned away, all descriptors given back. */
TEST(clients_have_bounds)
{
	unsigned before = open_fd_count();
	CHECK(begin());
	int fds[CLIENTS_MAX];
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fds[i] = connect_one();
	int one_more = connect_one();
	CHECK_STR("closed", hear(one_more));
	close(one_more);
	CHECK_EQ(CLIENTS_MAX, clients.count);
	close(fds[0]);
	loop_settle(&loop);
	fds[0] = connect_one();
	CHECK(say(fds[0], "get=1\n\n"));
	CHECK_STR(ANSWER, hear(fds[0]));
	answer_len = CLIENTS_ANSWER_MAX;
	CHECK(say(fds[0], "get=1\n\n"));
	CHECK_STR("closed", hear(fds[0]));
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close(fds[i]);
	loop_settle(&loop);
	CHECK_EQ(0, clients.count);
	end();
	CHECK_EQ(before, open_fd_count());
}
