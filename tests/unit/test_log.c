#include "unit/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/log.h"
#include "unit/capture.h"
#include "unit/sandbox.h"

static bool levels(void)
{
	static const struct {
		const char *level, *error, *info, *verbose;
	} rows[] = {
		{NULL, "wg0: e 1\n", "wg0: i 2\n", ""},
		{"silent", "", "", ""},
		{"error", "wg0: e 1\n", "", ""},
		{"info", "wg0: e 1\n", "wg0: i 2\n", ""},
		{"verbose", "wg0: e 1\n", "wg0: i 2\n", "wg0: v 3\n"},
		{"debug", "wg0: e 1\n", "wg0: i 2\n", "wg0: v 3\n"},
		{"", "wg0: e 1\n", "wg0: i 2\n", ""},
		{"no such level",
			"wg0: LOG_LEVEL is \"no such level\"; it must be silent, error, info or "
			"verbose: info is used\nwg0: e 1\n",
			"wg0: i 2\n", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		REQUIRE(capture_begin(rows[i].level, "wg0"));
		log_error("e %d", 1);
		REQUIRE(!strcmp(rows[i].error, captured()));
		log_info("i %d", 2);
		REQUIRE(!strcmp(rows[i].info, captured()));
		log_verbose("v %d", 3);
		REQUIRE(!strcmp(rows[i].verbose, captured()));
		REQUIRE(log_is_on(LEVEL_VERBOSE) == (rows[i].verbose[0] != 0));
	}
	return true;
}

TEST(log_level_from_the_environment)
{
	sandbox_run_child(levels);
}

static bool one_line(void)
{
	REQUIRE(capture_begin(NULL, ""));
	log_info("a\nb\tc\x1b[31m\x7f\xc3\xa4");
	REQUIRE(!strcmp("a?b?c?[31m?\xc3\xa4\n", captured()));
	log_info("%s", "");
	REQUIRE(!strcmp("\n", captured()));

	REQUIRE(capture_begin(NULL, "wg0"));
	static char text[LOG_LINE_MAX + 100];
	for (size_t len = LOG_LINE_MAX - 20; len < sizeof text; len++) {
		memset(text, 'x', len);
		text[len] = 0;
		log_info("%s", text);
		size_t whole = strlen("wg0: ") + len + 1, got = strlen(captured());
		REQUIRE(got == (whole < LOG_LINE_MAX ? whole : LOG_LINE_MAX - 1));
		log_info("-");
		REQUIRE(!strcmp("wg0: -\n", captured())); /* the cut line had its newline */
	}
	return true;
}

static bool without_stderr(void)
{
	REQUIRE(capture_begin(NULL, "wg0"));
	close(STDERR_FILENO);
	errno = EIO;
	log_info("nobody reads this");
	return errno == EIO;
}

TEST(log_leaves_errno_alone)
{
	sandbox_run_child(without_stderr);
}

/* Whoever reads has stopped reading: packets must not stop with it. */
static bool full_stderr(void)
{
	int ends[2];
	char bytes[4096] = {0};
	REQUIRE(capture_begin(NULL, "wg0"));
	REQUIRE(!pipe2(ends, O_CLOEXEC) && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	REQUIRE(!fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK));
	while (write(STDERR_FILENO, bytes, sizeof bytes) > 0)
		continue;
	REQUIRE(!fcntl(STDERR_FILENO, F_SETFL, 0) && !fcntl(ends[0], F_SETFL, O_NONBLOCK));
	alarm(10); /* a hang is a failure */
	log_error("lost");
	log_text("lost\ntoo\n");
	while (read(ends[0], bytes, sizeof bytes) == sizeof bytes)
		continue;
	log_error("read again");
	log_text("one\ntwo\n");
	REQUIRE(read(ends[0], bytes, sizeof bytes) == strlen("wg0: read again\none\ntwo\n"));
	return true;
}

TEST(log_does_not_wait_for_a_full_stderr)
{
	sandbox_run_child(full_stderr);
}

TEST(log_writes_one_clean_line)
{
	sandbox_run_child(one_line);
}

static bool journal(void)
{
	REQUIRE(capture_begin("verbose", "wg0"));
	struct stat st;
	REQUIRE(!fstat(STDERR_FILENO, &st));
	char stream[64];
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("wg0");
	log_error("e");
	log_info("i");
	log_verbose("v");
	REQUIRE(!strcmp("<3>wg0: e\n<6>wg0: i\n<7>wg0: v\n", captured()));

	/* inherited, but stderr goes elsewhere */
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("wg0");
	log_info("i");
	REQUIRE(!strcmp("wg0: i\n", captured()));
	return true;
}

TEST(log_marks_priorities_for_the_journal)
{
	sandbox_run_child(journal);
}

/* A /dev of its own, so that the test is the log daemon. */
static int serve_syslog(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", "/dev", "tmpfs", 0, NULL))
		return -1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return bind(fd, (struct sockaddr *)&name, sizeof name) ? -1 : fd;
}

static bool syslog_only(void)
{
	int fd = serve_syslog();
	if (fd < 0)
		return sandbox_skip("/dev/log cannot be replaced; run as root");
	REQUIRE(capture_begin("verbose", "wg0"));
	struct stat st;
	char text[256] = "";
	REQUIRE(!fstat(STDERR_FILENO, &st));
	snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	log_init("wg0");
	log_use_syslog();
	REQUIRE(!unlink("/dev/log")); /* it is connected already */
	log_error("100%% %s", "e");
	REQUIRE(!strcmp("", captured()));
	REQUIRE(read(fd, text, sizeof text - 1) > 0);
	REQUIRE(!strncmp(text, "<27>", 4)); /* daemon.err */
	REQUIRE(strstr(text, " adit[") && strstr(text, "]: wg0: 100% e"));
	log_text("wg0.conf:3: no\n  key\n");
	REQUIRE(!strcmp("", captured()));
	memset(text, 0, sizeof text);
	REQUIRE(read(fd, text, sizeof text - 1) > 0 && strstr(text, "]: wg0: wg0.conf:3: no"));
	REQUIRE(read(fd, text, sizeof text - 1) > 0 && strstr(text, "]: wg0:   key"));
	return true;
}

TEST(log_leaves_stderr_for_syslog)
{
	sandbox_run(syslog_only);
}

/* Whoever reads the log has stopped reading: packets must not stop with it. */
static bool full_syslog(void)
{
	char text[256];
	int fd = serve_syslog();
	if (fd < 0)
		return sandbox_skip("/dev/log cannot be replaced; run as root");
	REQUIRE(capture_begin("verbose", "wg0"));
	log_use_syslog();
	alarm(10); /* a hang is a failure */
	for (int i = 0; i < 10000; i++)
		log_error("one of many");
	alarm(0);
	while (read(fd, text, sizeof text) > 0)
		continue;
	log_error("read again");
	REQUIRE(read(fd, text, sizeof text) > 0 && read(fd, text, sizeof text) < 0);
	return true;
}

TEST(log_does_not_wait_for_syslog)
{
	sandbox_run(full_syslog);
}
