#include "manage/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "manage/control.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define QUESTION "get=1\n\n"

static struct control c;

/* A process that takes one connection after the other, and serves it. */
static pid_t serve(void (*answer)(int connection))
{
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd p = {.fd = c.listen_fd, .events = POLLIN};
		poll(&p, 1, -1);
		int connection = control_accept(&c);
		char question[sizeof QUESTION] = "";
		struct pollfd q = {.fd = connection, .events = POLLIN};
		poll(&q, 1, -1);
		ssize_t n = recv(connection, question, sizeof question - 1, 0);
		if (n == (ssize_t)strlen(QUESTION) && !strcmp(question, QUESTION))
			answer(connection);
		close(connection);
	}
}

static void say(int connection, const char *text)
{
	struct pollfd p = {.fd = connection, .events = POLLOUT};
	for (size_t len = strlen(text); len;) {
		poll(&p, 1, -1);
		ssize_t n = send(connection, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* Until the other side has had enough. */
static void wait_for_end(int connection)
{
	struct pollfd p = {.fd = connection};
	poll(&p, 1, -1);
}

static bool asks(void (*answer)(int), const struct ask_limits *limits, size_t max, int expected,
	const char *text)
{
	struct out out;
	REQUIRE(control_open(&c, folder_path, "wg0") == 0);
	pid_t server = serve(answer);
	out_init(&out, max);
	int got = ask_state(folder_path, "wg0", limits, &out);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	control_close(&c);
	if (got != expected)
		test_fail(__FILE__, __LINE__, "expected %d, got %d", expected, got);
	bool ok = got == expected && (!text || !strcmp(text, out_string(&out)));
	out_wipe(&out);
	return ok;
}

static void answer_in_pieces(int connection)
{
	say(connection, "listen_port=5\n");
	say(connection, "errno=0");
	say(connection, "\n");
	say(connection, "\n");
	wait_for_end(connection);
}

static void hang_up(int connection)
{
	say(connection, "listen_port=5\nerrno=0\n");
}

static void never_answer(int connection)
{
	wait_for_end(connection);
}

static void never_end(int connection)
{
	for (struct pollfd p = {.fd = connection, .events = POLLOUT}; poll(&p, 1, -1) == 1;) {
		if (p.revents & (POLLERR | POLLHUP))
			return;
		say(connection, "tx_bytes=1\n");
	}
}

/* Never silent for long. */
static void trickle(int connection)
{
	struct pollfd p = {.fd = connection};
	while (poll(&p, 1, 1) == 0)
		say(connection, "x");
}

static bool answers(void)
{
	REQUIRE(asks(answer_in_pieces, &ask_limits_usual, 1000, 0, "listen_port=5\nerrno=0\n\n"));
	REQUIRE(asks(hang_up, &ask_limits_usual, 1000, -EPIPE, NULL));
	REQUIRE(asks(never_end, &ask_limits_usual, 1 << 20, -EFBIG, NULL));
	return true;
}

TEST(ask_takes_what_it_is_told)
{
	folder_run(answers);
}

static bool limits(void)
{
	struct ask_limits short_silence = ask_limits_usual, short_total = ask_limits_usual;
	struct ask_limits stopped = ask_limits_usual;
	int ends[2];
	short_silence.silence_ns = 20 * NANOS_PER_MS;
	REQUIRE(asks(never_answer, &short_silence, 1000, -ETIMEDOUT, NULL));
	short_total.total_ns = 50 * NANOS_PER_MS;
	REQUIRE(asks(trickle, &short_total, 1 << 20, -ETIMEDOUT, NULL));
	REQUIRE(!pipe(ends) && write(ends[1], "", 1) == 1);
	stopped.stop_fd = ends[0];
	REQUIRE(asks(never_answer, &stopped, 1000, -ECANCELED, NULL));
	REQUIRE(ask_limits_usual.silence_ns >= 5 * NANOS_PER_SECOND);
	return true;
}

TEST(ask_gives_up)
{
	folder_run(limits);
}

static bool nobody(void)
{
	struct out out;
	out_init(&out, 1000);
	REQUIRE(ask_state(folder_path, "wg0", &ask_limits_usual, &out) == -ENOENT);
	REQUIRE(control_open(&c, folder_path, "wg0") == 0);
	close(c.listen_fd);
	REQUIRE(ask_state(folder_path, "wg0", &ask_limits_usual, &out) == -ECONNREFUSED);
	REQUIRE(out.len == 0);
	return true;
}

TEST(ask_of_nobody)
{
	folder_run(nobody);
}

static bool storm(void)
{
	storm_begin();
	bool ok = asks(answer_in_pieces, &ask_limits_usual, 1000, 0, NULL);
	storm_end();
	return ok;
}

TEST(ask_under_signals)
{
	folder_run(storm);
}

TEST(ask_has_words)
{
	static const int errors[] = {
		-EACCES, -EAGAIN, -ETIMEDOUT, -EFBIG, -EPIPE, -ECONNRESET, -ENOMEM};
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		CHECK(strlen(ask_explain(errors[i])) > 5);
}
