#include "manage/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/process.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

static struct process child;
static struct hooks hooks;

static bool begin_keeping(const int *fds, size_t count)
{
	hooks = (struct hooks){0};
	REQUIRE(process_start(&child, "hooks", hooks_run, NULL, fds, count) == 0);
	hooks.channel = child.channel;
	return true;
}

static bool begin(void)
{
	return begin_keeping(NULL, 0);
}

static bool end(void)
{
	return process_finish(&child) == 0;
}

/* Its status, or -1000. */
static int run(const char *command)
{
	int status;
	if (hooks_start(&hooks, HOOK_POST_UP, "wg0", command) ||
		channel_wait(hooks.channel, POLLIN) || hooks_answer(&hooks, &status) != 1)
		return -1000;
	return status;
}

static const char *output(void)
{
	static char text[4096];
	int fd = open("out", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got < 0 ? 0 : got] = 0;
	return got < 0 ? "none" : text;
}

static bool statuses(void)
{
	REQUIRE(begin());
	REQUIRE(run("true") == 0);
	REQUIRE(run("exit 7") == 7);
	REQUIRE(run("no-such-command-anywhere 2>/dev/null") == 127);
	REQUIRE(run("kill -9 $$") == 128 + SIGKILL);
	REQUIRE(run("") == 0);
	/* as people write them for wg-quick(8) */
	REQUIRE(access("/bin/bash", X_OK) || run("[[ $(cat <(echo hi)) == h? ]]") == 0);
	return end();
}

TEST(hooks_report_the_exit_status)
{
	folder_run(statuses);
}

static bool interface_name(void)
{
	REQUIRE(begin());
	REQUIRE(run("echo \"%i 100% %%i %I a%ib%i%\" >out") == 0);
	REQUIRE(!strcmp(output(), "wg0 100% %wg0 %I awg0bwg0%\n"));
	return end();
}

TEST(hooks_replace_the_interface_name)
{
	folder_run(interface_name);
}

static bool lengths(void)
{
	static char command[MESSAGES_COMMAND_MAX + 8];
	REQUIRE(begin());
	memset(command, ' ', sizeof(command) - 1);
	memcpy(command, "exit 3;", 7);
	command[MESSAGES_COMMAND_MAX - 1] = 0;
	REQUIRE(run(command) == 3);
	memcpy(command + MESSAGES_COMMAND_MAX - 3, "%i", 3); /* one byte longer when replaced */
	REQUIRE(hooks_start(&hooks, HOOK_PRE_UP, "wg0", command) == -E2BIG);
	memcpy(command + MESSAGES_COMMAND_MAX - 4, "%i", 3);
	REQUIRE(run(command) == 3);
	return end();
}

TEST(hooks_refuse_a_command_that_does_not_fit)
{
	folder_run(lengths);
}

/* regressions 37; and nothing of how the parent handles signals. */
static bool surroundings(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	int kept = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
	REQUIRE(kept > 2 && begin_keeping(&kept, 1));
	/* ls has its own descriptor of the folder it reads, which is the last. */
	REQUIRE(run("ls -x /proc/self/fd >out") == 0);
	REQUIRE(!strcmp(output(), "0  1  2  3\n"));
	REQUIRE(run("readlink /proc/self/fd/0 >out") == 0 && !strcmp(output(), "/dev/null\n"));
	REQUIRE(run("sed -n s/SigBlk://p /proc/self/status >out") == 0);
	REQUIRE(!strcmp(output(), "\t0000000000000000\n"));
	REQUIRE(run("sed -n s/SigIgn://p /proc/self/status >out") == 0);
	/* glibc's posix_spawn(3) ignores the two that it keeps for itself, 32 and 33. */
	REQUIRE((strtoull(output(), NULL, 16) & 0x7fffffff) == 0);
	return end();
}

TEST(hooks_inherit_nothing_but_output)
{
	folder_run(surroundings);
}

static bool one_at_a_time(void)
{
	int status = 55;
	REQUIRE(begin());
	REQUIRE(hooks_answer(&hooks, &status) == -EAGAIN);
	REQUIRE(hooks_start(&hooks, HOOK_PRE_UP, "wg0", "sleep 0.1; exit 4") == 0);
	REQUIRE(hooks_start(&hooks, HOOK_PRE_UP, "wg0", "true") == -EBUSY);
	REQUIRE(channel_wait(hooks.channel, POLLIN) == 0);
	REQUIRE(hooks_answer(&hooks, &status) == 1 && status == 4);
	REQUIRE(run("exit 5") == 5);
	return end();
}

TEST(hooks_run_one_at_a_time)
{
	folder_run(one_at_a_time);
}

