#include "main/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

#define ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l"
#define LEAVE "\x1b[?7h\x1b[?25h\x1b[?1049l"

static void compose(const char *text, unsigned rows, const char *expected)
{
	struct out page, out;
	out_init(&page, SIZE_MAX);
	out_init(&out, SIZE_MAX);
	out_add_text(&page, text);
	screen_compose(&out, &page, rows);
	CHECK_STR(expected, out_string(&out));
	out_wipe(&page);
	out_wipe(&out);
}

/* The last row has no newline, which would scroll the first one away. */
TEST(screen_composes_what_fits)
{
	compose("", 2, "\x1b[H\x1b[J");
	compose("a\n", 1, "\x1b[Ha\x1b[K\x1b[J");
	compose("a\nb\n", 2, "\x1b[Ha\x1b[K\r\nb\x1b[K\x1b[J");
	compose("a\n\nc\n", 2, "\x1b[Ha\x1b[K\r\n... 2 lines more\x1b[K\x1b[J");
	compose("a\nb\n", 1, "\x1b[H... 2 lines more\x1b[K\x1b[J");
	compose("a\nb\nc\n", 0, "\x1b[Ha\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J");
}

/* stdout becomes a terminal of so many rows; the other end, or -1. */
static int become_terminal(unsigned short rows)
{
	int other, ours;
	struct winsize size = {.ws_row = rows, .ws_col = 80};
	struct termios as_written = {0};
	cfmakeraw(&as_written);
	if (openpty(&other, &ours, NULL, &as_written, &size))
		return -1;
	dup2(ours, STDOUT_FILENO);
	close(ours);
	fcntl(other, F_SETFL, O_NONBLOCK);
	return other;
}

