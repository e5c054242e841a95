#include "unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/channel.h"
#include "unit/sandbox.h"

struct body {
	uint32_t kind;
	char text[60];
};

static int ends[2], fds[CHANNEL_FDS_MAX];
static size_t fd_count;
static struct body out = {7, "hello"}, in;

static int receive(void)
{
	return channel_receive(ends[1], &in, sizeof in, fds, &fd_count);
}

static void close_ends(void)
{
	channel_close_fds(ends, 2);
}

TEST(channel_carries_messages_whole)
{
	CHECK_EQ(0, channel_pair(ends));
	CHECK(fd_is_cloexec(ends[0]) && fd_is_cloexec(ends[1]));
	CHECK_EQ(-EAGAIN, receive());
	for (uint32_t i = 0; i < 3; i++) {
		out.kind = i;
		CHECK_EQ(0, channel_send(ends[0], &out, sizeof out, NULL, 0));
	}
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(1, receive());
		CHECK_EQ(i, in.kind);
		CHECK_STR("hello", in.text);
		CHECK_EQ(0, fd_count);
		CHECK_EQ(-1, fds[0]);
	}
	CHECK_EQ(-EAGAIN, receive());
	close_ends();
}

TEST(channel_bounds_what_is_sent)
{
	static char big[CHANNEL_MESSAGE_MAX + 1], got[CHANNEL_MESSAGE_MAX];
	int too_many[CHANNEL_FDS_MAX + 1] = {0};
	CHECK_EQ(0, channel_pair(ends));
	CHECK_EQ(-EINVAL, channel_send(ends[0], big, 0, NULL, 0));
	CHECK_EQ(-EINVAL, channel_send(ends[0], big, sizeof big, NULL, 0));
	CHECK_EQ(-EINVAL, channel_send(ends[0], big, 1, too_many, CHANNEL_FDS_MAX + 1));
	big[CHANNEL_MESSAGE_MAX - 1] = 9;
	CHECK_EQ(0, channel_send(ends[0], big, CHANNEL_MESSAGE_MAX, NULL, 0));
	CHECK_EQ(1, channel_receive(ends[1], got, sizeof got, fds, &fd_count));
	CHECK_MEM(big, got, sizeof got);
	close_ends();
}

TEST(channel_passes_descriptors_cloexec_row_37)
{
	int pipe_ends[2];
	char byte = 0;
	CHECK_EQ(0, channel_pair(ends));
	CHECK_EQ(0, pipe(pipe_ends));
	for (size_t n = 1; n <= CHANNEL_FDS_MAX; n++) {
		int sent[CHANNEL_FDS_MAX];
		for (size_t i = 0; i < n; i++)
			sent[i] = pipe_ends[1];
		unsigned before = open_fd_count();
		CHECK_EQ(0, channel_send(ends[0], &out, sizeof out, sent, n));
		CHECK_EQ(1, receive());
		CHECK_EQ(n, fd_count);
		CHECK_EQ(before + n, open_fd_count());
		for (size_t i = 0; i < n; i++) {
			CHECK(fd_is_cloexec(fds[i]));
			CHECK_EQ(1, write(fds[i], "x", 1));
			CHECK_EQ(1, read(pipe_ends[0], &byte, 1));
		}
		CHECK(n == CHANNEL_FDS_MAX || fds[n] == -1);
		channel_close_fds(fds, fd_count);
		CHECK_EQ(-1, fds[0]);
		CHECK_EQ(before, open_fd_count());
	}
	channel_close_fds(pipe_ends, 2);
	close_ends();
}

/* Sends as nobody who uses channel_send could. */
static ssize_t send_raw(size_t len, int fd, size_t count)
{
	static char bytes[CHANNEL_MESSAGE_MAX];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(64 * sizeof(int))];
	} control = {0};
	struct iovec iov = {bytes, len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	if (count) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof fd);
	}
	return sendmsg(ends[0], &header, 0);
}

