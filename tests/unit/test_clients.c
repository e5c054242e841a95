#include "unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/guests.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

TEST(clients_answer_operations_one_after_another)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	CHECK_STR("", guests_hear(fd));
	CHECK(guests_say(fd, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(fd));
	/* pipelined, the last one not complete */
	CHECK(guests_say(
		fd, "set=1\nlisten_port=5\n\nget=1\n\nset=1\nnonsense=1\n\nset=1\nlisten_po"));
	CHECK_STR(OK ANSWER "errno=-22\n\n", guests_hear(fd));
	CHECK_EQ(5, guests.port);
	CHECK_EQ(1, guests.sets); /* nonsense does not get so far */
	CHECK(guests_say(fd, "rt=7\n\n"));
	CHECK_STR(OK, guests_hear(fd));
	CHECK_EQ(7, guests.port);
	CHECK_EQ(2, guests.gets);
	close(fd);
	loop_settle(&guests.loop);
	CHECK_EQ(0, guests.clients.count);
	guests_end();
}

/* The supervisor's own connection stays open for as long as the interface lives. */
TEST(clients_keep_no_key_of_a_change_carried_out)
{
	static const struct change none;
	CHECK(guests_begin());
	int fd = guests_connect();
	CHECK(guests_say(fd,
		"set=1\nprivate_key="
		"0101010101010101010101010101010101010101010101010101010101010101\n"
		"public_key="
		"0202020202020202020202020202020202020202020202020202020202020202\n"
		"preshared_key="
		"0303030303030303030303030303030303030303030303030303030303030303\n\n"));
	CHECK_STR(OK, guests_hear(fd));
	CHECK_EQ(1, guests.clients
			    .count); /* it is connected, and its change is still there to look at */
	CHECK_MEM(&none, guests.last_change, sizeof none);
	close(fd);
	guests_end();
}

TEST(clients_tell_the_reason_of_a_refusal)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	guests.set_result = EADDRINUSE;
	CHECK(guests_say(fd, "set=1\nlisten_port=5\n\n"));
	CHECK_STR("errno=-98\n\n", guests_hear(fd));
	close(fd);
	guests_end();
}

TEST(clients_byte_by_byte)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	const char *text = "set=1\nlisten_port=51820\n\nget=1\n\n";
	char heard[256] = "";
	for (const char *c = text; *c; c++) {
		char byte[] = {*c, 0};
		CHECK(guests_say(fd, byte));
		strcat(heard, guests_hear(fd));
		CHECK_STR(c - text < 24 ? "" : c[1] ? OK : OK ANSWER, heard);
	}
	CHECK_EQ(51820, guests.port);
	close(fd);
	guests_end();
}

TEST(clients_do_not_hear_each_other)
{
	CHECK(guests_begin());
	int fds[3];
	for (int i = 0; i < 3; i++)
		fds[i] = guests_connect();
	CHECK(guests_say(fds[0], "set=1\nlisten_po") && guests_say(fds[1], "get=1\n"));
	CHECK_STR("", guests_hear(fds[0]));
	CHECK(guests_say(fds[2], "get=1\n\n") && guests_say(fds[0], "rt=3\n\n"));
	CHECK_STR(OK, guests_hear(fds[0]));
	CHECK_STR("", guests_hear(fds[1]));
	CHECK_STR(ANSWER, guests_hear(fds[2]));
	CHECK(guests_say(fds[1], "\n"));
	CHECK_STR(ANSWER, guests_hear(fds[1]));
	CHECK_EQ(3, guests.clients.count);
	guests_end(); /* who is still there is told by the end */
	for (int i = 0; i < 3; i++) {
		char byte;
		CHECK_EQ(0, read(fds[i], &byte, 1));
		close(fds[i]);
	}
}

TEST(clients_close_who_breaks_the_rules)
{
	static const char *const rows[] = {"\n", "help\n", "get=2\n\n", "get=1\nlisten_port=1\n\n"};
	CHECK(guests_begin());
	int good = guests_connect();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = guests_connect();
		CHECK(guests_say(fd, rows[i]));
		CHECK_STR("closed", guests_hear(fd));
		close(fd);
	}
	CHECK_EQ(1, guests.clients.count);
	CHECK(guests_say(good, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(good));
	CHECK_EQ(1, guests.gets);
	close(good);
	guests_end();
}

