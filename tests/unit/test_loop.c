#include "unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/loop.h"
#include "unit/sandbox.h"

static struct loop loop;

struct end { /* the reading end of a pipe that is watched */
	struct watch watch;
	int writer, calls;
	uint32_t events;
	struct end *victim; /* removed by the callback */
	bool stops;
};

static void on_end(void *context, uint32_t events)
{
	struct end *end = context;
	end->calls++;
	end->events = events;
	if (end->victim)
		loop_remove(&loop, &end->victim->watch);
	if (end->stops)
		loop_stop(&loop);
}

static bool end_open(struct end *end)
{
	int fds[2];
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
		return false;
	*end = (struct end){.watch = {fds[0], on_end, end}, .writer = fds[1]};
	return !loop_add(&loop, &end->watch, EPOLLIN);
}

static void end_close(struct end *end)
{
	loop_remove(&loop, &end->watch);
	close(end->watch.fd);
	close(end->writer);
}

static void stop_at_deadline(void *context)
{
	++*(int *)context;
	loop_stop(&loop);
}

/* Runs everything that is due, for 20 ms; returns whether the deadline ended it. */
static bool run_shortly(void)
{
	int calls = 0;
	loop_on_deadline(&loop, stop_at_deadline, &calls);
	loop_set_deadline(&loop, clock_read().boottime + 20 * NANOS_PER_MS);
	return !loop_run(&loop) && calls == 1;
}

TEST(loop_descriptors_are_cloexec_row_37)
{
	unsigned before = open_fd_count();
	CHECK_EQ(0, loop_init(&loop));
	CHECK_EQ(before + 2, open_fd_count());
	CHECK(fd_is_cloexec(loop.epoll_fd) && fd_is_cloexec(loop.timer.fd));
	loop_wipe(&loop);
	loop_wipe(&loop);
	CHECK_EQ(before, open_fd_count());
}

TEST(loop_calls_for_what_happens)
{
	struct end end;
	CHECK_EQ(0, loop_init(&loop));
	CHECK(end_open(&end));
	CHECK(run_shortly());
	CHECK_EQ(0, end.calls);
	end.stops = true;
	CHECK_EQ(1, write(end.writer, "x", 1));
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(0, loop_run(&loop)); /* level-triggered: not read, so again */
	CHECK_EQ(2, end.calls);
	CHECK_EQ(EPOLLIN, end.events);
	CHECK_EQ(0, loop_modify(&loop, &end.watch, 0));
	CHECK(run_shortly());
	CHECK_EQ(2, end.calls);
	close(end.writer);
	end.writer = -1;
	CHECK_EQ(0, loop_run(&loop)); /* a hang-up comes even unasked */
	CHECK_EQ(EPOLLHUP, end.events);
	loop_remove(&loop, &end.watch);
	CHECK(run_shortly());
	CHECK_EQ(3, end.calls);
	CHECK_EQ(-EBADF, loop_add(&loop, &(struct watch){.fd = -1}, EPOLLIN));
	end_close(&end);
	loop_wipe(&loop);
}

/* Whichever of two comes first in the batch removes the other: that one must not be called. */
TEST(loop_removal_of_a_pending_watch)
{
	struct end *a = malloc(sizeof *a), *b = malloc(sizeof *b);
	CHECK_EQ(0, loop_init(&loop));
	CHECK(end_open(a) && end_open(b));
	a->victim = b;
	b->victim = a;
	a->stops = b->stops = false;
	CHECK_EQ(1, write(a->writer, "x", 1));
	CHECK_EQ(1, write(b->writer, "x", 1));
	struct end *survivor = NULL;
	a->stops = b->stops = true;
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(1, a->calls + b->calls);
	survivor = a->calls ? a : b;
	end_close(survivor->victim);
	free(survivor->victim); /* the sanitizer sees a later use */
	survivor->victim = NULL;
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(2, survivor->calls);
	end_close(survivor);
	free(survivor);
	loop_wipe(&loop);
}

static struct end *pending;

/* Removes, closes and frees the other, and opens a new one, which gets the same descriptor. */
static void replace_pending(void *context, uint32_t events)
{
	struct end *self = context;
	(void)events;
	self->calls++;
	if (!pending)
		return;
	end_close(pending);
	free(pending);
	pending = NULL;
	loop_remove(&loop, &self->watch);
}

