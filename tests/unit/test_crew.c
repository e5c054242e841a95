#include "io/crew.h"

#include "io/tickets.h"
#include "unit/test.h"

/*
 * Numbers instead of packets: each turn takes some in order, works on them outside the
 * lock for as long as chance has it, and gives them back by the ring of tickets.
 */
#define NUMBERS 20000
#define WORKERS 4

static struct crew crew;
static struct tickets tickets;
static uint32_t source, given_back, turns, most_out;
static uint32_t numbers[TICKETS_MAX], results[TICKETS_MAX];
static bool is_in_order;

static uint32_t work_on(uint32_t number)
{
	uint32_t mixed = number * 2654435761u;
	for (uint32_t i = mixed % 997; i > 0; i--)
		mixed = mixed * 1664525u + 1013904223u;
	return mixed;
}

static void give_back(void)
{
	bool were_out = tickets_are_out(&tickets);
	for (struct ticket *done; (done = tickets_done(&tickets));) {
		size_t slot = (size_t)(done - tickets.ring);
		is_in_order &=
			numbers[slot] == given_back && results[slot] == work_on(numbers[slot]);
		given_back++;
		tickets_put(&tickets);
	}
	if (were_out)
		crew_make_room(&crew);
}

static bool turn(void *context)
{
	(void)context;
	while (tickets_are_out(&tickets))
		crew_await_room(&crew);
	if (source == NUMBERS)
		return false;
	struct ticket *ticket = tickets_next(&tickets);
	size_t slot = (size_t)(ticket - tickets.ring);
	numbers[slot] = source++;
	tickets_take(&tickets);
	turns++;
	most_out = tickets.count > most_out ? tickets.count : most_out;
	crew_engage(&crew);
	crew_unlock(&crew);
	uint32_t result = work_on(numbers[slot]);
	crew_lock(&crew);
	results[slot] = result;
	ticket->is_done = true;
	give_back();
	return true;
}

TEST(crew_gives_back_in_order)
{
	source = given_back = turns = most_out = 0;
	is_in_order = true;
	tickets = (struct tickets){0};
	CHECK_EQ(WORKERS, crew_start(&crew, WORKERS, turn, NULL));
	while (turn(NULL)) /* the main thread is one of them */
		;
	while (given_back < NUMBERS) { /* others are at theirs */
		crew_unlock(&crew);
		crew_lock(&crew);
	}
	crew_stop(&crew);
	CHECK(is_in_order);
	CHECK_EQ(NUMBERS, turns);
	CHECK(tickets.count == 0 && most_out <= TICKETS_MAX && crew.count == 0);
}

/* ---- sleeping and waking */

static uint32_t calls;

static bool nothing_to_do(void *context)
{
	(void)context;
	calls++;
	crew_make_room(&crew);
	return false;
}

static void await_calls(uint32_t count)
{
	while (calls < count)
		crew_await_room(&crew);
}

/* Each looks once at the start; then they sleep, and a call is answered by one of them. */
TEST(crew_sleeps_until_it_is_engaged)
{
	calls = 0;
	CHECK_EQ(2, crew_start(&crew, 2, nothing_to_do, NULL));
	await_calls(2);
	while (crew.asleep < 2) {
		crew_unlock(&crew);
		crew_lock(&crew);
	}
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_EQ(2 + i, calls);
		crew_engage(&crew);
		await_calls(3 + i);
		while (crew.asleep < 2) {
			crew_unlock(&crew);
			crew_lock(&crew);
		}
	}
	crew_engage(&crew);
	crew_engage(&crew);
	CHECK_EQ(0, crew.asleep);
	crew_engage(&crew); /* nobody sleeps: no call is kept for later */
	CHECK_EQ(2, crew.calls);
	await_calls(104);
	crew_stop(&crew);
	CHECK_EQ(104, calls);
}

TEST(crew_of_nobody_takes_no_lock)
{
	CHECK_EQ(0, crew_start(&crew, 0, nothing_to_do, NULL));
	crew_lock(&crew);
	crew_lock(&crew);
	crew_engage(&crew);
	crew_make_room(&crew);
	crew_unlock(&crew);
	crew_stop(&crew);
	crew_stop(&crew);
}
