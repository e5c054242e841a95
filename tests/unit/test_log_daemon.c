#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "io/log_daemon.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

static struct log_daemon to;
static int us; /* the daemon's end */
static char heard[2048];

static bool serve(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "log"};
	unlink("log");
	us = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return us >= 0 && !bind(us, (struct sockaddr *)&name, sizeof name);
}

static ssize_t hear(void)
{
	ssize_t len = read(us, heard, sizeof heard - 1);
	heard[len > 0 ? len : 0] = 0;
	return len;
}

static bool say(const char *text)
{
	return log_daemon_send(&to, LOG_ERR, text, strlen(text));
}

/* As any reader of RFC 3164 expects it: "<27>Nov  2 16:22:58 adit[17]: text" */
static bool line(void)
{
	char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", expected[64];
	int priority, day, hour, minute, second, pid, end = 0;
	char month[4];
	setenv("TZ", "TEST-13:17", 1);
	REQUIRE(serve());
	log_daemon_open(&to, "log");
	time_t before = time(NULL);
	REQUIRE(say("one 100%s") && hear() > 0);
	time_t after = time(NULL);
	REQUIRE(sscanf(heard, "<%d>%3s %2d %2d:%2d:%2d adit[%d]: %n", &priority, month, &day, &hour,
			&minute, &second, &pid, &end) == 7);
	REQUIRE(priority == (LOG_DAEMON | LOG_ERR) && pid == getpid() && strstr(months, month));
	REQUIRE(!strcmp(heard + end, "one 100%s")); /* no newline, no zero */
	bool is_time = false;
	for (time_t t = before; t <= after; t++) {
		struct tm utc;
		time_t there = t + (13 * 60 + 17) * 60;
		strftime(expected, sizeof expected, "%b %e %T", gmtime_r(&there, &utc));
		is_time |= !strncmp(heard + strlen("<27>"), expected, strlen(expected));
	}
	return is_time;
}

TEST(log_daemon_hears_what_syslog_would_send)
{
	folder_run(line);
}

static bool cut(void)
{
	static char text[LOG_DAEMON_TEXT_MAX + 1];
	memset(text, 'x', sizeof text);
	REQUIRE(serve());
	log_daemon_open(&to, "log");
	REQUIRE(log_daemon_send(&to, LOG_INFO, text, sizeof text) && hear() > 0);
	REQUIRE(strlen(strstr(heard, "]: ")) == strlen("]: ") + LOG_DAEMON_TEXT_MAX);
	return true;
}

TEST(log_daemon_is_sent_no_more_than_a_line)
{
	folder_run(cut);
}

static bool busy(void)
{
	unsigned taken = 0, read = 0;
	REQUIRE(serve());
	log_daemon_open(&to, "log");
	alarm(10); /* a hang is a failure */
	while (taken < 1000000 && say("one of many"))
		taken++;
	REQUIRE(taken > 0 && taken < 1000000);
	unsigned before = open_fd_count();
	for (int i = 0; i < 100; i++)
		REQUIRE(!say("lost"));
	REQUIRE(open_fd_count() == before);
	while (hear() > 0)
		read++;
	REQUIRE(read == taken);
	return say("again") && hear() > 0 && strstr(heard, "]: again");
}

TEST(log_daemon_that_sleeps_is_not_waited_for)
{
	folder_run(busy);
}

static bool started_anew(void)
{
	unsigned before = open_fd_count();
	log_daemon_open(&to, "log");
	REQUIRE(to.fd == -1 && !say("to nobody"));
	REQUIRE(open_fd_count() == before);
	REQUIRE(serve() && say("one") && hear() > 0);
	close(us);
	REQUIRE(!say("to nobody") && to.fd == -1);
	REQUIRE(serve() && say("two") && hear() > 0 && strstr(heard, "]: two"));
	close(us); /* another in its place at once */
	REQUIRE(serve() && say("three") && hear() > 0 && strstr(heard, "]: three"));
	log_daemon_close(&to);
	REQUIRE(open_fd_count() == before + 1);
	static char path[200];
	memset(path, 'x', sizeof path - 1);
	log_daemon_open(&to, path);
	REQUIRE(!say("to nowhere") && open_fd_count() == before + 1);
	return true;
}

TEST(log_daemon_is_found_again)
{
	folder_run(started_anew);
}

/* Its descriptors are closed behind its back, and the number may be somebody else's. */
static bool forked(void)
{
	REQUIRE(serve());
	log_daemon_open(&to, "log");
	pid_t pid = fork();
	if (pid == 0) {
		int pair[2], fd = to.fd;
		char byte;
		bool ok = !socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
		ok = ok && dup2(pair[0], fd) == fd && say("child");
		ok = ok && to.fd != fd && recv(pair[1], &byte, 1, 0) < 0;
		_exit(!ok);
	}
	int status = -1;
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
	REQUIRE(hear() > 0 && strstr(heard, "]: child"));
	return say("parent") && hear() > 0 && strstr(heard, "]: parent");
}

TEST(log_daemon_of_a_child_is_its_own)
{
	folder_run(forked);
}
