#include "unit/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIP_REASON_MAX 128

static char *skip_reason; /* shared with the child; "": it ran */

bool sandbox_skip(const char *why)
{
	snprintf(skip_reason, SKIP_REASON_MAX, "%s", why);
	return true;
}

static void enter_namespace(void)
{
	if (unshare(CLONE_NEWNET | (geteuid() == 0 ? 0 : CLONE_NEWUSER)))
		sandbox_skip("no network namespace can be made; run as root");
	else if (!sandbox_set_up("lo"))
		sandbox_skip("loopback does not come up");
}

static void run(bool (*body)(void), bool in_namespace)
{
	skip_reason = mmap(
		NULL, SKIP_REASON_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(skip_reason != MAP_FAILED);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		if (in_namespace)
			enter_namespace();
		bool passed = skip_reason[0] || body();
		fflush(stdout);
		_exit(!passed);
	}
	int status = 0;
	CHECK(pid > 0);
	CHECK_EQ(pid, waitpid(pid, &status, 0));
	CHECK_EQ(0, status);
	if (skip_reason[0])
		test_skip("%s", skip_reason);
	munmap(skip_reason, SKIP_REASON_MAX);
}

void sandbox_run(bool (*body)(void))
{
	run(body, true);
}

void sandbox_run_child(bool (*body)(void))
{
	run(body, false);
}

bool sandbox_set_up(const char *ifname)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", ifname);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return ok;
}

bool sandbox_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static volatile sig_atomic_t storm_count;

static void on_alarm(int signal)
{
	(void)signal;
	storm_count++;
}

void storm_begin(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval every = {{0, 1000}, {0, 1000}};
	storm_count = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

unsigned storm_end(void)
{
	struct itimerval never = {0};
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	return (unsigned)storm_count;
}

unsigned open_fd_count(void)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

bool fd_is_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	return flags >= 0 && flags & FD_CLOEXEC;
}
