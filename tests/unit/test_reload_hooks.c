#include "main/reload_hooks.h"

#include "unit/sandbox.h"

static struct loop loop;
static struct hook_queue queue;
static bool has_hooks;

static void on_done(void *context, int status)
{
	(void)context;
	(void)status;
}

static bool comes_and_goes(void)
{
	struct reload_hooks hooks = {&queue, &has_hooks, &loop, false};
	REQUIRE(loop_init(&loop) == 0);
	queue.on_done = on_done;
	queue.context = &queue;
	reload_hooks_stop(&hooks);
	REQUIRE(reload_hooks_start(&hooks) == 0 && queue.process.pid > 0 && !has_hooks);
	reload_hooks_stop(&hooks);
	REQUIRE(queue.process.pid <= 0 && queue.on_done == on_done && queue.context == &queue);
	REQUIRE(reload_hooks_start(&hooks) == 0);
	reload_hooks_keep(&hooks);
	pid_t pid = queue.process.pid;
	REQUIRE(has_hooks && pid > 0);
	/* there is one now: neither a second nor an end of it */
	REQUIRE(reload_hooks_start(&hooks) == 0 && queue.process.pid == pid);
	reload_hooks_stop(&hooks);
	reload_hooks_keep(&hooks);
	REQUIRE(queue.process.pid == pid && has_hooks);
	hook_queue_stop(&queue);
	loop_wipe(&loop);
	return true;
}

TEST(reload_hooks_come_and_go)
{
	sandbox_run_child(comes_and_goes);
}
