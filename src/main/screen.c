#include "main/screen.h"

#include "io/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Of terminals [ECMA-48, and xterm's own with ?]. */
#define ENTER	  "\x1b[?1049h\x1b[?25l\x1b[?7l" /* other screen, no cursor, no line breaks */
#define LEAVE	  "\x1b[?7h\x1b[?25h\x1b[?1049l"
#define HOME	  "\x1b[H"
#define REST_LINE "\x1b[K" /* is cleared */
#define REST_PAGE "\x1b[J"

static bool is_simple_terminal(void)
{
	const char *term = getenv("TERM");
	return !term || !*term || !strcmp(term, "dumb");
}

bool screen_wants_colours(void)
{
	const char *mode = getenv("WG_COLOR_MODE"), *no_colour = getenv("NO_COLOR");
	if (mode && !strcmp(mode, "always"))
		return true;
	if (mode && !strcmp(mode, "never"))
		return false;
	return (!no_colour || !*no_colour) && !is_simple_terminal() && isatty(STDOUT_FILENO);
}

static bool write_all(const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, bytes, len);
		if (n < 0 && errno != EINTR) {
			perror("adit: cannot write");
			return false;
		}
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

bool screen_print(const struct out *text)
{
	return write_all(out_string(text), text->len);
}

/* ------------------------------------------------------------------ signals */

static void name_signals(sigset_t *set)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH};
	sigemptyset(set);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		sigaddset(set, taken[i]);
}

static void take_screen(const struct screen *screen, bool takes)
{
	if (screen->is_terminal && screen->has_picture)
		write_all(takes ? ENTER : LEAVE, strlen(takes ? ENTER : LEAVE));
}

/* Ctrl-Z: gives the terminal back, and takes it again afterwards. */
static void pause_here(const struct screen *screen)
{
	take_screen(screen, false);
	raise(SIGSTOP);
	take_screen(screen, true);
}

int screen_begin(struct screen *screen, nanos interval)
{
	sigset_t signals;
	name_signals(&signals);
	*screen = (struct screen){.interval = interval,
		.is_terminal = isatty(STDOUT_FILENO) && !is_simple_terminal()};
	screen->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen->signal_fd < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &signals, &screen->signals_before);
	return 0;
}

void screen_end(struct screen *screen)
{
	struct signalfd_siginfo info;
	take_screen(screen, false);
	/* what came twice must not end the program now */
	while (read(screen->signal_fd, &info, sizeof info) == sizeof info)
		continue;
	close(screen->signal_fd);
	sigprocmask(SIG_SETMASK, &screen->signals_before, NULL);
}

/* false: one that ends it. */
static bool take_signals(struct screen *screen)
{
	struct signalfd_siginfo info;
	while (read(screen->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGTSTP)
			pause_here(screen);
		else if (info.ssi_signo != SIGWINCH)
			return false;
	}
	return true;
}

bool screen_is_interrupted(const struct screen *screen)
{
	struct pollfd polled = {.fd = screen->signal_fd, .events = POLLIN};
	return poll(&polled, 1, 0) > 0;
}

bool screen_wait(struct screen *screen)
{
	struct pollfd polled = {.fd = screen->signal_fd, .events = POLLIN};
	nanos now = clock_read().boottime, deadline = nanos_add(now, screen->interval);
	for (; !nanos_is_due(deadline, now); now = clock_read().boottime) {
		nanos ms = (deadline - now + NANOS_PER_MS - 1) / NANOS_PER_MS;
		int n = poll(&polled, 1, (int)ms);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			return take_signals(screen);
	}
	return true;
}

/* ------------------------------------------------------------------ pictures */

static unsigned count_lines(const struct out *text)
{
	unsigned lines = 0;
	for (size_t i = 0; i < text->len; i++)
		lines += text->bytes[i] == '\n';
	return lines;
}

/* Line by line, so that nothing flickers; the last one without a newline, that would scroll. */
void screen_compose(struct out *out, const struct out *text, unsigned rows)
{
	unsigned lines = count_lines(text), shown = lines;
	if (rows && lines > rows)
		shown = rows - 1;
	const char *at = out_string(text);
	out_add_text(out, HOME);
	for (unsigned i = 0; i < shown; i++) {
		const char *newline = strchr(at, '\n');
		out_add_text(out, i ? "\r\n" : "");
		out_add(out, at, (size_t)(newline - at));
		out_add_text(out, REST_LINE);
		at = newline + 1;
	}
	if (shown < lines) {
		out_add_text(out, shown ? "\r\n... " : "... ");
		out_add_decimal(out, lines - shown);
		out_add_text(out, " lines more" REST_LINE);
	}
	out_add_text(out, REST_PAGE);
}

static bool draw_on_terminal(const struct out *text)
{
	struct winsize size;
	struct out picture;
	out_init(&picture, SIZE_MAX);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size.ws_row = 0;
	screen_compose(&picture, text, size.ws_row);
	bool ok = screen_print(&picture);
	out_wipe(&picture);
	return ok;
}

bool screen_draw(struct screen *screen, const struct out *text)
{
	bool is_first = !screen->has_picture;
	screen->has_picture = true;
	if (screen->is_terminal && is_first)
		take_screen(screen, true);
	if (screen->is_terminal)
		return draw_on_terminal(text);
	return (is_first || write_all("\n", 1)) && screen_print(text);
}
