#include "unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/process.h"
#include "unit/sandbox.h"

struct report {
	int open[64]; /* whether descriptor i is open */
	char name[16];
	int is_blocked, ignores_term;
};

static struct process process;

static int exit_with(int channel, void *context)
{
	(void)channel;
	return *(int *)context;
}

static int kill_itself(int channel, void *context)
{
	(void)channel;
	(void)context;
	return raise(SIGKILL);
}

TEST(process_exit_status)
{
	unsigned before = open_fd_count();
	for (int status = 0; status < 256; status += 85) {
		CHECK_EQ(0, process_start(&process, "child", exit_with, &status, NULL, 0));
		CHECK(fd_is_cloexec(process.pidfd) && fd_is_cloexec(process.channel));
		CHECK_EQ(status, process_finish(&process));
	}
	CHECK_EQ(0, process_start(&process, "child", kill_itself, NULL, NULL, 0));
	CHECK_EQ(128 + SIGKILL, process_finish(&process));
	CHECK_EQ(before, open_fd_count());
}

static int never_end(int channel, void *context)
{
	(void)channel;
	(void)context;
	while (pause())
		continue;
	return 0;
}

TEST(process_that_never_ends_is_killed)
{
	unsigned before = open_fd_count();
	CHECK_EQ(0, process_start(&process, "child", never_end, NULL, NULL, 0));
	process_kill(&process);
	CHECK_EQ(128 + SIGKILL, process_finish(&process));
	CHECK_EQ(before, open_fd_count());
}

static int wait_for_end(int channel, void *context)
{
	char byte;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	(void)context;
	channel_wait(channel, POLLIN);
	return channel_receive(channel, &byte, 1, fds, &count) == 0 ? 42 : 1;
}

TEST(process_ends_with_its_channel)
{
	struct process other;
	CHECK_EQ(0, process_start(&process, "child", wait_for_end, NULL, NULL, 0));
	/* a second child must not hold the first one's channel open */
	CHECK_EQ(0, process_start(&other, "other", wait_for_end, NULL, NULL, 0));
	struct pollfd ended = {.fd = process.pidfd, .events = POLLIN};
	CHECK_EQ(0, poll(&ended, 1, 20));
	channel_close_fds(&process.channel, 1);
	CHECK_EQ(1, poll(&ended, 1, 5000));
	CHECK_EQ(42, process_finish(&process));
	CHECK_EQ(42, process_finish(&other));
}

static int tell_itself(int channel, void *context)
{
	struct report report = {0};
	sigset_t blocked;
	struct sigaction action;
	(void)context;
	for (int fd = 0; fd < 64; fd++)
		report.open[fd] = fcntl(fd, F_GETFD) >= 0;
	report.open[channel] = 2;
	prctl(PR_GET_NAME, report.name);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	report.is_blocked = sigismember(&blocked, SIGUSR1);
	sigaction(SIGTERM, NULL, &action);
	report.ignores_term = action.sa_handler == SIG_IGN;
	raise(SIGTERM);
	raise(SIGINT);
	raise(SIGHUP);
	return channel_send(channel, &report, sizeof report, NULL, 0) != 0;
}

TEST(process_inherits_only_what_is_listed_row_37)
{
	int extra[6], keep[3], fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct report report;
	sigset_t set, old;
	for (int i = 0; i < 6; i++) /* the last ones far apart */
		extra[i] = i < 4 ? dup(1) : fcntl(1, F_DUPFD, 30 + 5 * i);
	keep[0] = extra[4];
	keep[1] = 1; /* harmless: open anyway */
	keep[2] = extra[1];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	int error = process_start(&process, "a-name-of-over-15", tell_itself, NULL, keep, 3);
	sigprocmask(SIG_SETMASK, &old, NULL);
	CHECK_EQ(0, error);
	CHECK_EQ(0, channel_wait(process.channel, POLLIN));
	CHECK_EQ(1, channel_receive(process.channel, &report, sizeof report, fds, &fd_count));
	CHECK_EQ(0, process_finish(&process));
	CHECK(report.open[0] && report.open[1] && report.open[2]);
	for (int fd = 3; fd < 64; fd++)
		if (report.open[fd] != 2) /* its channel */
			CHECK_EQ(fd == extra[1] || fd == extra[4], report.open[fd]);
	CHECK_STR("a-name-of-over-", report.name);
	CHECK_EQ(0, report.is_blocked);
	CHECK_EQ(1, report.ignores_term);
	channel_close_fds(extra, 6);
}

TEST(process_bounds_what_is_kept)
{
	int keep[PROCESS_KEEP_MAX + 1] = {0};
	CHECK_EQ(-EINVAL,
		process_start(&process, "child", exit_with, NULL, keep, PROCESS_KEEP_MAX + 1));
}

static int sleep_shortly(int channel, void *context)
{
	(void)channel;
	(void)context;
	usleep(50000);
	return 7;
}

TEST(process_finish_under_signals_row_34)
{
	CHECK_EQ(0, process_start(&process, "child", sleep_shortly, NULL, NULL, 0));
	storm_begin();
	int status = process_finish(&process);
	CHECK(storm_end() > 0);
	CHECK_EQ(7, status);
}
