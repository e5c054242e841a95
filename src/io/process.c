#include "io/process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/channel.h"

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int process_close_all_but(int *keep, size_t count)
{
	qsort(keep, count, sizeof *keep, compare_fds);
	unsigned first = STDERR_FILENO + 1;
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)keep[i];
		if (keep[i] < 0)
			continue;
		if (fd > first && close_range(first, fd - 1, 0))
			return -errno;
		if (fd >= first)
			first = fd + 1;
	}
	return close_range(first, UINT_MAX, 0) ? -errno : 0;
}

static void become_child(const char *name)
{
	static const int group_signals[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof group_signals / sizeof *group_signals; i++)
		signal(group_signals[i], SIG_IGN);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, name);
}

int process_start(struct process *out, const char *name, int (*run)(int channel, void *context),
	void *context, const int *keep, size_t keep_count)
{
	if (keep_count > PROCESS_KEEP_MAX)
		return -EINVAL;
	int ends[2];
	int error = channel_pair(ends);
	if (error)
		return error;
	pid_t pid = fork();
	if (pid < 0) {
		error = -errno;
		channel_close_fds(ends, 2);
		return error;
	}
	if (pid == 0) {
		int all[PROCESS_KEEP_MAX + 1] = {ends[1]};
		for (size_t i = 0; i < keep_count; i++)
			all[i + 1] = keep[i];
		become_child(name);
		if (process_close_all_but(all, keep_count + 1))
			_exit(EXIT_FAILURE);
		_exit(run(ends[1], context));
	}
	close(ends[1]);
	*out = (struct process){.pid = pid, .pidfd = pidfd_open(pid, 0), .channel = ends[0]};
	if (out->pidfd < 0) {
		error = -errno;
		process_finish(out);
		return error;
	}
	return 0;
}

int process_finish(struct process *process)
{
	channel_close_fds(&process->channel, 1);
	int status;
	pid_t ended;
	do
		ended = waitpid(process->pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	int error = ended < 0 ? -errno : 0;
	channel_close_fds(&process->pidfd, 1);
	if (error)
		return error;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void process_kill(const struct process *process)
{
	pidfd_send_signal(process->pidfd, SIGKILL, NULL, 0);
}

void process_abandon(struct process *process)
{
	channel_close_fds(&process->channel, 1);
	channel_close_fds(&process->pidfd, 1);
}
