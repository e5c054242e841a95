#include "session/replay.h"

#include <string.h>

#define WORD_BITS 64

void replay_init(struct replay_window *window)
{
	memset(window, 0, sizeof *window);
}

/* Moves the front of the window to `counter`; words entered on the way start empty. */
static void advance(struct replay_window *window, uint64_t counter)
{
	uint64_t word = window->greatest / WORD_BITS, last = counter / WORD_BITS;
	if (last - word > REPLAY_WORDS)
		word = last - REPLAY_WORDS;
	while (word < last)
		window->words[++word % REPLAY_WORDS] = 0;
	window->greatest = counter;
}

/*
 * With the greatest in word w, the last one taken, REPLAY_WINDOW_BITS behind it,
 * lies in word w - 128: the ring of 129 words holds both.
 */
bool replay_accept(struct replay_window *window, uint64_t counter)
{
	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	if (counter > window->greatest)
		advance(window, counter);
	else if (window->greatest - counter > REPLAY_WINDOW_BITS)
		return false;
	uint64_t *word = &window->words[counter / WORD_BITS % REPLAY_WORDS];
	uint64_t bit = UINT64_C(1) << counter % WORD_BITS;
	bool is_new = !(*word & bit);
	*word |= bit;
	return is_new;
}
