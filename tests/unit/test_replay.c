#include "unit/test.h"

#include <stdlib.h>

#include "session/replay.h"

#define WINDOW REPLAY_WINDOW_BITS
#define REJECT REJECT_AFTER_MESSAGES

struct row {
	uint64_t counter;
	bool is_accepted;
};

static bool rows_hold(const struct row *rows, size_t count)
{
	struct replay_window window;
	replay_init(&window);
	for (size_t i = 0; i < count; i++) {
		if (replay_accept(&window, rows[i].counter) == rows[i].is_accepted)
			continue;
		test_fail(__FILE__, __LINE__, "row %zu: counter %" PRIu64, i, rows[i].counter);
		return false;
	}
	return true;
}

#define CHECK_ROWS(...)                                                                            \
	do {                                                                                       \
		const struct row rows_[] = {__VA_ARGS__};                                          \
		CHECK(rows_hold(rows_, sizeof rows_ / sizeof rows_[0]));                           \
	} while (0)

/* regressions 7 */
TEST(replay_accepts_counter_0_once)
{
	CHECK_ROWS({0, true}, {0, false}, {1, true}, {0, false});
	CHECK_ROWS({5, true}, {0, true}, {0, false});
}

TEST(replay_window_edge)
{
	CHECK_ROWS({WINDOW, true}, {0, true}, {0, false});
	CHECK_ROWS({WINDOW + 1, true}, {0, false}, {1, true}, {1, false}, {2, true});
	/* an accepted counter falls out with the next step */
	CHECK_ROWS(
		{0, true}, {WINDOW, true}, {0, false}, {WINDOW + 1, true}, {0, false}, {1, true});
	/* wherever the greatest lies in its word */
	for (uint64_t shift = 0; shift < 130; shift++)
		CHECK_ROWS({shift, true}, {shift + WINDOW + 1, true}, {shift, false},
			{shift + 1, true}, {shift + 1, false}, {shift + 2, true},
			{shift + WINDOW, true}, {shift + WINDOW + 1, false});
}

/* The word that is entered holds old bits of the same ring position. */
TEST(replay_reused_words_start_empty)
{
	struct replay_window window;
	const uint64_t ring = REPLAY_WORDS * 64;
	replay_init(&window);
	for (uint64_t counter = 0; counter < 4 * ring; counter++) {
		CHECK(replay_accept(&window, counter));
		CHECK(!replay_accept(&window, counter));
	}
	for (uint64_t back = 0; back <= WINDOW; back++)
		CHECK(!replay_accept(&window, 4 * ring - 1 - back));
}

TEST(replay_long_jump_clears)
{
	static const uint64_t jumps[] = {WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + 63, WINDOW + 64,
		WINDOW + 65, WINDOW + 128, 2 * WINDOW, 64 * REPLAY_WORDS, UINT64_C(1) << 32,
		(UINT64_C(1) << 32) + 1, UINT64_C(1) << 60};
	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		struct replay_window window;
		replay_init(&window);
		for (uint64_t counter = 0; counter <= WINDOW; counter++)
			CHECK(replay_accept(&window, counter));
		uint64_t greatest = WINDOW + jumps[i];
		CHECK(replay_accept(&window, greatest));
		/* new is what was not among the first, and lies in the window */
		for (uint64_t back = 0; back <= WINDOW + 64; back++) {
			uint64_t counter = greatest - back;
			bool is_new = back > 0 && back <= WINDOW && counter > WINDOW;
			CHECK_EQ(is_new, replay_accept(&window, counter));
		}
	}
}

TEST(replay_rejects_after_messages)
{
	CHECK_ROWS({REJECT, false}, {UINT64_MAX, false}, {REJECT + 1, false}, {0, true});
	CHECK_ROWS({REJECT - 1, true}, {REJECT, false}, {REJECT - 1, false}, {REJECT - 2, true},
		{REJECT + 1, false}, {REJECT - 1 - WINDOW, true}, {REJECT - 2 - WINDOW, false},
		{0, false});
}

/* Boundaries that the kernel's self-test of its counter looks at. */
TEST(replay_kernel_sequence)
{
	const uint64_t beyond = WINDOW + 1, far = 4 * beyond;
	CHECK_ROWS({0, true}, {1, true}, {1, false}, {9, true}, {8, true}, {7, true}, {7, false},
		{beyond, true}, {beyond - 1, true}, {beyond - 1, false}, {beyond - 2, true},
		{2, true}, {2, false}, {beyond + 16, true}, {3, false}, {beyond + 16, false},
		{far, true}, {far - (beyond - 1), true}, {10, false}, {far - beyond, false},
		{far - (beyond + 1), false}, {far - (beyond - 2), true}, {far + 1 - beyond, false},
		{0, false}, {REJECT, false}, {REJECT - 1, true}, {REJECT, false},
		{REJECT - 1, false}, {REJECT - 2, true}, {REJECT + 1, false}, {REJECT + 2, false},
		{REJECT - 2, false}, {REJECT - 3, true}, {0, false});
}

/* All counters first..last upwards or downwards, then one more. */
static bool run_holds(uint64_t first, uint64_t last, uint64_t then, bool is_accepted)
{
	struct replay_window up, down;
	replay_init(&up);
	replay_init(&down);
	for (uint64_t i = 0; i <= last - first; i++)
		if (!replay_accept(&up, first + i) || !replay_accept(&down, last - i))
			return false;
	return replay_accept(&up, then) == is_accepted && replay_accept(&down, then) == is_accepted;
}

TEST(replay_kernel_runs)
{
	CHECK(run_holds(1, WINDOW, 0, true));
	CHECK(run_holds(0, WINDOW, 0, false));
	CHECK(run_holds(2, WINDOW + 1, 1, true));
	CHECK(run_holds(2, WINDOW + 1, 0, false));
	CHECK(run_holds(1, WINDOW + 1, 0, false));
	CHECK(run_holds(1, WINDOW, WINDOW + 1, true));
}

/* The oracle: a plain set of what was accepted, and the greatest of it. */
#define SPAN (1u << 17)
static bool seen[SPAN];

static uint64_t draw_counter(unsigned short dice[3], uint64_t greatest)
{
	uint64_t r = (uint64_t)nrand48(dice);
	switch (nrand48(dice) % 8) {
	case 0: return greatest + 1 + r % (3 * WINDOW);
	case 1: return greatest - r % (greatest + 1);
	case 2: return greatest - r % 4 + 2;
	case 3: return greatest > WINDOW + 2 ? greatest - WINDOW - 2 + r % 5 : 0;
	case 4: return greatest + 1;
	default: return greatest > WINDOW ? greatest - r % (WINDOW + 1) : r % (greatest + 1);
	}
}

TEST(replay_agrees_with_a_set)
{
	unsigned short dice[3] = {6, 4, 79};
	for (int round = 0; round < 40; round++) {
		/* far from 0, too: as high as counters go */
		uint64_t base = round % 2 ? REJECT - SPAN : 0, greatest = 0, counter;
		struct replay_window window;
		bool is_first = true;
		replay_init(&window);
		memset(seen, 0, sizeof seen);
		while ((counter = draw_counter(dice, greatest)) < SPAN) {
			bool is_old =
				!is_first && greatest > counter && greatest - counter > WINDOW;
			bool is_new = !is_old && !seen[counter];
			CHECK_EQ(is_new, replay_accept(&window, base + counter));
			is_first = false;
			seen[counter] = true;
			greatest = counter > greatest ? counter : greatest;
		}
	}
}
