#include "unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/background.h"
#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

static int kept = -1; /* of the caller's descriptors */

/*
 * A caller's process; the rest of it goes to the background and does `body`.
 * Returns the caller's exit status.
 */
static int caller_of(void (*body)(struct background *background))
{
	int status = -1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct background background = {.fd = -1};
		if (!background_start(&background, (int[]){kept, -1}))
			body(&background);
		_exit(99);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : -1;
}

static void be_ready(struct background *background)
{
	background_release(background, VERB_OK);
	_exit(77); /* of no interest to the caller any more */
}

static void fail(struct background *background)
{
	background_release(background, VERB_CONFIG);
}

static void die(struct background *background)
{
	(void)background;
	raise(SIGKILL);
}

static bool statuses(void)
{
	REQUIRE(capture_begin(NULL, "wg0"));
	REQUIRE(caller_of(be_ready) == VERB_OK && caller_of(fail) == VERB_CONFIG);
	REQUIRE(!strcmp("", captured()));
	REQUIRE(caller_of(die) == VERB_FAILED);
	REQUIRE(!strcmp("wg0: was killed before it was ready\n", captured()));
	return true;
}

TEST(background_gives_the_caller_its_status)
{
	sandbox_run_child(statuses);
}

/* Writes what it sees of itself, as a file that is complete when it has its name. */
static void look_around(struct background *background)
{
	unsigned at_start = open_fd_count();
	bool has_session = getsid(0) == getpid();
	background_release(background, VERB_OK);
	background_release(background, VERB_OK); /* harmless */
	FILE *file = fopen("report.part", "we");
	if (!file)
		_exit(1);
	fprintf(file, "%u %d", at_start, has_session);
	for (int fd = 0; fd < 3; fd++) {
		char link[32], target[64] = "";
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		if (readlink(link, target, sizeof target - 1) > 0)
			fprintf(file, " %s", target);
	}
	fclose(file);
	rename("report.part", "report");
	_exit(0);
}

static bool surroundings(void)
{
	char text[256] = "";
	int ends[2];
	REQUIRE(!pipe2(ends, 0)); /* the caller's, and not ours */
	REQUIRE(caller_of(look_around) == VERB_OK);
	for (int i = 0; i < 1000 && access("report", F_OK); i++)
		usleep(10000);
	int fd = open("report", O_RDONLY | O_CLOEXEC);
	REQUIRE(read(fd, text, sizeof text - 1) > 0);
	/* 0-2 and the pipe to the caller; ".", ".." and the folder itself are counted too */
	REQUIRE(!strcmp("7 1 /dev/null /dev/null /dev/null", text));
	return true;
}

TEST(background_leaves_terminal_and_callers_descriptors)
{
	folder_run(surroundings);
}

static void use_what_was_kept(struct background *background)
{
	bool ok = open_fd_count() == 8 && write(kept, "x", 1) == 1;
	background_release(background, ok ? VERB_OK : VERB_FAILED);
	_exit(0);
}

static bool keeping(void)
{
	int ends[2];
	REQUIRE(!pipe2(ends, 0));
	kept = ends[1];
	REQUIRE(caller_of(use_what_was_kept) == VERB_OK);
	return true;
}

TEST(background_keeps_what_it_is_told_to)
{
	folder_run(keeping);
}
