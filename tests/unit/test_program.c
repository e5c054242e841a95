#include "manage/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"

#define TRIES 10000 /* a millisecond each: what it waits for is under way */

static char output[PROGRAM_OUTPUT_MAX];

static int run(const char *script, const char *input)
{
	const char *argv[] = {"fake", "one", "two words", "", "$(id)", NULL};
	if (!programs_make("bin", "fake", script))
		return -1000;
	return program_run("bin/fake", argv, input, 60, output);
}

static bool statuses(void)
{
	const char *argv[] = {"x", NULL};
	unsigned open_before = open_fd_count();
	REQUIRE(run("exit 0", NULL) == 0 && !strcmp(output, ""));
	REQUIRE(run("exit 7", NULL) == 7);
	REQUIRE(run("kill -9 $$", NULL) == 128 + SIGKILL);
	REQUIRE(program_run("bin/none", argv, NULL, 60, output) == -ENOENT);
	REQUIRE(chmod("bin/fake", 0644) == 0);
	REQUIRE(program_run("bin/fake", argv, NULL, 60, output) == -EACCES);
	REQUIRE(open_fd_count() == open_before);
	return true;
}

TEST(program_reports_the_exit_status)
{
	folder_run(statuses);
}

static bool arguments(void)
{
	REQUIRE(run("for a; do echo \"<$a>\"; done >args; cat >in", "a line\nanother\n") == 0);
	REQUIRE(!strcmp(programs_read("args"), "<one>\n<two words>\n<>\n<$(id)>\n"));
	REQUIRE(!strcmp(programs_read("in"), "a line\nanother\n"));
	REQUIRE(run("cat >in", NULL) == 0 && !strcmp(programs_read("in"), ""));
	return true;
}

TEST(program_gets_its_arguments_and_its_input_as_they_are)
{
	folder_run(arguments);
}

static bool long_input(void)
{
	static char input[PROGRAM_INPUT_MAX + 2];
	memset(input, 'x', PROGRAM_INPUT_MAX);
	REQUIRE(run("cat >in", input) == 0 && strlen(programs_read("in")) == PROGRAM_INPUT_MAX);
	REQUIRE(run("exit 0", input) == 0); /* one that does not read it */
	input[PROGRAM_INPUT_MAX] = 'x';
	REQUIRE(run("cat >in", input) == -E2BIG);
	return true;
}

TEST(program_need_not_read_its_input)
{
	folder_run(long_input);
}

static bool prints(void)
{
	REQUIRE(run("echo; echo ' Failed:'; printf 'no\\tsuch \\033[1mlink\\n\\n' >&2", NULL) == 0);
	REQUIRE(!strcmp(output, "Failed: no such ?[1mlink"));
	/* more than a pipe holds, and more than is kept */
	REQUIRE(run("seq 100000; echo end >&2; exit 3", NULL) == 3);
	REQUIRE(strlen(output) == PROGRAM_OUTPUT_MAX - 1 && !strncmp(output, "1 2 3 ", 6));
	return true;
}

TEST(program_says_why_in_one_line_however_much_it_prints)
{
	folder_run(prints);
}

/* regressions 37, and nothing of how the parent handles signals. */
static bool surroundings(void)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	setenv("LD_SOMETHING", "foreign", 1);
	int kept = open("/dev/null", O_RDONLY); /* not close-on-exec, on purpose */
	REQUIRE(kept > 2);
	/* ls has its own descriptor of the folder it reads, which is the last. */
	REQUIRE(run("exec ls -x /proc/self/fd >out", NULL) == 0);
	REQUIRE(!strcmp(programs_read("out"), "0  1  2  3\n"));
	REQUIRE(run("readlink /proc/self/fd/0 >out", NULL) == 0);
	REQUIRE(!strcmp(programs_read("out"), "/dev/null\n"));
	REQUIRE(run("exec sed -n 's/SigBlk://p' /proc/self/status >out", NULL) == 0);
	REQUIRE(!strcmp(programs_read("out"), "\t0000000000000000\n"));
	REQUIRE(run("exec sed -n 's/SigIgn://p' /proc/self/status >out", NULL) == 0);
	/* glibc's posix_spawn(3) ignores the two that it keeps for itself, 32 and 33. */
	REQUIRE((strtoull(programs_read("out"), NULL, 16) & 0x7fffffff) == 0);
	REQUIRE(run("tr '\\0' '\\n' </proc/$$/environ >out", NULL) == 0);
	const char *env = programs_read("out");
	REQUIRE(strstr(env, "PATH=" PROGRAM_FOLDERS "\n") && strstr(env, "LC_ALL=C\n"));
	REQUIRE(!strstr(env, "LD_") && !strstr(env, "HOME"));
	return true;
}

TEST(program_inherits_nothing)
{
	folder_run(surroundings);
}

static bool has_reader(const char *fifo)
{
	int fd = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? close(fd) == 0 : errno != ENXIO;
}

/* It is ended with all that it started; what it had said is not lost. */
static bool hangs(void)
{
	const char *argv[] = {"fake", NULL};
	REQUIRE(programs_make(
		"bin", "fake", "echo waiting; mkfifo f; (exec 3<f; sleep 60) & wait"));
	REQUIRE(program_run("bin/fake", argv, NULL, 1, output) == -ETIMEDOUT);
	REQUIRE(!strcmp(output, "waiting"));
	for (int i = 0; i < TRIES && has_reader("f"); i++)
		usleep(1000);
	REQUIRE(!has_reader("f"));
	return true;
}

TEST(program_that_hangs_is_ended_with_its_children)
{
	folder_run(hangs);
}

/* As a hook of resolvconf does that starts a daemon. */
static bool leaves_one(void)
{
	REQUIRE(run("mkfifo f; (cat f >g; echo done >out) & echo started", NULL) == 0);
	REQUIRE(!strcmp(output, "started"));
	int fd = open("f", O_WRONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && close(fd) == 0);
	for (int i = 0; i < TRIES && strcmp(programs_read("out"), "done\n"); i++)
		usleep(1000);
	REQUIRE(!strcmp(programs_read("out"), "done\n"));
	return true;
}

TEST(program_that_leaves_one_behind_is_not_waited_for)
{
	folder_run(leaves_one);
}

static bool finding(void)
{
	char path[PATH_MAX];
	REQUIRE(programs_make("a", "x", "") && programs_make("b", "x", ""));
	REQUIRE(programs_make("b", "y", "") && programs_make("a", "y", ""));
	REQUIRE(chmod("a/y", 0644) == 0 && mkdir("a/z", 0755) == 0);
	REQUIRE(program_find(path, "a:b", "x") && !strcmp(path, "a/x"));
	REQUIRE(program_find(path, "none:b:a", "x") && !strcmp(path, "b/x"));
	REQUIRE(program_find(path, "a:b", "y") && !strcmp(path, "b/y"));
	REQUIRE(!program_find(path, "a:b", "z") && !program_find(path, "a", "y"));
	REQUIRE(!program_find(path, "", "x"));
	return true;
}

TEST(program_is_found_in_the_first_folder_that_has_it)
{
	folder_run(finding);
}