/* Row 24: a line of 64 KiB is read to its end, a longer one closes the connection. */
static const char *after_line_of(size_t len)
{
	static char line[UINT16_MAX + 2];
	int fd = guests_connect();
	memset(line, 'a', len);
	line[len] = '\n';
	guests_say(fd, "set=1\n");
	for (size_t sent = 0; sent <= len;) {
		ssize_t n = send(fd, line + sent, len + 1 - sent, MSG_NOSIGNAL);
		loop_settle(&guests.loop);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	guests_say(fd, "\n");
	const char *heard = guests_hear(fd);
	close(fd);
	return heard;
}

TEST(clients_bound_a_line_row_24)
{
	CHECK(guests_begin());
	CHECK_STR("errno=-22\n\n", after_line_of(65000));
	CHECK_STR("errno=-22\n\n", after_line_of(65535));
	CHECK_STR("closed", after_line_of(65536));
	loop_settle(&guests.loop);
	CHECK_EQ(0, guests.clients.count);
	guests_end();
}

TEST(clients_wait_for_a_slow_reader_and_nobody_else_does)
{
	const size_t len = 1 << 20;
	static char text[4096];
	CHECK(guests_begin());
	int slow = guests_connect(), quick = guests_connect();
	guests.answer_len = len;
	CHECK(guests_say(slow, "get=1\n\nset=1\nlisten_port=9\n\n"));
	loop_settle(&guests.loop);
	guests.answer_len = 0;
	CHECK_EQ(1, guests.gets);
	CHECK_EQ(0, guests.sets); /* not read before the answer has gone */
	CHECK(guests_say(quick, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(quick));
	size_t got = 0;
	for (ssize_t n; got < len + strlen(OK) && (n = read(slow, text, sizeof text)) > 0;
		got += (size_t)n)
		loop_settle(&guests.loop);
	CHECK_EQ(len + strlen(OK), got);
	CHECK_EQ(1, guests.sets);
	CHECK_MEM(OK, text + got % sizeof text - strlen(OK), strlen(OK));
	CHECK(guests_say(slow, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(slow));
	close(slow);
	close(quick);
	guests_end();
}

TEST(clients_answer_who_only_listens_on)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	CHECK(guests_say(fd, "get=1\n\nget=1\n\n"));
	CHECK_EQ(0, shutdown(fd, SHUT_WR));
	CHECK_STR(ANSWER ANSWER, guests_hear(fd));
	CHECK_STR("closed", guests_hear(fd));
	CHECK_EQ(0, guests.clients.count);
	close(fd);
	guests_end();
}

TEST(clients_who_have_left_are_obeyed)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	CHECK(guests_say(fd, "set=1\nlisten_port=5\n\nset=1\nlisten_port=6\n\n"));
	close(fd);
	loop_settle(&guests.loop);
	CHECK_EQ(5, guests.port); /* what nobody hears the answer of is the last */
	CHECK_EQ(0, guests.clients.count);
	guests_end();
}

TEST(clients_wait_while_a_set_is_put_off)
{
	CHECK(guests_begin());
	int setter = guests_connect(), other = guests_connect();
	guests.set_result = CLIENTS_LATER;
	CHECK(guests_say(setter, "set=1\nlisten_port=5\n\nget=1\n\n"));
	CHECK_STR("", guests_hear(setter));
	int late = guests_connect();
	CHECK(guests_say(other, "get=1\n\n") && guests_say(late, "get=1\n\n"));
	CHECK_STR("", guests_hear(other));
	CHECK_STR("", guests_hear(late));
	CHECK_EQ(0, guests.gets);
	clients_answer_set(&guests.clients, EADDRINUSE);
	CHECK_STR("errno=-98\n\n" ANSWER, guests_hear(setter));
	CHECK_STR(ANSWER, guests_hear(other));
	CHECK_STR(ANSWER, guests_hear(late));
	close(setter);
	close(other);
	close(late);
	guests_end();
}

/* Two that are put off in one read, and another client's: each alone, in whatever order. */
TEST(clients_put_off_one_set_at_a_time)
{
	CHECK(guests_begin());
	int a = guests_connect(), b = guests_connect();
	guests.set_result = CLIENTS_LATER;
	CHECK(guests_say(a, "set=1\nlisten_port=1\n\nset=1\nlisten_port=2\n\n"));
	CHECK_STR("", guests_hear(a));
	CHECK(guests_say(b, "set=1\nlisten_port=4\n\n"));
	CHECK_STR("", guests_hear(b));
	unsigned ports = 0;
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(i, guests.sets);
		ports |= guests.port;
		bool is_b = guests.port == 4;
		clients_answer_set(&guests.clients, 0);
		CHECK_STR(is_b ? "" : OK, guests_hear(a));
		CHECK_STR(is_b ? OK : "", guests_hear(b));
	}
	CHECK_EQ(1 + 2 + 4, ports);
	close(a);
	close(b);
	guests_end();
}

TEST(clients_may_leave_while_a_set_is_put_off)
{
	CHECK(guests_begin());
	int setter = guests_connect(), other = guests_connect(), third = guests_connect();
	guests.set_result = CLIENTS_LATER;
	CHECK(guests_say(setter, "set=1\n\n"));
	loop_settle(&guests.loop);
	CHECK(guests_say(other, "get=1\n\n") && guests_say(third, "get=1\n\n"));
	close(setter);
	close(other);
	loop_settle(&guests.loop);
	CHECK(!guests.clients.waiting);
	CHECK_EQ(1, guests.clients.count);
	CHECK_STR("", guests_hear(third)); /* the set itself is still under way */
	clients_answer_set(&guests.clients, 0);
	CHECK_STR(ANSWER, guests_hear(third));
	CHECK_EQ(1, guests.gets);
	close(third);
	guests_end();
}
