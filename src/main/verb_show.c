#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "io/clock.h"
#include "main/load.h"
#include "main/verb.h"
#include "manage/control.h"
#include "text/view.h"

#define ANSWER_MAX ((size_t)256 << 20) /* bytes */

/* Asks for everything and reads until the empty line. 0 or -errno. */
static int ask(int fd, struct out *answer)
{
	static const char question[] = "get=1\n\n";
	char buffer[4096];
	if (send(fd, question, strlen(question), MSG_NOSIGNAL) < 0)
		return -errno;
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EPIPE;
		out_add(answer, buffer, (size_t)n);
		secret_wipe(buffer, (size_t)n);
		if (answer->has_failed)
			return -ENOMEM;
		if (answer->len >= 2 && !memcmp(answer->bytes + answer->len - 2, "\n\n", 2))
			return 0;
	}
}

static int print_answer(const char *name, const struct out *answer, bool wants_drops)
{
	struct view view;
	struct out text;
	out_init(&text, SIZE_MAX);
	bool ok = view_parse(&view, answer->bytes, answer->len);
	if (ok && wants_drops)
		view_render_drops(&text, &view, name);
	else if (ok)
		view_render_pretty(&text, &view, name, clock_read().realtime / NANOS_PER_SECOND);
	else
		fprintf(stderr, "adit: %s: its answer is not understood\n", name);
	fputs(out_string(&text), stdout);
	view_wipe(&view);
	out_wipe(&text);
	return ok ? VERB_OK : VERB_FAILED;
}

/* Takes the connection, or the error in its place. */
static int show_connected(const char *name, int fd, bool wants_drops)
{
	struct out answer;
	if (fd < 0) {
		fprintf(stderr, "adit: %s: %s%s\n", name, strerror(-fd),
			fd == -EACCES ? "; showing its state needs root" : "");
		return VERB_FAILED;
	}
	out_init(&answer, ANSWER_MAX);
	int error = ask(fd, &answer);
	int status = error ? VERB_FAILED : print_answer(name, &answer, wants_drops);
	if (error)
		fprintf(stderr, "adit: %s: %s\n", name, strerror(-error));
	out_wipe(&answer);
	close(fd);
	return status;
}

static bool is_not_running(int fd)
{
	return fd == -ENOENT || fd == -ECONNREFUSED;
}

static int show_one(const char *name, bool wants_drops)
{
	int fd = control_connect(CONTROL_DIRECTORY, name);
	if (!is_not_running(fd))
		return show_connected(name, fd, wants_drops);
	fprintf(stderr, "adit: %s is not running\n", name);
	return VERB_NOT_RUNNING;
}

/* Every interface with a control socket that somebody answers at. */
static int show_all(bool wants_drops)
{
	DIR *directory = opendir(CONTROL_DIRECTORY);
	int status = VERB_OK;
	bool is_first = true;
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		char name[IFNAMSIZ];
		size_t len = strlen(entry->d_name), suffix = strlen(".sock");
		if (len <= suffix || len - suffix >= sizeof name ||
			strcmp(entry->d_name + len - suffix, ".sock"))
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(len - suffix), entry->d_name);
		int fd = control_connect(CONTROL_DIRECTORY, name);
		if (is_not_running(fd))
			continue; /* left behind by one that was killed */
		if (!is_first)
			putchar('\n');
		is_first = false;
		int one = show_connected(name, fd, wants_drops);
		status = status ? status : one;
	}
	if (directory)
		closedir(directory);
	return status;
}

static int run(int argc, char **argv)
{
	struct load load;
	bool wants_drops = false;
	const char *word = NULL;
	for (int i = 0; i < argc; i++) {
		bool is_option = argv[i][0] == '-';
		if (is_option && !strcmp(argv[i], "--drops")) {
			wants_drops = true;
		} else if (is_option || word) {
			fprintf(stderr, "adit show: \"%s\": %s\nusage: adit show %s\n", argv[i],
				is_option ? "no such option" : "one NAME, or none",
				verb_show.arguments);
			return VERB_USAGE;
		} else {
			word = argv[i];
		}
	}
	if (!word)
		return show_all(wants_drops);
	return load_find(&load, word) ? show_one(load.name, wants_drops) : VERB_USAGE;
}

const struct verb verb_show = {
	.name = "show",
	.arguments = "[--drops] [NAME]",
	.summary = "show the state of the interface, or of all",
	.help = "Prints what `wg show` prints: the interface's public key and port, and for each "
		"peer\n"
		"its endpoint, allowed IPs, latest handshake and traffic.\n"
		"\n"
		"With --drops: the packets that were dropped, how many and why, for the interface "
		"and\n"
		"for each peer.",
	.max_arguments = 2,
	.run = run,
};
