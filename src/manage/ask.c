#include "manage/ask.h"

#include "crypto/secret.h"
#include "io/clock.h"
#include "manage/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE_LEN 65536

const struct ask_limits ask_limits_usual = {
	.silence_ns = 5 * NANOS_PER_SECOND, .total_ns = 30 * NANOS_PER_SECOND, .stop_fd = -1};

/* Until there is something to read: 0 or -errno. */
static int wait_until(int fd, int stop_fd, nanos deadline)
{
	struct pollfd polled[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	for (;;) {
		nanos t = clock_read().boottime;
		if (nanos_is_due(deadline, t))
			return -ETIMEDOUT;
		int ms = (int)((deadline - t + NANOS_PER_MS - 1) / NANOS_PER_MS);
		int n = poll(polled, 2, ms);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return polled[0].revents ? -ECANCELED : 0;
	}
}

/* A piece of the answer: its length, 0 at its end, or -errno. */
static ssize_t take_piece(int fd, struct out *answer)
{
	char piece[PIECE_LEN];
	ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	out_add(answer, piece, (size_t)n);
	secret_wipe(piece, (size_t)n);
	return answer->has_failed ? -EFBIG : n;
}

static bool is_complete(const struct out *answer)
{
	return answer->len >= 2 && !memcmp(answer->bytes + answer->len - 2, "\n\n", 2);
}

static int take_answer(int fd, const struct ask_limits *limits, struct out *answer)
{
	nanos end = nanos_add(clock_read().boottime, limits->total_ns);
	while (!is_complete(answer)) {
		nanos deadline = nanos_add(clock_read().boottime, limits->silence_ns);
		int error = wait_until(fd, limits->stop_fd, deadline < end ? deadline : end);
		if (error)
			return error;
		ssize_t n = take_piece(fd, answer);
		if (n <= 0)
			return n ? (int)n : -EPIPE;
	}
	return 0;
}

int ask_state(const char *directory, const char *interface, const struct ask_limits *limits,
	struct out *answer)
{
	static const char question[] = "get=1\n\n";
	int fd = control_connect(directory, interface);
	if (fd < 0)
		return fd;
	int error = 0;
	if (send(fd, question, strlen(question), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		error = -errno;
	if (!error)
		error = take_answer(fd, limits, answer);
	close(fd);
	return error;
}

const char *ask_explain(int error)
{
	switch (error) {
	case -EACCES: return "its control socket is for root only; run this as root";
	case -EAGAIN: return "it takes no connection; does it hang?";
	case -ETIMEDOUT: return "it does not answer in time; does it hang?";
	case -EFBIG: return "its answer is too long for a control socket's, or for the memory";
	case -EPIPE:
	case -ECONNRESET: return "it hung up in the middle of its answer";
	default: return strerror(-error);
	}
}
