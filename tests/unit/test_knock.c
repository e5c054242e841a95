#include "main/knock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "main/verb.h"
#include "manage/control.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

/* In a child: whoever comes is asked for a line, gets the answer, and is left. */
static pid_t serve(const struct control *control, const char *answer)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int fd = accept(control->listen_fd, NULL, NULL);
	char line[64];
	ssize_t n = recv(fd, line, sizeof line, 0);
	bool ok = n == 5 && !memcmp(line, "diff\n", 5) &&
		  write(fd, answer, strlen(answer)) == (ssize_t)strlen(answer);
	close(fd);
	_exit(!ok);
}

static bool asks(void)
{
	static const struct {
		const char *answer, *on_stderr;
		int status;
	} rows[] = {
		{"2one\n1two\n2three\n=3\n", "one\nthree\n", 3},
		{"=0\n", "", 0},
		{"1two\n", "adit: wg0 ended, or has no time, before it answered\n", VERB_FAILED},
	};
	struct control control;
	REQUIRE(capture_begin(NULL, "") && freopen("said", "w", stdout));
	REQUIRE(knock("adit", "wg0", "diff") == VERB_NOT_RUNNING);
	REQUIRE(!strcmp("adit: wg0 is not running\n", captured()));
	REQUIRE(control_open(&control, "adit", "wg0") == 0);
	REQUIRE(fcntl(control.listen_fd, F_SETFL, 0) == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		pid_t pid = serve(&control, rows[i].answer);
		int status;
		REQUIRE(knock("adit", "wg0", "diff") == rows[i].status);
		REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
		REQUIRE(!strcmp(rows[i].on_stderr, captured()));
	}
	control_close(&control);
	char said[64] = "";
	FILE *file = fopen("said", "r");
	REQUIRE(file && fread(said, 1, sizeof said - 1, file) == 8 && !fclose(file));
	REQUIRE(!strcmp("two\ntwo\n", said));
	return true;
}

TEST(knock_prints_and_returns_the_status)
{
	folder_run(asks);
}
