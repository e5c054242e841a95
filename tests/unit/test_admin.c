#include "main/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static struct loop loop;
static struct admin admin;
static struct admin_client *asked, *gone;
static char request[ADMIN_LINE_MAX];
static unsigned requests, dues;

static void on_request(void *context, struct admin_client *client, const char *line)
{
	(void)context;
	asked = client;
	requests++;
	snprintf(request, sizeof request, "%s", line);
}

static void on_gone(void *context, struct admin_client *client)
{
	(void)context;
	gone = client;
}

static void on_due(void *context)
{
	(void)context;
	dues++;
}

static bool begin(void)
{
	REQUIRE(loop_init(&loop) == 0);
	admin = (struct admin){.on_request = on_request, .on_gone = on_gone, .on_due = on_due};
	asked = gone = NULL;
	requests = dues = 0;
	REQUIRE(admin_open(&admin, &loop, "adit", "wg0") == 0);
	return true;
}

static void end(void)
{
	admin_close(&admin);
	admin_close(&admin);
	loop_wipe(&loop);
}

static int client(const char *text)
{
	int fd = control_connect("adit", "wg0");
	if (fd >= 0 && *text && send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		test_fail(__FILE__, __LINE__, "cannot send");
	loop_settle(&loop);
	return fd;
}

/* What came by now; at the end of the connection "." is added. */
static const char *heard(int fd)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n;
	loop_settle(&loop);
	while (len < sizeof text - 2 &&
		(n = recv(fd, text + len, sizeof text - 2 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		text[len++] = '.';
	text[len] = 0;
	return text;
}

static bool answers(void)
{
	struct stat s;
	unsigned fds = open_fd_count();
	REQUIRE(begin());
	REQUIRE(stat("adit/wg0.sock", &s) == 0 && (s.st_mode & 077) == 0);
	int fd = client("reload confirm=");
	REQUIRE(requests == 0 && send(fd, "60\n", 3, 0) == 3);
	loop_settle(&loop);
	REQUIRE(requests == 1 && !strcmp("reload confirm=60", request));
	REQUIRE(!strcmp("", heard(fd)));
	admin_say(asked, ADMIN_STDOUT, "~ mtu 1 -> 2\n+ peer \x1b[31m\twho\n");
	REQUIRE(!strcmp("1~ mtu 1 -> 2\n1+ peer ?[31m\twho\n", heard(fd)));
	admin_say(asked, ADMIN_STDERR, "no newline");
	admin_say(asked, ADMIN_STDERR, "");
	admin_finish(asked, 3);
	REQUIRE(!strcmp("2no newline\n=3\n.", heard(fd)));
	REQUIRE(!gone);
	close(fd);
	end();
	REQUIRE(access("adit/wg0.sock", F_OK) && open_fd_count() == fds);
	return true;
}

TEST(admin_answers_in_lines)
{
	folder_run(answers);
}

static bool refuses(void)
{
	static const char *const rows[] = {"one\ntwo\n", "one\ntwo", "bell\a\n", "zero\x7f\n"};
	static char endless[ADMIN_LINE_MAX + 2];
	REQUIRE(begin());
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = client(rows[i]);
		REQUIRE(!strcmp(".", heard(fd)));
		close(fd);
	}
	memset(endless, 'x', sizeof endless - 1);
	int fd = client(endless);
	close(fd);
	loop_settle(&loop);
	REQUIRE(requests == 0);
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		REQUIRE(!admin.clients[i].is_used);
	end();
	return true;
}

TEST(admin_refuses_what_is_no_request)
{
	folder_run(refuses);
}

static bool leaves(void)
{
	REQUIRE(begin());
	int fd = client("reload\n");
	struct admin_client *who = asked;
	REQUIRE(who && !gone);
	close(fd);
	loop_settle(&loop);
	REQUIRE(gone == who && !who->is_used);
	/* after its answer nobody is interested */
	gone = NULL;
	fd = client("reload\n");
	admin_finish(asked, 0);
	close(fd);
	loop_settle(&loop);
	REQUIRE(!gone && !asked->is_used);
	/* who is told at the end is told */
	fd = client("reload\n");
	admin_say(asked, ADMIN_STDERR, "ending");
	end();
	REQUIRE(gone == asked);
	char text[32] = "";
	REQUIRE(recv(fd, text, sizeof text - 1, 0) == 8 && !strcmp("2ending\n", text));
	close(fd);
	return true;
}

TEST(admin_notices_who_goes)
{
	folder_run(leaves);
}

static bool crowds(void)
{
	int fds[ADMIN_CLIENTS_MAX], fd;
	REQUIRE(begin());
	/* the silent give way, the eldest first */
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		REQUIRE((fds[i] = client(i == 2 ? "waits\n" : "")) >= 0);
	fd = client("hello\n");
	REQUIRE(!strcmp("hello", request) && !strcmp(".", heard(fds[0])));
	close(client("hello again\n"));
	REQUIRE(!strcmp("hello again", request) && !strcmp(".", heard(fds[1])) && gone == asked);
	REQUIRE(!strcmp("", heard(fds[2])));
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		close(fds[i]);
	close(fd);
	/* those who wait for an answer do not */
	loop_settle(&loop);
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		REQUIRE((fds[i] = client("waits\n")) >= 0);
	fd = client("hello\n");
	REQUIRE(!strcmp(".", heard(fd)) && !strcmp("waits", request));
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		close(fds[i]);
	close(fd);
	end();
	return true;
}

TEST(admin_has_places_for_a_few)
{
	folder_run(crowds);
}

static bool is_slow(void)
{
	static char line[1025], all[1 << 16];
	size_t got = 0;
	ssize_t n;
	REQUIRE(begin());
	int fd = client("much\n");
	memset(line, 'x', sizeof line - 1);
	for (int i = 0; i < 4096; i++)
		admin_say(asked, ADMIN_STDOUT, line);
	admin_finish(asked, 0);
	loop_settle(&loop);
	REQUIRE(asked->is_used);
	for (int i = 0; i < 4096 && got < 4096 * 1026 + 3; i++) {
		while ((n = recv(fd, all, sizeof all, MSG_DONTWAIT)) > 0)
			got += (size_t)n;
		loop_settle(&loop);
	}
	REQUIRE(got == 4096 * 1026 + 3 && !asked->is_used && !gone);
	close(fd);
	end();
	return true;
}

TEST(admin_waits_for_a_slow_reader)
{
	folder_run(is_slow);
}

/* No descriptor is free: the client waits, and the loop does not spin. */
static bool is_short(void)
{
	struct rlimit before, limit;
	REQUIRE(begin() && capture_begin(NULL, "") && admin.due == NANOS_NEVER);
	int fd = control_connect("adit", "wg0");
	REQUIRE(send(fd, "hello\n", 6, 0) == 6 && !getrlimit(RLIMIT_NOFILE, &before));
	int next = dup(fd);
	close(next);
	limit = (struct rlimit){(rlim_t)next, before.rlim_max};
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &limit));
	admin.watch.callback(admin.watch.context, EPOLLIN); /* a turn would need one too */
	REQUIRE(!setrlimit(RLIMIT_NOFILE, &before));
	REQUIRE(dues == 1 && admin.due != NANOS_NEVER);
	REQUIRE(strstr(captured(), "cannot be taken: Too many open files"));
	admin_on_time(&admin, admin.due - 1);
	loop_settle(&loop);
	REQUIRE(requests == 0);
	admin_on_time(&admin, admin.due);
	loop_settle(&loop);
	REQUIRE(requests == 1 && admin.due == NANOS_NEVER);
	close(fd);
	end();
	return true;
}

TEST(admin_pauses_when_nobody_can_be_taken)
{
	folder_run(is_short);
}
