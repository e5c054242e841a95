#include "manage/hooks.h"

#include "io/channel.h"
#include "manage/child.h"
#include "manage/service.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ trust */

static bool is_roots(
	const char *path, const struct stat *s, mode_t shared_by, char why[static HOOKS_WHY_MAX])
{
	if (s->st_uid != 0)
		snprintf(why, HOOKS_WHY_MAX,
			"%.300s belongs to user %u, who could write commands that run as root; "
			"its commands run when it is root's: chown root '%.300s'",
			path, s->st_uid, path);
	else if (s->st_mode & shared_by)
		snprintf(why, HOOKS_WHY_MAX,
			"%.300s (mode %04o) can be written by others than root, who could add "
			"commands "
			"that run as root; its commands run after: chmod go-w '%.300s'",
			path, s->st_mode & 07777, path);
	else
		return true;
	return false;
}

/* Cuts the last component: "/a/b" becomes "/a", "/a" becomes "/". false at "/". */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');
	if (!slash || !slash[1])
		return false;
	slash[slash == path] = 0;
	return true;
}

static bool folders_are_trusted(char *path, char why[static HOOKS_WHY_MAX])
{
	struct stat s;
	bool is_above = false; /* the folder of a folder */
	for (; go_up(path); is_above = true) {
		if (stat(path, &s)) {
			snprintf(why, HOOKS_WHY_MAX, "%.300s: %s", path, strerror(errno));
			return false;
		}
		/* In a sticky folder nobody else can replace what is root's. */
		bool is_sticky = is_above && s.st_mode & S_ISVTX;
		if (!is_roots(path, &s, is_sticky ? 0 : S_IWGRP | S_IWOTH, why))
			return false;
	}
	return true;
}

bool hooks_file_is_trusted(int fd, char why[static HOOKS_WHY_MAX])
{
	char link[32], path[PATH_MAX];
	struct stat opened, named;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (len <= 0 || fstat(fd, &opened)) {
		snprintf(why, HOOKS_WHY_MAX, "cannot tell which file this is: %s", strerror(errno));
		return false;
	}
	path[len] = 0;
	if (stat(path, &named) || named.st_dev != opened.st_dev || named.st_ino != opened.st_ino ||
		!S_ISREG(opened.st_mode)) {
		snprintf(why, HOOKS_WHY_MAX,
			"what was read is not a file with a name (any more): %.300s; write the "
			"configuration to a file of root's",
			path);
		return false;
	}
	return is_roots(path, &opened, S_IWGRP | S_IWOTH, why) && folders_are_trusted(path, why);
}

/* ------------------------------------------------------------------ the child */

static int run_command(const char *command)
{
	/* wg-quick(8) is a script of bash: its users write what only bash reads */
	const char *shell = access("/bin/bash", X_OK) ? "/bin/sh" : "/bin/bash";
	const char *argv[] = {shell, "-c", command, NULL};
	const struct child_setup setup = {shell, argv, environ, -1, -1, false};
	pid_t pid;
	int error = child_start(&setup, &pid);
	return error ? error : child_wait(pid);
}

static bool is_valid(const void *question, size_t fd_count)
{
	return to_hooks_is_valid(question, fd_count);
}

static void answer_question(const void *question, void *answer)
{
	const struct to_hooks *asked = question;
	*(struct from_hooks *)answer = (struct from_hooks){
		.kind = FROM_HOOKS_DONE, .id = asked->id, .status = run_command(asked->command)};
}

int hooks_run(int channel, void *context)
{
	static const struct service running = {.question_len = sizeof(struct to_hooks),
		.answer_len = sizeof(struct from_hooks),
		.is_valid = is_valid,
		.answer = answer_question};
	(void)context;
	return service_run(channel, &running);
}

/* ------------------------------------------------------------------ the parent */

/* false: it does not fit. */
static bool expand(char out[static MESSAGES_COMMAND_MAX], const char *command, const char *name)
{
	size_t used = 0, name_len = strlen(name);
	while (*command) {
		bool is_name = command[0] == '%' && command[1] == 'i';
		size_t len = is_name ? name_len : 1;
		if (used + len >= MESSAGES_COMMAND_MAX)
			return false;
		memcpy(out + used, is_name ? name : command, len);
		used += len;
		command += is_name ? 2 : 1;
	}
	out[used] = 0;
	return true;
}

int hooks_start(struct hooks *h, enum hook_phase phase, const char *interface, const char *command)
{
	struct to_hooks question = {.kind = TO_HOOKS_RUN, .id = h->asked + 1, .phase = phase};
	if (h->asked != h->answered)
		return -EBUSY;
	if (!expand(question.command, command, interface))
		return -E2BIG;
	int error = channel_send(h->channel, &question, sizeof(question), NULL, 0);
	if (!error)
		h->asked++;
	return error;
}

int hooks_answer(struct hooks *h, int *status)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct from_hooks answer;
	int got = channel_receive(h->channel, &answer, sizeof(answer), fds, &fd_count);
	if (got != 1)
		return got;
	if (!from_hooks_is_valid(&answer, fd_count) || h->asked == h->answered ||
		answer.id != h->asked) {
		channel_close_fds(fds, fd_count);
		return -EPROTO;
	}
	h->answered = h->asked;
	*status = answer.status;
	return 1;
}
