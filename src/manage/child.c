#include "manage/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_attributes(posix_spawnattr_t *attributes, bool has_session)
{
	sigset_t set;
	short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
	sigfillset(&set);
	posix_spawnattr_setsigdefault(attributes, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(attributes, &set);
	if (has_session)
		flags |= POSIX_SPAWN_SETSID;
	return posix_spawnattr_setflags(attributes, flags);
}

static int set_files(posix_spawn_file_actions_t *files, int in, int out)
{
	int error = in < 0 ? posix_spawn_file_actions_addopen(
				     files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
			   : posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
	if (!error && out >= 0)
		error = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	if (!error && out >= 0)
		error = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	return error;
}

int child_start(const struct child_setup *setup, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&files);
	if (error)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error)
		goto free_files;
	error = set_attributes(&attributes, setup->has_session);
	if (!error)
		error = set_files(&files, setup->in, setup->out);
	if (!error)
		error = posix_spawn(pid, setup->path, &files, &attributes,
			(char *const *)setup->argv, setup->environment);
	posix_spawnattr_destroy(&attributes);
free_files:
	posix_spawn_file_actions_destroy(&files);
	return -error;
}

int child_wait(pid_t pid)
{
	pid_t ended;
	int status;
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return -errno;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
