/*
 * The replay window [RFC 6479]: a ring of bits over the last 8192 counters.
 * Not a lock, not a policy: the caller has authenticated the packet before it
 * asks. Counter 0 is a counter like any other.
 */
#ifndef ADIT_SESSION_REPLAY_H
#define ADIT_SESSION_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "noise/limits.h"

/* One word more than the window, so that the word being entered can be cleared whole. */
#define REPLAY_WORDS (REPLAY_WINDOW_BITS / 64 + 1)

struct replay_window {
	uint64_t greatest; /* counter accepted; 0 at first, whose bit is then still clear */
	uint64_t words[REPLAY_WORDS];
};

void replay_init(struct replay_window *window);

/*
 * true, and remembered, when `counter` is new: not seen, not more than
 * REPLAY_WINDOW_BITS behind the greatest, and below REJECT_AFTER_MESSAGES.
 */
bool replay_accept(struct replay_window *window, uint64_t counter);

#endif
