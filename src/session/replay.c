#include "session/replay.h"

#include <string.h>

#define WORD_BITS 64

void replay_init(struct replay_window *window)
{
	memset(window, 0, sizeof *window);
}

/* Moves the front of the window to `position`; words entered on the way start empty. */
static void advance(struct replay_window *window, uint64_t position)
{
	uint64_t word = window->next / WORD_BITS, last = position / WORD_BITS;
	if (last - word > REPLAY_WORDS)
		word = last - REPLAY_WORDS;
	while (word < last)
		window->words[++word % REPLAY_WORDS] = 0;
	window->next = position;
}

/*
 * Counters are kept one higher than they are, as `next` is: then 0 stands for
 * "none yet", and the first packet is no special case whatever its counter. With
 * the greatest in word w, the one REPLAY_WINDOW_BITS behind it lies in word
 * w - 128 and is the last one taken: the ring of 129 words still holds both.
 */
bool replay_accept(struct replay_window *window, uint64_t counter)
{
	if (counter >= REJECT_AFTER_MESSAGES)
		return false;
	uint64_t position = counter + 1;
	if (position > window->next)
		advance(window, position);
	else if (window->next - position > REPLAY_WINDOW_BITS)
		return false;
	uint64_t *word = &window->words[position / WORD_BITS % REPLAY_WORDS];
	uint64_t bit = UINT64_C(1) << position % WORD_BITS;
	bool is_new = !(*word & bit);
	*word |= bit;
	return is_new;
}
