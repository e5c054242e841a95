#include "manage/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/clock.h"
#include "manage/child.h"

#define LAST_READS_MAX 64 /* after the end: a pipe holds 16 times as much as one takes */
#define READ_SIZE      4096

bool program_find(char path[static PATH_MAX], const char *folders, const char *name)
{
	struct stat st;
	while (*folders) {
		int len = (int)strcspn(folders, ":");
		int used = snprintf(path, PATH_MAX, "%.*s/%s", len, folders, name);
		if (used < PATH_MAX && !stat(path, &st) && S_ISREG(st.st_mode) &&
			!access(path, X_OK))
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

/* ------------------------------------------------------------------ what it reads */

/* All of it lies in the pipe before anybody reads. Its reading end, or -errno. */
static int offer(const char *input)
{
	int ends[2];
	size_t len = strlen(input);
	if (len > PROGRAM_INPUT_MAX)
		return -E2BIG;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	int error = write(ends[1], input, len) == (ssize_t)len ? 0 : -EIO;
	close(ends[1]);
	if (!error)
		return ends[0];
	close(ends[0]);
	return error;
}

/* ------------------------------------------------------------------ what it prints */

struct listener {
	int fd;
	char *output;
	size_t len;
};

/* Lines become one, what cannot be printed becomes '?'. */
static void keep(struct listener *l, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && l->len < PROGRAM_OUTPUT_MAX - 1; i++) {
		unsigned char c = (unsigned char)bytes[i];
		bool is_blank = c == '\n' || c == '\t' || c == ' ';
		if (is_blank && (!l->len || l->output[l->len - 1] == ' '))
			continue;
		l->output[l->len++] = is_blank ? ' ' : c < ' ' || c == 0x7f ? '?' : bytes[i];
	}
}

/* false: nothing (more) there at present, or its end. */
static bool listen_once(struct listener *l)
{
	char bytes[READ_SIZE];
	ssize_t len = read(l->fd, bytes, sizeof bytes);
	if (len > 0)
		keep(l, bytes, (size_t)len);
	else if (len == 0)
		l->fd = -1; /* poll(2) leaves it out from now on */
	return len > 0 || (len < 0 && errno == EINTR);
}

static void listen_to_rest(struct listener *l)
{
	for (int i = 0; i < LAST_READS_MAX && l->fd >= 0 && listen_once(l); i++)
		continue;
	while (l->len && l->output[l->len - 1] == ' ')
		l->len--;
	l->output[l->len] = 0;
}

/* ------------------------------------------------------------------ its end */

/* Until it has ended. 0, -ETIMEDOUT or -errno. */
static int wait_for_end(int pidfd, unsigned seconds, struct listener *l)
{
	nanos end = nanos_add(clock_read().boottime, seconds * NANOS_PER_SECOND);
	for (;;) {
		struct pollfd fds[] = {{pidfd, POLLIN, 0}, {l->fd, POLLIN, 0}};
		nanos now = clock_read().boottime;
		if (nanos_is_due(end, now))
			return -ETIMEDOUT;
		int n = poll(fds, 2, (int)((end - now) / NANOS_PER_MS) + 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[1].revents)
			listen_once(l);
		if (n > 0 && fds[0].revents)
			return 0;
	}
}

static int see_through(pid_t pid, unsigned seconds, struct listener *l)
{
	int pidfd = pidfd_open(pid, 0);
	int error = pidfd < 0 ? -errno : wait_for_end(pidfd, seconds, l);
	if (error)
		kill(-pid, SIGKILL);
	int status = child_wait(pid);
	listen_to_rest(l);
	if (pidfd >= 0)
		close(pidfd);
	return error ? error : status;
}

int program_run(const char *path, const char *const *argv, const char *input, unsigned seconds,
	char output[static PROGRAM_OUTPUT_MAX])
{
	static char *const environment[] = {"PATH=" PROGRAM_FOLDERS, "LC_ALL=C", NULL};
	int out[2];
	pid_t pid;
	output[0] = 0;
	int in = input ? offer(input) : -1;
	if (input && in < 0)
		return in;
	int status = pipe2(out, O_CLOEXEC) ? -errno : 0;
	if (status)
		goto close_in;
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	status =
		child_start(&(struct child_setup){path, argv, environment, in, out[1], true}, &pid);
	close(out[1]);
	if (!status)
		status = see_through(
			pid, seconds, &(struct listener){.fd = out[0], .output = output});
	close(out[0]);
close_in:
	if (in >= 0)
		close(in);
	return status;
}
