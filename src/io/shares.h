/*
 * How the time is shared out: data that waits has SHARES_OF_DATA times as long as
 * handshakes had, so that who floods us with those fills a queue and no more. Pure.
 */
#ifndef ADIT_IO_SHARES_H
#define ADIT_IO_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nanos.h"

#define SHARES_OF_DATA	7		     /* for one part that handshakes get */
#define SHARES_OWED_MAX (100 * NANOS_PER_MS) /* what data has at most before they go on */

struct shares {		    /* all zero at first */
	uint64_t data_turn; /* the last one of the loop in which there was data */
	nanos owed;	    /* to data, before handshakes have a turn again */
};

/*
 * Where there was no data since the last turn, none waits: all that is ready is called
 * in each turn. What is in a worker's hands (`is_out`) waits too, for the lock.
 */
bool shares_let_handshakes(struct shares *shares, uint64_t turn, bool is_out);

/* Handshakes took so long; with a bound: a turn in which the machine slept was no work. */
void shares_charge_handshakes(struct shares *shares, nanos spent);

/* There was data in this turn of the loop, which took so long. */
void shares_credit_data(struct shares *shares, uint64_t turn, nanos spent);

#endif
