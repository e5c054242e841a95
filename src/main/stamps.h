/*
 * Which stamps the engine may send: a mark on the disk is always ahead of them,
 * so that the next life begins above all that was sent in this one, whatever the
 * clock says then. Where it cannot be written the clock has to do.
 */
#ifndef ADIT_MAIN_STAMPS_H
#define ADIT_MAIN_STAMPS_H

#include <stdbool.h>

#include "manage/stamp_file.h"

/*
 * Written ahead of the clock; or, where stamps are ahead of it already, ahead of
 * them. After a crash the next life begins above it: so it is kept small. The
 * second is for 119 initiations to one peer, and less than any restart takes: so
 * one crash after another does not run away from the clock.
 */
#define STAMPS_AHEAD_OF_CLOCK (300 * NANOS_PER_SECOND)
#define STAMPS_AHEAD_OF_SENT  (2 * NANOS_PER_SECOND)

struct stamps {
	char path[STAMP_FILE_PATH_MAX];
	struct tai64n
		floor; /* all stamps are greater; zero: of no earlier life is anything known */
	struct tai64n limit; /* none is greater; meaningless unless is_limited */
	bool is_limited; /* false: the mark cannot be kept, and whoever sends looks at its clock */
};

/* Reads the mark of earlier lives and grants the first block. */
void stamps_open(
	struct stamps *stamps, const char *directory, const char *interface, nanos realtime);

/* The next block after `sent`, the greatest so far, in stamps->limit. */
void stamps_grant(struct stamps *stamps, const struct tai64n *sent, nanos realtime);

/* The end: nothing greater than `sent` was sent. */
void stamps_close(struct stamps *stamps, const struct tai64n *sent);

#endif
