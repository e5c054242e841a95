#include "main/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "io/log.h"
#include "io/process.h"
#include "main/verb.h"

/* The caller's process: its exit status is what the child says. */
__attribute__((noreturn)) static void wait_for(int fd)
{
	uint8_t status;
	ssize_t n;
	do
		n = read(fd, &status, sizeof status);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(status);
	log_error("was killed before it was ready");
	_exit(VERB_FAILED);
}

int background_start(struct background *background, const int keep[static 2])
{
	int ends[2], kept[] = {keep[0], keep[1]};
	process_close_all_but(kept, 2);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int error = -errno;
		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (pid > 0) {
		close(ends[1]);
		wait_for(ends[0]);
	}
	close(ends[0]);
	setsid();
	background->fd = ends[1];
	return 0;
}

void background_leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	log_use_syslog();
}

void background_release(struct background *background, int status)
{
	uint8_t byte = (uint8_t)status;
	if (background->fd < 0)
		return;
	background_leave_terminal();
	while (write(background->fd, &byte, sizeof byte) < 0 && errno == EINTR)
		;
	close(background->fd);
	background->fd = -1;
}