TEST(loop_removal_frees_in_the_same_batch)
{
	for (int order = 0; order < 2; order++) {
		struct end first, *second = malloc(sizeof *second);
		CHECK_EQ(0, loop_init(&loop));
		CHECK(order ? end_open(&first) && end_open(second)
			    : end_open(second) && end_open(&first));
		first.watch.callback = replace_pending;
		pending = second;
		/* the one written first comes first */
		CHECK_EQ(1, write(first.writer, "x", 1));
		CHECK_EQ(1, write(second->writer, "x", 1));
		CHECK(run_shortly());
		CHECK_EQ(1, first.calls);
		CHECK(!pending);
		end_close(&first);
		loop_wipe(&loop);
	}
}

TEST(loop_stops_at_once_and_loses_nothing)
{
	struct end a, b;
	CHECK_EQ(0, loop_init(&loop));
	CHECK(end_open(&a) && end_open(&b));
	a.stops = b.stops = true;
	CHECK_EQ(1, write(a.writer, "x", 1));
	CHECK_EQ(1, write(b.writer, "x", 1));
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(1, a.calls + b.calls);
	loop_remove(&loop, a.calls ? &a.watch : &b.watch);
	CHECK_EQ(0, loop_run(&loop));
	CHECK(a.calls == 1 && b.calls == 1);
	end_close(&a);
	end_close(&b);
	loop_wipe(&loop);
}

TEST(loop_removes_its_own_watch)
{
	struct end end;
	CHECK_EQ(0, loop_init(&loop));
	CHECK(end_open(&end));
	end.victim = &end;
	CHECK_EQ(1, write(end.writer, "x", 1));
	CHECK(run_shortly());
	CHECK_EQ(1, end.calls);
	CHECK_EQ(0, loop_add(&loop, &end.watch, EPOLLIN));
	CHECK(run_shortly());
	CHECK_EQ(2, end.calls);
	end_close(&end);
	loop_wipe(&loop);
}

TEST(loop_deadline_comes_when_it_is_due)
{
	int calls = 0;
	CHECK_EQ(0, loop_init(&loop));
	loop_on_deadline(&loop, stop_at_deadline, &calls);
	nanos start = clock_read().boottime;
	static const nanos delays[] = {30, 1, 10};
	for (int i = 0; i < 3; i++) {
		nanos due = clock_read().boottime + delays[i] * NANOS_PER_MS;
		CHECK_EQ(0, loop_set_deadline(&loop, due));
		CHECK_EQ(0, loop_run(&loop));
		CHECK(clock_read().boottime >= due);
		CHECK_EQ(i + 1, calls);
	}
	CHECK_EQ(0, loop_set_deadline(&loop, 0)); /* long past: at once */
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(0, loop_set_deadline(&loop, start));
	CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(5, calls);
	loop_wipe(&loop);
}

static int zero_calls;

static void on_zero(void *context)
{
	(void)context;
	if (++zero_calls < 1000)
		loop_set_deadline(&loop, 0);
}

/* 0: in each turn once, without waiting and without keeping others from theirs. */
TEST(loop_deadline_zero_is_the_next_turn)
{
	struct end end;
	CHECK_EQ(0, loop_init(&loop));
	CHECK(end_open(&end));
	end.stops = true;
	zero_calls = 0;
	loop_on_deadline(&loop, on_zero, NULL);
	CHECK_EQ(0, loop_set_deadline(&loop, 0));
	CHECK_EQ(1, write(end.writer, "x", 1));
	for (int i = 1; i < 10; i++) {
		CHECK_EQ(0, loop_run(&loop)); /* level-triggered: one turn each */
		CHECK_EQ(i, zero_calls);
		CHECK_EQ(i, loop.turn);
	}
	end_close(&end);
	CHECK(run_shortly());
	loop_on_deadline(&loop, on_zero, NULL);
	CHECK_EQ(0, loop_set_deadline(&loop, 0));
	CHECK_EQ(0, loop_set_deadline(&loop, NANOS_NEVER)); /* no more */
	CHECK(run_shortly());
	CHECK_EQ(9, zero_calls);
	loop_wipe(&loop);
}

