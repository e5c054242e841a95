#include "io/tickets.h"

#include "unit/test.h"

#define SIX 6

static struct tickets tickets;
static struct ticket *taken[TICKETS_MAX];

static struct ticket *take(void)
{
	struct ticket *next = tickets_next(&tickets);
	if (!next || next->count || next->is_done)
		return NULL;
	next->jobs[next->count++] = NULL;
	tickets_take(&tickets);
	return next;
}

TEST(tickets_are_bounded)
{
	tickets = (struct tickets){0};
	CHECK(!tickets_done(&tickets) && !tickets_are_out(&tickets));
	for (int round = 0; round < 3 * TICKETS_MAX; round++) {
		for (uint32_t i = 0; i < TICKETS_MAX; i++)
			CHECK((taken[i] = take()));
		CHECK(tickets_are_out(&tickets) && !take() && !tickets_done(&tickets));
		for (uint32_t i = 0; i < TICKETS_MAX; i++) {
			taken[i]->is_done = true;
			CHECK(tickets_done(&tickets) == taken[i]);
			tickets_put(&tickets);
			CHECK(!tickets_done(&tickets));
		}
		taken[0] = take(); /* so that the next round begins in another place */
		taken[0]->is_done = true;
		CHECK(tickets_done(&tickets) == taken[0]);
		tickets_put(&tickets);
	}
}

/* What was looked at and not taken is no ticket. */
TEST(tickets_that_nobody_took)
{
	tickets = (struct tickets){0};
	struct ticket *next = tickets_next(&tickets);
	next->is_done = true;
	CHECK(!tickets_done(&tickets));
	CHECK(tickets_next(&tickets) == next && !next->is_done);
}

/* Completes six in this order; they come back in the order in which they were taken. */
static bool come_back_in_order(const uint32_t *order)
{
	uint32_t back = 0;
	bool is_done[SIX] = {0};
	for (uint32_t i = 0; i < SIX; i++)
		taken[i] = take();
	for (uint32_t i = 0; i < SIX; i++) {
		taken[order[i]]->is_done = is_done[order[i]] = true;
		for (struct ticket *done; (done = tickets_done(&tickets)); back++) {
			if (done != taken[back] || !is_done[back])
				return false;
			tickets_put(&tickets);
		}
		if (back < SIX && is_done[back])
			return false; /* one was held back */
	}
	return back == SIX && tickets.count == 0;
}

/* The next permutation in lexical order; false: that was the last. */
static bool permute(uint32_t *order)
{
	uint32_t i = SIX - 1, j = SIX - 1;
	while (i > 0 && order[i - 1] >= order[i])
		i--;
	if (i == 0)
		return false;
	while (order[j] <= order[i - 1])
		j--;
	uint32_t swap = order[i - 1];
	order[i - 1] = order[j];
	order[j] = swap;
	for (j = SIX - 1; i < j; i++, j--) {
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	return true;
}

TEST(tickets_come_back_in_order_whichever_is_done_first)
{
	uint32_t order[SIX] = {0, 1, 2, 3, 4, 5}, count = 0;
	tickets = (struct tickets){0};
	do {
		if (!come_back_in_order(order))
			test_fail(__FILE__, __LINE__, "order %u", count);
		count++;
	} while (permute(order));
	CHECK_EQ(720, count);
}
