#include "main/reload_feed.h"

#include <errno.h>

static void watch_feed(struct reload_feed *rf)
{
	uint32_t writable = feed_is_sending(&rf->feed) ? EPOLLOUT : 0;
	loop_modify(rf->loop, &rf->watch, EPOLLIN | writable);
}

/* Last: the callback may close this. */
static void tell(struct reload_feed *rf, int error, const struct change *state)
{
	if (rf->is_asking)
		rf->on_state(rf->context, error, state);
	else
		rf->on_reply(rf->context, error);
}

static int read_state(struct reload_feed *rf)
{
	struct change state;
	int got = feed_state(&rf->feed, &state);
	if (got == 1)
		tell(rf, 0, &state);
	change_wipe(&state);
	return got;
}

static int read_reply(struct reload_feed *rf)
{
	int error, got = feed_reply(&rf->feed, &error);
	if (got == 1)
		tell(rf, error < 0 ? -error : error, NULL);
	return got;
}

static void on_feed(void *context, uint32_t events)
{
	struct reload_feed *rf = context;
	int got = 1;
	if (events & EPOLLOUT) {
		got = feed_flush(&rf->feed) ? -EPIPE : 1;
		watch_feed(rf);
	}
	if (got == 1)
		got = rf->is_asking ? read_state(rf) : read_reply(rf);
	if (got != 1 && got != -EAGAIN)
		tell(rf, got ? -got : EPIPE, NULL);
}

static int open_feed(struct reload_feed *rf)
{
	if (rf->feed.fd >= 0)
		return 0;
	int error = feed_open(&rf->feed, rf->engine);
	if (error) {
		rf->feed.fd = -1;
		return error;
	}
	rf->watch = (struct watch){rf->feed.fd, on_feed, rf};
	error = loop_add(rf->loop, &rf->watch, EPOLLIN);
	if (error)
		feed_close(&rf->feed);
	return error;
}

int reload_feed_ask(struct reload_feed *rf)
{
	int error = open_feed(rf);
	if (error)
		return error;
	rf->is_asking = true;
	error = feed_ask(&rf->feed);
	watch_feed(rf);
	return error;
}

int reload_feed_change(struct reload_feed *rf, const struct change *change)
{
	int error = open_feed(rf);
	if (error)
		return error;
	rf->is_asking = false;
	error = feed_change(&rf->feed, change);
	watch_feed(rf);
	return error;
}

void reload_feed_close(struct reload_feed *rf)
{
	if (rf->feed.fd < 0)
		return;
	loop_remove(rf->loop, &rf->watch);
	feed_close(&rf->feed);
}
