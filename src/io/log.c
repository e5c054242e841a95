#include "io/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "io/log_daemon.h"

#define NAME_MAX_LEN 32

static struct {
	char name[NAME_MAX_LEN];
	enum log_level level;
	int to_journal, to_syslog;
	struct log_daemon daemon;
} state = {.level = LEVEL_INFO};

/* false: it is none; no text at all means the default. */
static bool level_from_text(const char *text, enum log_level *level)
{
	static const struct {
		const char *text;
		enum log_level level;
	} levels[] = {
		{"silent", LEVEL_SILENT},
		{"error", LEVEL_ERROR},
		{"info", LEVEL_INFO},
		{"verbose", LEVEL_VERBOSE},
		{"debug", LEVEL_VERBOSE},
	};
	*level = LEVEL_INFO;
	if (!text || !*text)
		return true;
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		if (strcmp(text, levels[i].text))
			continue;
		*level = levels[i].level;
		return true;
	}
	return false;
}

/* JOURNAL_STREAM is "device:inode" of the journal's stream; it outlives a redirection of stderr */
static int stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *name)
{
	snprintf(state.name, sizeof state.name, "%s", name);
	state.to_journal = stderr_is_journal();
	state.to_syslog = 0;
	const char *level = getenv("LOG_LEVEL");
	if (!level_from_text(level, &state.level))
		log_error("LOG_LEVEL is \"%.32s\"; it must be silent, error, info or verbose: "
			  "info is used",
			level);
}

void log_use_syslog(void)
{
	log_daemon_open(&state.daemon, LOG_DAEMON_PATH);
	state.to_syslog = 1;
}

int log_is_on(enum log_level level)
{
	return level <= state.level;
}

static int priority(enum log_level level)
{
	return level == LEVEL_ERROR ? LOG_ERR : level == LEVEL_INFO ? LOG_INFO : LOG_DEBUG;
}

/* Composes "name: text\n" behind `start` bytes; returns the whole length. */
static size_t compose(
	char line[static LOG_LINE_MAX], size_t start, const char *format, va_list args)
{
	size_t room = LOG_LINE_MAX - 1; /* the newline has its place in any case */
	size_t len = start;
	int n = snprintf(line + len, room - len, "%s%s", state.name, state.name[0] ? ": " : "");
	len += (size_t)n;
	n = vsnprintf(line + len, room - len, format, args);
	if (n > 0)
		len = len + (size_t)n < room ? len + (size_t)n : room - 1;
	for (size_t i = start; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[len++] = '\n';
	return len;
}

/* A full or closed stderr loses the line: nobody could be told, and packets do not wait for it. */
static void write_line(const char *line, size_t len)
{
	struct pollfd writable = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written;
	if (poll(&writable, 1, 0) != 1 || !(writable.revents & POLLOUT))
		return;
	do
		written = write(STDERR_FILENO, line, len);
	while (written < 0 && errno == EINTR);
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	if (!log_is_on(level))
		return;
	int saved = errno;
	char line[LOG_LINE_MAX];
	size_t start = 0;
	if (state.to_journal && !state.to_syslog)
		start = (size_t)snprintf(line, sizeof line, "<%d>", priority(level));
	size_t len = compose(line, start, format, args);
	if (state.to_syslog)
		log_daemon_send(&state.daemon, priority(level), line, len - 1);
	else
		write_line(line, len);
	errno = saved;
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_ERROR, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_INFO, format, args);
	va_end(args);
}

void log_verbose(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LEVEL_VERBOSE, format, args);
	va_end(args);
}

void log_text(const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), with_end = len + (text[len] == '\n');
		if (state.to_syslog)
			log_error("%.*s", (int)len, text);
		else
			write_line(text, with_end);
		text += with_end;
	}
}