static bool forged_answers(void)
{
	struct from_hooks forged = {.kind = FROM_HOOKS_DONE, .id = 1, .status = 3};
	int ends[2], status = 55;
	REQUIRE(channel_pair(ends) == 0);
	hooks = (struct hooks){.channel = ends[0]};
	REQUIRE(channel_send(ends[1], &forged, sizeof(forged), NULL, 0) == 0);
	REQUIRE(hooks_answer(&hooks, &status) == -EPROTO);
	REQUIRE(hooks_start(&hooks, HOOK_PRE_UP, "wg0", "true") == 0);
	forged.id = 2;
	REQUIRE(channel_send(ends[1], &forged, sizeof(forged), NULL, 0) == 0);
	REQUIRE(hooks_answer(&hooks, &status) == -EPROTO && status == 55);
	forged.id = 1;
	REQUIRE(channel_send(ends[1], &forged, sizeof(forged), NULL, 0) == 0);
	REQUIRE(hooks_answer(&hooks, &status) == 1 && status == 3);
	close(ends[1]);
	REQUIRE(hooks_answer(&hooks, &status) == 0);
	REQUIRE(hooks_start(&hooks, HOOK_PRE_UP, "wg0", "true") == -EPIPE);
	return true;
}

TEST(hooks_answers_are_not_believed_unasked)
{
	folder_run(forged_answers);
}

/* ------------------------------------------------------------------ trust */

/* Whether a file in the folder is trusted, opened by `name`. */
static bool is_trusted(const char *name)
{
	char why[HOOKS_WHY_MAX] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	bool result = fd >= 0 && hooks_file_is_trusted(fd, why);
	close(fd);
	return result && !why[0];
}

static bool says(const char *name, const char *words)
{
	char why[HOOKS_WHY_MAX] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	bool result = fd >= 0 && !hooks_file_is_trusted(fd, why) && strstr(why, words);
	close(fd);
	return result;
}

static bool trust(void)
{
	if (geteuid() != 0)
		return sandbox_skip("only root can make files of several owners");
	REQUIRE(begin());
	REQUIRE(mkdir("inner", 0755) == 0);
	REQUIRE(close(open("inner/wg0.conf", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	REQUIRE(symlink("inner/wg0.conf", "link") == 0);
	/* /tmp, above, is sticky. */
	REQUIRE(is_trusted("inner/wg0.conf") && is_trusted("link"));

	REQUIRE(chmod("inner/wg0.conf", 0644) == 0 && is_trusted("inner/wg0.conf"));
	REQUIRE(chmod("inner/wg0.conf", 0620) == 0 && says("inner/wg0.conf", "mode 0620"));
	REQUIRE(chmod("inner/wg0.conf", 0602) == 0 && says("inner/wg0.conf", "chmod go-w"));
	REQUIRE(chmod("inner/wg0.conf", 0600) == 0 && chown("inner/wg0.conf", 65534, 0) == 0);
	REQUIRE(says("inner/wg0.conf", "belongs to user 65534"));
	REQUIRE(says("link", "chown root"));
	REQUIRE(chown("inner/wg0.conf", 0, 65534) == 0 && is_trusted("inner/wg0.conf"));

	REQUIRE(chmod("inner", 0775) == 0 && says("inner/wg0.conf", "mode 0775"));
	/* Sticky is not enough for its own folder: others could add a config there. */
	REQUIRE(chmod("inner", 01777) == 0 && says("inner/wg0.conf", "mode 1777"));
	REQUIRE(chmod("inner", 0755) == 0 && chown("inner", 65534, 0) == 0);
	REQUIRE(says("inner/wg0.conf", "/inner belongs to user 65534"));
	REQUIRE(chown("inner", 0, 0) == 0 && is_trusted("inner/wg0.conf"));
	/* Whoever owns the folder above puts another in its place. */
	REQUIRE(chown(folder_path, 65534, 0) == 0 &&
		says("inner/wg0.conf", "belongs to user 65534"));
	REQUIRE(chown(folder_path, 0, 0) == 0 && chmod(folder_path, 0757) == 0);
	REQUIRE(says("inner/wg0.conf", "mode 0757"));
	return end();
}

TEST(hooks_trust_only_what_is_roots_all_the_way_up)
{
	folder_run(trust);
}

static bool replaced(void)
{
	char why[HOOKS_WHY_MAX];
	int pipe_ends[2];
	REQUIRE(begin());
	int fd = open("wg0.conf", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	REQUIRE(unlink("wg0.conf") == 0);
	REQUIRE(!hooks_file_is_trusted(fd, why) && strstr(why, "not a file with a name"));
	/* By that name the kernel shows it now. */
	REQUIRE(close(open("wg0.conf (deleted)", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	REQUIRE(!hooks_file_is_trusted(fd, why) && strstr(why, "not a file with a name"));
	close(fd);
	REQUIRE(pipe(pipe_ends) == 0 && !hooks_file_is_trusted(pipe_ends[0], why));
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	REQUIRE(!hooks_file_is_trusted(fd, why));
	close(fd);
	REQUIRE(!hooks_file_is_trusted(fd, why));
	return end();
}

TEST(hooks_do_not_trust_what_has_no_name)
{
	folder_run(replaced);
}
