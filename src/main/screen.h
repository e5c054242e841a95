/*
 * What goes to stdout: once, or again and again on a terminal's whole screen until
 * somebody ends it. Without stdio, whose buffers nobody wipes.
 */
#ifndef ADIT_MAIN_SCREEN_H
#define ADIT_MAIN_SCREEN_H

#include <signal.h>
#include <stdbool.h>

#include "base/nanos.h"
#include "text/out.h"

/*
 * As WG_COLOR_MODE (always, never) says; else only on a terminal, and neither with
 * NO_COLOR nor where TERM says that it can do nothing.
 */
bool screen_wants_colours(void);

/* All of it. false: it could not be written, and why was printed. */
bool screen_print(const struct out *text);

struct screen {
	int signal_fd; /* readable: screen_wait has something to do */
	nanos interval;
	bool is_terminal; /* which shows one picture at a time; else one follows the other */
	bool has_picture; /* one at least was drawn */
	sigset_t signals_before;
};

/* Takes the signals that end it or concern the terminal. 0 or -errno; then nothing is taken. */
int screen_begin(struct screen *screen, nanos interval);

/*
 * The first picture takes the terminal's whole screen. What does not fit there is cut
 * off, and said. false as screen_print.
 */
bool screen_draw(struct screen *screen, const struct out *text);

/* A signal waits for screen_wait. */
bool screen_is_interrupted(const struct screen *screen);

/* Until the next picture is due: true, or somebody ends it: false. */
bool screen_wait(struct screen *screen);

/* The terminal is as before, and so are the signals. */
void screen_end(struct screen *screen);

/* `text` as a terminal of so many rows (0: any number) is told to show it. */
void screen_compose(struct out *out, const struct out *text, unsigned rows);

#endif
