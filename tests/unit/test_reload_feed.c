#include "main/reload_feed.h"

#include <errno.h>
#include <unistd.h>

#include "io/channel.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static struct loop loop;
static struct engine_link engine_link;
static struct reload_feed rf;
static int engine, feed = -1; /* its end of the channel, and of the connection */
static int state_error, reply_error;
static size_t peers;

static void on_state(void *context, int error, const struct change *state)
{
	(void)context;
	state_error = error;
	peers = state ? state->peer_count : 0;
}

static void on_reply(void *context, int error)
{
	(void)context;
	reply_error = error;
	if (error == EBUSY)
		reload_feed_close(&rf); /* a callback may */
}

static bool begin(void)
{
	int ends[2];
	REQUIRE(loop_init(&loop) == 0 && channel_pair(ends) == 0);
	engine_link.process.channel = ends[0];
	engine = ends[1];
	state_error = reply_error = -1;
	rf = (struct reload_feed){.loop = &loop,
		.engine = &engine_link,
		.on_state = on_state,
		.on_reply = on_reply,
		.feed.fd = -1};
	return true;
}

static void end(void)
{
	reload_feed_close(&rf);
	reload_feed_close(&rf);
	loop_wipe(&loop);
	close(engine_link.process.channel);
	close(engine);
	close(feed);
}

static bool is_connected(void)
{
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	if (channel_receive(engine, &message, sizeof message, fds, &count) != 1)
		return false;
	close(feed);
	feed = fds[0];
	return true;
}

static bool hears(const char *expected)
{
	char text[256];
	ssize_t n = read(feed, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	return !strcmp(expected, text);
}

static bool answer(const char *text)
{
	REQUIRE(write(feed, text, strlen(text)) == (ssize_t)strlen(text));
	loop_settle(&loop);
	return true;
}

static bool talks(void)
{
	const struct change mark = {.has_fwmark = true, .fwmark = 7};
	REQUIRE(begin() && reload_feed_ask(&rf) == 0 && is_connected() && hears("get=1\n\n"));
	REQUIRE(answer("public_key=") && state_error == -1);
	REQUIRE(answer("0000000000000000000000000000000000000000000000000000000000000001\n"
		       "errno=0\n\n"));
	REQUIRE(state_error == 0 && peers == 1 && reply_error == -1);
	/* over the same connection */
	REQUIRE(reload_feed_change(&rf, &mark) == 0 && !is_connected());
	REQUIRE(hears("set=1\nfwmark=7\n\n") && answer("errno=-12\n\n") && reply_error == ENOMEM);
	REQUIRE(reload_feed_change(&rf, &mark) == 0 && hears("set=1\nfwmark=7\n\n"));
	REQUIRE(answer("errno=0\n\n") && reply_error == 0);
	REQUIRE(reload_feed_change(&rf, &mark) == 0 && answer("errno=-16\n\n"));
	REQUIRE(reply_error == EBUSY && rf.feed.fd == -1);
	/* and over another one */
	REQUIRE(reload_feed_change(&rf, &mark) == 0 && is_connected());
	end();
	return true;
}

TEST(reload_feed_asks_and_changes)
{
	sandbox_run_child(talks);
}

static bool breaks(void)
{
	const struct change mark = {.has_fwmark = true};
	REQUIRE(begin() && reload_feed_ask(&rf) == 0 && is_connected());
	REQUIRE(answer("nonsense\n\n") && state_error == EPROTO);
	reload_feed_close(&rf);
	REQUIRE(reload_feed_ask(&rf) == 0 && is_connected() && hears("get=1\n\n"));
	close(feed);
	feed = -1;
	loop_settle(&loop);
	REQUIRE(state_error == EPIPE && reply_error == -1);
	reload_feed_close(&rf);
	REQUIRE(reload_feed_change(&rf, &mark) == 0 && is_connected());
	REQUIRE(answer("listen_port=5\n\n") && reply_error == EPROTO);
	reload_feed_close(&rf);
	close(engine);
	engine = -1;
	REQUIRE(reload_feed_ask(&rf) == -EPIPE && reload_feed_change(&rf, &mark) == -EPIPE);
	end();
	return true;
}

TEST(reload_feed_tells_what_goes_wrong)
{
	sandbox_run_child(breaks);
}
