#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "main/hook_queue.h"
#include "unit/capture.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static struct loop loop;
static struct hook_queue queue;
static int done_count, last_status;

static void on_done(void *context, int status)
{
	(void)context;
	done_count++;
	last_status = status;
}

static bool is_done(void)
{
	return done_count > 0;
}

static bool begin(void)
{
	done_count = last_status = 0;
	REQUIRE(capture_begin("info", ""));
	REQUIRE(!loop_init(&loop));
	REQUIRE(!hook_queue_start(&queue));
	queue.on_done = on_done;
	REQUIRE(!hook_queue_attach(&queue, &loop));
	return true;
}

static void end(void)
{
	hook_queue_stop(&queue);
	loop_wipe(&loop);
}

static bool one_after_another(void)
{
	char *commands[] = {"echo one %i", "echo two >&2; printf three", "exit 4", "echo never"};
	REQUIRE(begin());
	REQUIRE(hook_queue_run(&queue, HOOK_POST_UP, "wg0", commands, 0) == 0);
	REQUIRE(hook_queue_run(&queue, HOOK_POST_UP, "wg0", commands, 4) == 1);
	REQUIRE(loop_wait(&loop, is_done));
	REQUIRE(last_status == 4);
	REQUIRE(!strcmp(captured(), "PostUp: echo one %i\n"
				    "PostUp: one wg0\n"
				    "PostUp: echo two >&2; printf three\n"
				    "PostUp: two\n"
				    "PostUp: three\n" /* without a line's end, but not lost */
				    "PostUp: exit 4\n"
				    "PostUp: \"exit 4\" ended with status 4\n"));
	end();
	return true;
}

TEST(hook_queue_runs_until_one_fails_and_loses_no_output)
{
	sandbox_run_child(one_after_another);
}

static bool much_output(void)
{
	char *commands[] = {"seq 1000"};
	REQUIRE(begin());
	REQUIRE(hook_queue_run(&queue, HOOK_PRE_UP, "wg0", commands, 1) == 1);
	REQUIRE(loop_wait(&loop, is_done));
	const char *text = captured();
	REQUIRE(strstr(text, "PreUp: 1\n") && strstr(text, "PreUp: 1000\n"));
	end();
	return true;
}

TEST(hook_queue_reads_all_that_a_command_printed)
{
	sandbox_run_child(much_output);
}

/* A command that does not end must not keep the daemon. */
static bool stop_while_it_runs(void)
{
	char *commands[] = {"exec sleep 3"};
	REQUIRE(begin());
	REQUIRE(hook_queue_run(&queue, HOOK_POST_UP, "wg0", commands, 1) == 1);
	loop_settle(&loop);
	end();
	REQUIRE(done_count == 0);
	REQUIRE(strstr(captured(), "\"exec sleep 3\" still runs: not waited for\n"));
	return true;
}

TEST(hook_queue_does_not_wait_for_a_command_that_hangs)
{
	sandbox_run_child(stop_while_it_runs);
}

static bool killed_runner(void)
{
	char *commands[] = {"kill -9 $PPID"};
	REQUIRE(begin());
	REQUIRE(hook_queue_run(&queue, HOOK_POST_UP, "wg0", commands, 1) == 1);
	REQUIRE(loop_wait(&loop, is_done));
	REQUIRE(last_status != 0);
	REQUIRE(hook_queue_run(&queue, HOOK_PRE_DOWN, "wg0", commands, 1) < 0);
	end();
	return true;
}

TEST(hook_queue_survives_its_runner)
{
	sandbox_run_child(killed_runner);
}
