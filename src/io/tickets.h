/*
 * The order of jobs that several threads run. A ticket is what one thread took from
 * the device at once; the ring keeps them in the order in which they were taken, and
 * gives them back in that order, whichever is run first. So nothing overtakes within
 * a session, in neither direction. Bounded: who reads faster than is run waits.
 * No thread, no lock: whoever calls has one (io/crew.h).
 */
#ifndef ADIT_IO_TICKETS_H
#define ADIT_IO_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKETS_MAX	8
#define TICKET_JOBS_MAX 64

struct job;

struct ticket {
	struct job *jobs[TICKET_JOBS_MAX]; /* in the order in which the device gave them */
	size_t count;
	bool is_done; /* its jobs were run; set by who took it */
};

struct tickets { /* all zero: none is out */
	struct ticket ring[TICKETS_MAX];
	uint32_t first, count;
};

/* Whether all are out. */
static inline bool tickets_are_out(const struct tickets *tickets)
{
	return tickets->count == TICKETS_MAX;
}

/*
 * The next one, empty, for the caller to fill; it is out once tickets_take was called.
 * NULL: all are out. Until then it stays the next one.
 */
struct ticket *tickets_next(struct tickets *tickets);
void tickets_take(struct tickets *tickets);

/*
 * The oldest that is out, if it is done; NULL: none is out, or it is not done, and who
 * has it will look here afterwards. The caller finishes its jobs and puts it back.
 */
struct ticket *tickets_done(struct tickets *tickets);
void tickets_put(struct tickets *tickets);

#endif
