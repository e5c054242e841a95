#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/channel.h"
#include "main/feed.h"
#include "text/uapi.h"

static struct feed feed;
static struct engine_link engine_link;
static int engine; /* the engine's end of the feed, which does not block */

static bool begin(void)
{
	int ends[2], fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct to_engine message;
	if (channel_pair(ends))
		return false;
	engine_link.process.channel = ends[0];
	bool ok = !feed_open(&feed, &engine_link) &&
		  channel_receive(ends[1], &message, sizeof message, fds, &fd_count) == 1 &&
		  message.kind == TO_ENGINE_CONTROL && fd_count == 1;
	engine = fds[0];
	channel_close_fds(ends, 2);
	return ok;
}

static void end(void)
{
	feed_close(&feed);
	close(engine);
}

static void fill(struct change *change, uint32_t peers)
{
	change_init(change);
	for (uint32_t i = 0; i < peers; i++) {
		struct public_key key = {{0}};
		memcpy(key.bytes, &i, sizeof i);
		if (!change_add_peer(change, &key))
			abort();
	}
}

static bool reply(const char *text)
{
	return write(engine, text, strlen(text)) == (ssize_t)strlen(text);
}

/* The engine does not read at first: it may be waiting for an answer of ours. */
TEST(feed_does_not_wait_for_the_engine)
{
	struct change change, small;
	struct out expected, got;
	static char buffer[65536];
	out_init(&expected, FEED_MAX);
	out_init(&got, FEED_MAX);
	fill(&change, 20000);
	fill(&small, 1);
	uapi_format_set(&expected, &change);
	CHECK(begin());
	CHECK_EQ(0, feed_change(&feed, &change));
	CHECK(feed_is_sending(&feed));
	CHECK_EQ(-EAGAIN, feed_change(&feed, &small)); /* and nothing of it is sent */
	while (got.len < expected.len) {
		ssize_t n = read(engine, buffer, sizeof buffer);
		CHECK(n > 0);
		out_add(&got, buffer, (size_t)n);
		CHECK_EQ(0, feed_flush(&feed));
	}
	CHECK(!feed_is_sending(&feed));
	CHECK(!feed.change.bytes); /* it held keys */
	CHECK_STR(out_string(&expected), out_string(&got));
	CHECK_EQ(0, feed_change(&feed, &small));
	CHECK(!feed_is_sending(&feed));
	end();
	out_wipe(&expected);
	out_wipe(&got);
	change_wipe(&change);
	change_wipe(&small);
}

TEST(feed_reads_replies_in_pieces)
{
	int error = 1;
	CHECK(begin());
	CHECK_EQ(-EAGAIN, feed_reply(&feed, &error));
	CHECK(reply("errno=0\n\nerrno=-9"));
	CHECK_EQ(1, feed_reply(&feed, &error));
	CHECK_EQ(0, error);
	CHECK_EQ(-EAGAIN, feed_reply(&feed, &error));
	CHECK(reply("8\n\n"));
	CHECK_EQ(1, feed_reply(&feed, &error));
	CHECK_EQ(-EADDRINUSE, error);
	shutdown(engine, SHUT_WR);
	CHECK_EQ(0, feed_reply(&feed, &error));
	end();
}

TEST(feed_refuses_what_is_no_reply)
{
	static const char *const rows[] = {"listen_port=1\n\n",
		"errno=0 and so on and on, without an end, further than any reply is long"};
	int error;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(begin());
		CHECK(reply(rows[i]));
		CHECK_EQ(-EPROTO, feed_reply(&feed, &error));
		end();
	}
}

TEST(feed_tells_that_the_engine_is_gone)
{
	struct change change;
	fill(&change, 1);
	CHECK(begin());
	shutdown(engine, SHUT_RDWR);
	CHECK_EQ(-EPIPE, feed_change(&feed, &change));
	end();
	change_wipe(&change);
}

#define KEY_OF(digits) digits digits digits digits digits digits digits digits

TEST(feed_asks_for_the_state)
{
	static char question[64];
	struct change state;
	CHECK(begin());
	CHECK_EQ(0, feed_ask(&feed));
	CHECK_EQ(7, read(engine, question, sizeof question));
	CHECK_STR("get=1\n\n", question);
	CHECK_EQ(-EAGAIN, feed_state(&feed, &state));
	CHECK(reply("listen_port=5\npublic_key=" KEY_OF("01234567") "\npreshared_key="));
	CHECK_EQ(-EAGAIN, feed_state(&feed, &state));
	CHECK(reply(KEY_OF("0a0b0c0d") "\nallowed_ip=10.0.0.0/8\nerrno=0\n\n"));
	CHECK_EQ(1, feed_state(&feed, &state));
	CHECK_EQ(5, state.listen_port);
	CHECK_EQ(1, state.peer_count);
	CHECK_EQ(0x0a, state.peers[0].preshared_key.bytes[0]);
	CHECK_EQ(1, state.peers[0].allowed_ip_count);
	CHECK(!feed.state.bytes); /* it held keys */
	change_wipe(&state);
	end();
}

TEST(feed_refuses_what_is_no_state)
{
	static const char *const rows[] = {
		"errno=5\n\n", "listen_port=99999999\nerrno=0\n\n", "\n\n"};
	struct change state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK(begin());
		CHECK_EQ(0, feed_ask(&feed));
		CHECK(reply(rows[i]));
		CHECK_EQ(-EPROTO, feed_state(&feed, &state));
		change_wipe(&state);
		end();
	}
	CHECK(begin());
	CHECK_EQ(0, feed_ask(&feed));
	shutdown(engine, SHUT_WR);
	CHECK_EQ(0, feed_state(&feed, &state));
	end();
}
