#include "main/knock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "main/admin.h"
#include "main/verb.h"

/* A supervisor without a configuration has no such socket, but a control socket. */
static int explain_absence(const char *interface, int error)
{
	bool is_absent = error == -ENOENT || error == -ECONNREFUSED;
	int fd = is_absent ? control_connect(CONTROL_DIRECTORY, interface) : -1;
	if (fd >= 0) {
		close(fd);
		fprintf(stderr, "adit: %s was started without a configuration; wg(8) changes it\n",
			interface);
		return VERB_FAILED;
	}
	if (is_absent) {
		fprintf(stderr, "adit: %s is not running\n", interface);
		return VERB_NOT_RUNNING;
	}
	fprintf(stderr, "adit: %s: %s%s\n", interface, strerror(-error),
		error == -EACCES ? "; this needs root" : "");
	return VERB_FAILED;
}

static bool send_request(int fd, const char *request)
{
	char line[ADMIN_LINE_MAX];
	int len = snprintf(line, sizeof line, "%s\n", request);
	return len < (int)sizeof line && send(fd, line, (size_t)len, MSG_NOSIGNAL) == len;
}

/* The status in the last line; -1: there was no last line. */
static int print_answer(FILE *answer)
{
	char *line = NULL;
	size_t size = 0;
	int status = -1;
	while (status < 0 && getline(&line, &size, answer) > 0) {
		if (line[0] == '=')
			status = atoi(line + 1);
		else
			fputs(line + 1, line[0] == ADMIN_STDOUT ? stdout : stderr);
		fflush(stdout);
	}
	free(line);
	return status;
}

int knock(const char *directory, const char *interface, const char *request)
{
	int fd = control_connect(directory, interface);
	if (fd < 0)
		return explain_absence(interface, fd);
	FILE *answer = fdopen(fd, "r");
	int status = answer && send_request(fd, request) ? print_answer(answer) : -1;
	if (answer)
		fclose(answer);
	else
		close(fd);
	if (status >= 0)
		return status;
	fprintf(stderr, "adit: %s ended, or has no time, before it answered\n", interface);
	return VERB_FAILED;
}