/* A terminal passes on what it is told in its own time: as much as is expected is waited for. */
static bool is_told(int fd, const char *expected)
{
	char text[4096];
	size_t len = 0, wanted = strlen(expected);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (len < wanted && poll(&p, 1, 10000) == 1) {
		ssize_t n = read(fd, text + len, wanted - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	return len == wanted && !memcmp(text, expected, len);
}

static bool colours(void)
{
	int terminal = become_terminal(24);
	if (terminal < 0)
		return sandbox_skip("no pseudo terminal");
	unsetenv("NO_COLOR");
	unsetenv("WG_COLOR_MODE");
	setenv("TERM", "xterm", 1);
	REQUIRE(screen_wants_colours());
	setenv("NO_COLOR", "1", 1);
	REQUIRE(!screen_wants_colours());
	setenv("WG_COLOR_MODE", "always", 1);
	REQUIRE(screen_wants_colours());
	setenv("NO_COLOR", "", 1);
	setenv("WG_COLOR_MODE", "auto", 1);
	REQUIRE(screen_wants_colours());
	setenv("WG_COLOR_MODE", "never", 1);
	REQUIRE(!screen_wants_colours());
	unsetenv("WG_COLOR_MODE");
	setenv("TERM", "dumb", 1);
	REQUIRE(!screen_wants_colours());
	unsetenv("TERM");
	REQUIRE(!screen_wants_colours());
	setenv("TERM", "xterm", 1);
	REQUIRE(dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO) >= 0 && !screen_wants_colours());
	return true;
}

TEST(screen_colours_only_for_a_terminal)
{
	sandbox_run_child(colours);
}

static bool terminal_life(void)
{
	struct screen screen;
	struct out page;
	sigset_t before, after;
	int terminal = become_terminal(2);
	if (terminal < 0)
		return sandbox_skip("no pseudo terminal");
	setenv("TERM", "xterm", 1);
	out_init(&page, SIZE_MAX);
	out_add_text(&page, "a\nb\nc\n");
	sigprocmask(SIG_BLOCK, NULL, &before);
	REQUIRE(!screen_begin(&screen, NANOS_PER_MS) && screen.is_terminal);
	REQUIRE(screen_draw(&screen, &page));
	REQUIRE(is_told(terminal, ENTER "\x1b[Ha\x1b[K\r\n... 2 lines more\x1b[K\x1b[J"));
	REQUIRE(screen_wait(&screen) && screen_draw(&screen, &page));
	REQUIRE(is_told(terminal, "\x1b[Ha\x1b[K\r\n... 2 lines more\x1b[K\x1b[J"));
	/* another size is no reason to end, and none to wait */
	screen.interval = 1000 * NANOS_PER_SECOND;
	REQUIRE(!raise(SIGWINCH) && screen_is_interrupted(&screen) && screen_wait(&screen));
	REQUIRE(!screen_is_interrupted(&screen));
	REQUIRE(!raise(SIGINT) && !screen_wait(&screen));
	REQUIRE(!raise(SIGINT)); /* of who is impatient */
	screen_end(&screen);
	REQUIRE(is_told(terminal, LEAVE));
	sigprocmask(SIG_BLOCK, NULL, &after);
	REQUIRE(!sigismember(&after, SIGINT) &&
		sigismember(&after, SIGUSR1) == sigismember(&before, SIGUSR1));
	out_wipe(&page);
	return true;
}

TEST(screen_gives_the_terminal_back)
{
	sandbox_run_child(terminal_life);
}

/* Draws, and is stopped by Ctrl-Z. */
static pid_t start_drawing(int terminal)
{
	pid_t child = fork();
	if (child)
		return child;
	struct screen screen;
	struct out page;
	signal(SIGTSTP, SIG_DFL);
	out_init(&page, SIZE_MAX);
	out_add_text(&page, "a\n");
	close(terminal);
	if (screen_begin(&screen, 1000 * NANOS_PER_SECOND) || !screen_draw(&screen, &page))
		_exit(1);
	raise(SIGTSTP);
	if (!screen_wait(&screen)) /* stops, and is continued */
		_exit(2);
	screen_end(&screen);
	_exit(0);
}

static bool stopped_life(void)
{
	int status, terminal = become_terminal(24);
	if (terminal < 0)
		return sandbox_skip("no pseudo terminal");
	setenv("TERM", "xterm", 1);
	pid_t child = start_drawing(terminal);
	REQUIRE(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	REQUIRE(is_told(terminal, ENTER "\x1b[Ha\x1b[K\x1b[J" LEAVE));
	REQUIRE(!kill(child, SIGCONT) && waitpid(child, &status, 0) == child);
	REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	REQUIRE(is_told(terminal, ENTER LEAVE));
	return true;
}

TEST(screen_is_given_back_while_stopped)
{
	sandbox_run_child(stopped_life);
}

static bool each_signal(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct screen screen;
		REQUIRE(!screen_begin(&screen, 1000 * NANOS_PER_SECOND));
		REQUIRE(!raise(signals[i]) && !screen_wait(&screen));
		screen_end(&screen);
	}
	return true;
}

TEST(screen_ends_by_signals)
{
	sandbox_run_child(each_signal);
}

static bool pictures_in_a_file(void)
{
	struct screen screen;
	struct out page;
	char text[64] = "";
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	REQUIRE(fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0);
	out_init(&page, SIZE_MAX);
	out_add_text(&page, "a\n");
	REQUIRE(!screen_begin(&screen, NANOS_PER_MS) && !screen.is_terminal);
	REQUIRE(screen_draw(&screen, &page) && screen_wait(&screen) && screen_draw(&screen, &page));
	screen_end(&screen);
	REQUIRE(pread(fd, text, sizeof text - 1, 0) == 5 && !strcmp(text, "a\n\na\n"));
	REQUIRE(capture_begin(NULL, "adit"));
	REQUIRE(dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO) >= 0 && !screen_print(&page));
	REQUIRE(strstr(captured(), "cannot write"));
	out_wipe(&page);
	return true;
}

TEST(screen_that_is_a_file)
{
	folder_run(pictures_in_a_file);
}