TEST(loop_deadline_moves)
{
	int calls = 0;
	CHECK_EQ(0, loop_init(&loop));
	loop_on_deadline(&loop, stop_at_deadline, &calls);
	nanos start = clock_read().boottime;
	CHECK_EQ(0, loop_set_deadline(&loop, start + 10 * NANOS_PER_MS));
	CHECK_EQ(0, loop_set_deadline(&loop, start + 40 * NANOS_PER_MS)); /* later: lazily */
	CHECK_EQ(0, loop_run(&loop));
	CHECK(clock_read().boottime >= start + 40 * NANOS_PER_MS);
	CHECK_EQ(1, calls);

	start = clock_read().boottime;
	CHECK_EQ(0, loop_set_deadline(&loop, start + 3600 * NANOS_PER_SECOND));
	CHECK_EQ(0, loop_set_deadline(&loop, start + 5 * NANOS_PER_MS)); /* earlier */
	CHECK_EQ(0, loop_run(&loop));
	CHECK(clock_read().boottime < start + 60 * NANOS_PER_SECOND);

	/* never: not even the timer that is armed calls */
	struct end end;
	CHECK(end_open(&end));
	end.stops = true;
	CHECK_EQ(0, loop_set_deadline(&loop, clock_read().boottime + NANOS_PER_MS));
	CHECK_EQ(0, loop_set_deadline(&loop, NANOS_NEVER));
	usleep(5000);
	CHECK_EQ(1, write(end.writer, "x", 1));
	for (int i = 0; i < 5; i++)
		CHECK_EQ(0, loop_run(&loop));
	CHECK_EQ(2, calls);
	end_close(&end);
	loop_wipe(&loop);
}

TEST(loop_runs_under_signals_row_34)
{
	CHECK_EQ(0, loop_init(&loop));
	storm_begin();
	bool ended_well = run_shortly();
	unsigned signals = storm_end();
	CHECK(ended_well);
	CHECK(signals > 0);
	loop_wipe(&loop);
}

static int signals_seen[2];

static void on_signal(void *context, int signal)
{
	signals_seen[signal == SIGUSR2]++;
	if (signals_seen[0] && signals_seen[1])
		loop_stop(context);
}

static bool receive_signals(void)
{
	sigset_t set, blocked;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	REQUIRE(!loop_init(&loop));
	REQUIRE(!loop_on_signals(&loop, &set, on_signal, &loop));
	REQUIRE(fd_is_cloexec(loop.signals.fd));
	REQUIRE(!sigprocmask(SIG_BLOCK, NULL, &blocked) && sigismember(&blocked, SIGUSR1));
	REQUIRE(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGUSR2));
	REQUIRE(!loop_run(&loop));
	REQUIRE(signals_seen[0] == 1 && signals_seen[1] == 1);
	loop_wipe(&loop);
	REQUIRE(loop.signals.fd == -1);
	return true;
}

TEST(loop_hands_over_signals)
{
	sandbox_run_child(receive_signals);
}

/* ---- with others who want to have their turn */

static int waits, turns_over;

static void on_wait(void *context, bool is_over)
{
	(void)context;
	if (is_over) {
		turns_over++;
		return;
	}
	if (++waits == 2)
		CHECK_EQ(0, loop_set_deadline(&loop, 0)); /* as another thread would */
}

/* What is due comes although the wait has begun, and for ever. */
TEST(loop_deadline_zero_ends_a_wait)
{
	int calls = 0;
	waits = turns_over = 0;
	CHECK_EQ(0, loop_init(&loop));
	loop_on_wait(&loop, on_wait, NULL);
	loop_on_deadline(&loop, stop_at_deadline, &calls);
	CHECK_EQ(0, loop_set_deadline(&loop, 1)); /* armed: a turn that is not the last one */
	CHECK_EQ(0, loop_run(&loop));
	CHECK(calls == 1 && waits == 1 && turns_over == 1);
	CHECK_EQ(0, loop_run(&loop));
	CHECK(calls == 2 && waits == 2 && turns_over == 2);
	loop_wipe(&loop);
}
