/*
 * The device's events as lines for people: what happened to which peer and,
 * where a link does not come up, why and what would help.
 */
#ifndef ADIT_IO_NARRATE_H
#define ADIT_IO_NARRATE_H

#include "base/nanos.h"
#include "device/event.h"

/* Lines that others can cause, or many peers, are held to so many a minute; the rest is counted. */
#define NARRATE_LINES_PER_MINUTE 20

struct narrator { /* all zero at first */
	struct narrator_share {
		nanos minute_began;
		uint32_t lines, suppressed; /* in this minute */
	} peers, strangers, /* apart: or a flood would hide what is wrong with a peer */
		unanswered, given_up;
};

void narrate_event(struct narrator *narrator, const struct event *event, nanos boottime);

/* The kernel would not send to the peer: `error`, -errno. */
void narrate_send_error(struct narrator *narrator, const struct public_key *peer,
	const struct endpoint *to, int error, nanos boottime);

/*
 * The kernel would not send datagrams of `len` bytes to there in one piece: `error`,
 * -errno. They go one by one instead.
 */
void narrate_demotion(struct narrator *narrator, const struct public_key *peer,
	const struct endpoint *to, uint32_t len, int error, nanos boottime);

#endif