TEST(channel_throws_away_what_breaks_the_rules)
{
	static const struct {
		size_t len, fd_count;
		int result;
	} rows[] = {
		{sizeof in, 0, 1},
		{sizeof in - 1, 0, -EPROTO},
		{sizeof in + 1, 0, -EPROTO},
		{1, 0, -EPROTO},
		{CHANNEL_MESSAGE_MAX, 0, -EPROTO},
		{0, 1, -EPROTO},
		{sizeof in - 1, 1, -EPROTO},
		{sizeof in + 1, 4, -EPROTO},
		{sizeof in, CHANNEL_FDS_MAX, 1},
		{sizeof in, CHANNEL_FDS_MAX + 1, -EPROTO},
		{sizeof in, 64, -EPROTO},
	};
	CHECK_EQ(0, channel_pair(ends));
	unsigned before = open_fd_count();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		CHECK_EQ(rows[i].len, send_raw(rows[i].len, ends[0], rows[i].fd_count));
		CHECK_EQ(rows[i].result, receive());
		CHECK_EQ(rows[i].result == 1 ? rows[i].fd_count : 0, fd_count);
		channel_close_fds(fds, fd_count);
		for (int j = 0; j < CHANNEL_FDS_MAX; j++)
			CHECK_EQ(-1, fds[j]);
		CHECK_EQ(before, open_fd_count()); /* nothing of the refused stays open */
	}
	CHECK_EQ(-EAGAIN, receive());
	close_ends();
}

TEST(channel_tells_the_end)
{
	CHECK_EQ(0, channel_pair(ends));
	CHECK_EQ(0, channel_send(ends[0], &out, sizeof out, NULL, 0));
	/* a message that we never read makes the other end's close a reset */
	CHECK_EQ(0, channel_send(ends[1], &out, sizeof out, NULL, 0));
	channel_close_fds(&ends[0], 1);
	CHECK_EQ(1, receive());
	CHECK_EQ(0, receive());
	CHECK_EQ(0, receive());
	CHECK_EQ(-EPIPE, channel_send(ends[1], &out, sizeof out, NULL, 0)); /* and no SIGPIPE */
	close_ends();

	CHECK_EQ(0, channel_pair(ends));
	CHECK_EQ(0, channel_send(ends[1], &out, sizeof out, NULL, 0));
	channel_close_fds(&ends[0], 1);
	CHECK_EQ(-EPIPE,
		channel_send(ends[1], &out, sizeof out, NULL, 0)); /* reset, told first here */
	close_ends();
}

TEST(channel_send_never_blocks)
{
	int sent = 0, error;
	CHECK_EQ(0, channel_pair(ends));
	while (!(error = channel_send(ends[0], &out, sizeof out, NULL, 0)))
		sent++;
	CHECK_EQ(-EAGAIN, error);
	CHECK(sent >= 8);
	CHECK_EQ(1, receive());
	for (int i = 1; i < sent; i++)
		CHECK_EQ(1, receive());
	CHECK_EQ(-EAGAIN, receive());
	close_ends();
}

TEST(channel_wait_under_signals_row_34)
{
	CHECK_EQ(0, channel_pair(ends));
	CHECK_EQ(0, channel_wait(ends[0], POLLOUT));
	pid_t pid = fork();
	if (pid == 0) {
		usleep(50000);
		_exit(channel_send(ends[0], &out, sizeof out, NULL, 0) != 0);
	}
	storm_begin();
	CHECK_EQ(0, channel_wait(ends[1], POLLIN));
	unsigned signals = storm_end();
	CHECK_EQ(1, receive());
	CHECK(signals > 0);
	waitpid(pid, NULL, 0);
	channel_close_fds(&ends[0], 1);
	CHECK_EQ(0, channel_wait(ends[1], POLLIN)); /* the end wakes too */
	close_ends();
}
