#include "main/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "text/uapi.h"
#include "text/view_change.h"

#define READ_MAX 16384 /* bytes */

int feed_open(struct feed *feed, struct engine_link *engine)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	int error = engine_link_give_control(engine, ends[1], true);
	if (error) {
		close(ends[0]);
		return error;
	}
	*feed = (struct feed){.fd = ends[0]};
	out_init(&feed->change, FEED_MAX);
	out_init(&feed->state, FEED_MAX);
	return 0;
}

void feed_close(struct feed *feed)
{
	if (feed->fd >= 0)
		close(feed->fd);
	feed->fd = -1;
	out_wipe(&feed->change);
	out_wipe(&feed->state);
	feed->sent = 0;
}

bool feed_is_sending(const struct feed *feed)
{
	return feed->sent < feed->change.len;
}

int feed_flush(struct feed *feed)
{
	struct out *change = &feed->change;
	while (feed_is_sending(feed)) {
		ssize_t n = send(feed->fd, change->bytes + feed->sent, change->len - feed->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		feed->sent += n > 0 ? (size_t)n : 0;
	}
	out_wipe(change);
	feed->sent = 0;
	return 0;
}

int feed_change(struct feed *feed, const struct change *change)
{
	if (feed_is_sending(feed))
		return -EAGAIN;
	uapi_format_set(&feed->change, change);
	if (!feed->change.has_failed)
		return feed_flush(feed);
	out_wipe(&feed->change);
	return -ENOMEM;
}

/* One byte more than a reply may be never fits, so a reply that does not end is an error. */
int feed_reply(struct feed *feed, int *error)
{
	char byte;
	while (feed->reply_len < sizeof feed->reply - 1) {
		ssize_t n = recv(feed->fd, &byte, 1, MSG_DONTWAIT);
		if (n == 0)
			return 0;
		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		feed->reply[feed->reply_len++] = byte;
		if (feed->reply_len < 2 || memcmp(feed->reply + feed->reply_len - 2, "\n\n", 2))
			continue;
		feed->reply[feed->reply_len] = 0;
		feed->reply_len = 0;
		if (strncmp(feed->reply, "errno=", 6))
			return -EPROTO;
		*error = (int)strtol(feed->reply + 6, NULL, 10);
		return 1;
	}
	return -EPROTO;
}

int feed_ask(struct feed *feed)
{
	if (feed_is_sending(feed))
		return -EAGAIN;
	out_add_text(&feed->change, "get=1\n\n");
	return feed->change.has_failed ? -ENOMEM : feed_flush(feed);
}

static int parse_state(const struct out *text, struct change *state)
{
	struct view view;
	bool ok = view_parse(&view, text->bytes, text->len) && view.error == 0;
	int result = !ok ? -EPROTO : view_to_change(state, &view) ? 1 : -ENOMEM;
	view_wipe(&view);
	return result;
}

int feed_state(struct feed *feed, struct change *state)
{
	char buffer[READ_MAX];
	struct out *text = &feed->state;
	change_init(state);
	for (;;) {
		ssize_t n = recv(feed->fd, buffer, sizeof buffer, MSG_DONTWAIT);
		if (n == 0)
			return 0;
		if (n < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		out_add(text, buffer, (size_t)n);
		secret_wipe(buffer, (size_t)n);
		if (text->has_failed)
			return -ENOMEM;
		if (text->len < 2 || memcmp(text->bytes + text->len - 2, "\n\n", 2))
			continue;
		int result = parse_state(text, state);
		out_wipe(text);
		return result;
	}
}
