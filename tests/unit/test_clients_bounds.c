#include "unit/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "unit/guests.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

/* Nobody locks others out by being there: who was silent for longest makes room. */
TEST(clients_beyond_the_bound_replace_the_idlest)
{
	unsigned before = open_fd_count();
	CHECK(guests_begin());
	int fds[CLIENTS_MAX];
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		fds[i] = guests_connect();
	CHECK(guests_say(fds[0], "get=1\n")); /* the first is not the idlest any more */
	CHECK_STR("", guests_hear(fds[0]));
	int one_more = guests_connect();
	CHECK_STR("closed", guests_hear(fds[1]));
	CHECK_EQ(CLIENTS_MAX, guests.clients.count);
	CHECK(guests_say(one_more, "get=1\n\n") && guests_say(fds[0], "\n"));
	CHECK_STR(ANSWER, guests_hear(one_more));
	CHECK_STR(ANSWER, guests_hear(fds[0]));
	/* whoever reads an answer is not silent either, and who does not is */
	guests.answer_len = 1 << 20;
	CHECK(guests_say(fds[2], "get=1\n\n"));
	loop_settle(&guests.loop);
	for (size_t i = 3; i < CLIENTS_MAX; i++) {
		CHECK(guests_say(fds[i], "set=1\n"));
		CHECK_STR("", guests_hear(fds[i]));
	}
	CHECK_EQ('x', guests_hear(fds[2])[0]);
	int another = guests_connect();
	CHECK_STR("closed", guests_hear(one_more));
	guests.answer_len = 0;
	CHECK(guests_say(another, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(another));
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		close(fds[i]);
	close(one_more);
	close(another);
	loop_settle(&guests.loop);
	CHECK_EQ(0, guests.clients.count);
	guests_end();
	CHECK_EQ(before, open_fd_count());
}

TEST(clients_never_send_the_programs_own_away)
{
	int own[2];
	CHECK(guests_begin());
	guests.clients.max = 2;
	CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, own));
	clients_add(&guests.clients, own[1], true);
	int setter = guests_connect();
	/* nor who waits for what is under way */
	guests.set_result = CLIENTS_LATER;
	CHECK(guests_say(setter, "set=1\nlisten_port=5\n\n"));
	CHECK_STR("", guests_hear(setter));
	int refused = guests_connect();
	CHECK_STR("closed", guests_hear(refused));
	clients_answer_set(&guests.clients, 0);
	CHECK_STR(OK, guests_hear(setter));
	int next = guests_connect();
	CHECK_STR("closed", guests_hear(setter));
	CHECK(guests_say(own[0], "get=1\n\n") && guests_say(next, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(own[0]));
	CHECK_STR(ANSWER, guests_hear(next));
	close(own[0]);
	close(setter);
	close(refused);
	close(next);
	guests_end();
}

/* However much comes at once: the others, and packets, do not wait for more than one. */
TEST(clients_have_one_operation_carried_out_in_a_turn)
{
	CHECK(guests_begin());
	int greedy = guests_connect(), other = guests_connect();
	for (int i = 0; i < 60; i++)
		CHECK(guests_say(greedy, "get=1\n\n"));
	loop_turn(&guests.loop);
	for (int i = 2; i < 30; i++) {
		CHECK(guests.gets >= i - 1 && guests.gets <= i);
		loop_turn(&guests.loop);
	}
	CHECK(guests_say(other, "set=1\nlisten_port=9\n\n"));
	loop_turn(&guests.loop);
	loop_turn(&guests.loop);
	CHECK_EQ(9, guests.port);
	CHECK(guests.gets < 40);
	loop_settle(&guests.loop);
	CHECK_EQ(60, guests.gets);
	close(greedy);
	close(other);
	guests_end();
}

TEST(clients_who_do_not_read_have_bounds)
{
	CHECK(guests_begin());
	guests.clients.answers_max = 5 << 20;
	guests.answer_len = 2000000; /* in a buffer of 2 MiB */
	int fds[4];
	for (int i = 0; i < 4; i++) {
		fds[i] = guests_connect();
		CHECK(guests_say(fds[i], "get=1\n\n"));
		loop_settle(&guests.loop);
		CHECK_EQ(i < 2 ? i + 1 : 2, guests.clients.count);
	}
	CHECK_EQ(4, guests.gets);
	guests.answer_len = 0;
	int small = guests_connect();
	CHECK(guests_say(small, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(small));
	CHECK_EQ('x', guests_hear(fds[3])[0]);
	close(small);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	guests_end();
}

TEST(clients_are_told_when_an_answer_is_too_large)
{
	CHECK(guests_begin());
	int fd = guests_connect();
	guests.answer_len = CLIENTS_ANSWER_MAX;
	CHECK(guests_say(fd, "get=1\n\n"));
	CHECK_STR("errno=12\n\n", guests_hear(fd));
	guests.answer_len = 0;
	CHECK(guests_say(fd, "get=1\n\n"));
	CHECK_STR(ANSWER, guests_hear(fd));
	close(fd);
	guests_end();
}

/* A long answer is written a part in a turn; what could change it meanwhile waits. */
TEST(clients_write_long_answers_in_parts)
{
	CHECK(guests_begin());
	int fd = guests_connect(), other = guests_connect();
	guests.part_count = 10;
	CHECK(guests_say(fd, "get=1\n\nset=1\nlisten_port=5\n\n"));
	for (int i = 0; i < 9; i++) {
		loop_turn(&guests.loop);
		CHECK_EQ(i, guests.parts);
		if (i == 1)
			CHECK(guests_say(other, "set=1\nlisten_port=9\n\n"));
		CHECK_EQ(0, guests.sets);
	}
	CHECK_STR("xxxxxxxxx" ANSWER OK, guests_hear(fd));
	CHECK_STR(OK, guests_hear(other));
	CHECK_EQ(1, guests.gets);
	close(fd);
	close(other);
	guests_end();
}

TEST(clients_may_leave_while_an_answer_is_written)
{
	CHECK(guests_begin());
	int fd = guests_connect(), other = guests_connect();
	guests.part_count = 10;
	CHECK(guests_say(fd, "get=1\n\n"));
	loop_turn(&guests.loop);
	CHECK(guests_say(other, "get=1\n\n"));
	loop_turn(&guests.loop);
	close(fd);
	CHECK_STR("xxxxxxxxx" ANSWER, guests_hear(other));
	CHECK_EQ(1, guests.clients.count);
	CHECK_EQ(2, guests.gets);
	/* who does not read what came before stops nobody either */
	int full = guests_connect();
	char byte = 'x';
	guests.part_count = 0;
	guests.answer_len = 100;
	for (int i = 0; i < 100; i++)
		guests_say(full, "get=1\n\n");
	loop_settle(&guests.loop);
	CHECK(recv(full, &byte, 1, MSG_PEEK) == 1);
	CHECK(guests_say(other, "get=1\n\n"));
	CHECK_EQ(100 + 0, strlen(guests_hear(other)));
	close(full);
	close(other);
	guests_end();
}
