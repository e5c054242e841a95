#include "unit/capture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/log.h"
#include "unit/sandbox.h"

static int reader = -1;

bool capture_begin(const char *level, const char *name)
{
	int ends[2];
	if (level)
		setenv("LOG_LEVEL", level, 1);
	else
		unsetenv("LOG_LEVEL");
	unsetenv("JOURNAL_STREAM");
	if (reader >= 0)
		close(reader);
	REQUIRE(!pipe2(ends, O_NONBLOCK | O_CLOEXEC));
	REQUIRE(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
	log_init(name);
	return true;
}

const char *captured(void)
{
	static char text[16384];
	ssize_t n = read(reader, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	return text;
}
