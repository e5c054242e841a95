#include "io/tickets.h"

#include <assert.h>

struct ticket *tickets_next(struct tickets *t)
{
	if (tickets_are_out(t))
		return NULL;
	struct ticket *next = &t->ring[(t->first + t->count) % TICKETS_MAX];
	next->count = 0;
	next->is_done = false;
	return next;
}

void tickets_take(struct tickets *t)
{
	assert(!tickets_are_out(t));
	t->count++;
}

struct ticket *tickets_done(struct tickets *t)
{
	struct ticket *oldest = &t->ring[t->first];
	return t->count && oldest->is_done ? oldest : NULL;
}

void tickets_put(struct tickets *t)
{
	assert(t->count);
	t->first = (t->first + 1) % TICKETS_MAX;
	t->count--;
}
