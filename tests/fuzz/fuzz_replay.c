/* The replay window against a list of all counters that it has accepted. */
#include "fuzz/fuzz.h"

#include "session/replay.h"

#define STEPS_MAX 512

struct list {
	uint64_t accepted[STEPS_MAX];
	size_t count;
	uint64_t greatest;
};

static bool list_accept(struct list *list, uint64_t counter)
{
	bool is_behind = counter < list->greatest && list->greatest - counter > 8192;
	if (counter >= UINT64_MAX - 8192 || is_behind)
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (list->accepted[i] == counter)
			return false;
	list->accepted[list->count++] = counter;
	if (counter > list->greatest)
		list->greatest = counter;
	return true;
}

/* A step of the window's size and its words, from the greatest; or anywhere. */
static uint64_t read_counter(struct input *in, uint64_t greatest)
{
	static const uint64_t steps[] = {
		0, 63, 64, 65, 8127, 8128, 8191, 8192, 8193, 8256, 1 << 20};
	uint8_t kind = input_u8(in);
	uint64_t step = steps[kind % 11];
	switch (kind / 11 % 6) {
	case 0: return greatest + step;
	case 1: return greatest - step;
	case 2: return greatest + input_u8(in);
	case 3: return greatest - input_u16(in);
	case 4: return UINT64_MAX - step;
	default: return input_u64(in);
	}
}

FUZZ(replay)
{
	struct replay_window window;
	struct list list = {.count = 0};
	replay_init(&window);
	for (int i = 0; i < STEPS_MAX && in->len; i++) {
		uint64_t counter = read_counter(in, list.greatest);
		REQUIRE(replay_accept(&window, counter) == list_accept(&list, counter));
		REQUIRE(window.greatest == list.greatest);
	}
}
