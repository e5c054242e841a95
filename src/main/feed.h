/*
 * The supervisor's own control connection to the engine: the configuration goes
 * in the way wg(8) would send it, so there is one grammar, one parser, one path.
 */
#ifndef ADIT_MAIN_FEED_H
#define ADIT_MAIN_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "device/change.h"
#include "main/engine_link.h"
#include "text/out.h"

#define FEED_MAX       ((size_t)256 << 20) /* bytes of one change as text */
#define FEED_REPLY_MAX 64		   /* bytes of "errno=N" and two line ends */

struct feed {
	int fd;		   /* for the loop; -1: closed */
	struct out change; /* as text, with its keys, until all is sent */
	size_t sent;	   /* of it */
	char reply[FEED_REPLY_MAX];
	size_t reply_len;
	struct out state; /* the answer to get, as far as it came, with its keys */
};

/* Hands the other end to the engine. 0 or -errno. */
int feed_open(struct feed *feed, struct engine_link *engine);
void feed_close(struct feed *feed);

/*
 * Sends one set operation, as much of it as the engine takes at present; the rest
 * by feed_flush. The engine may itself be waiting for us, so nothing here waits for
 * it. 0 or -errno; -EAGAIN: the last change is not sent yet.
 */
int feed_change(struct feed *feed, const struct change *change);

/* To be called when the socket is writable, as long as feed_is_sending. 0 or -errno. */
int feed_flush(struct feed *feed);
bool feed_is_sending(const struct feed *feed);

/*
 * The next reply, in the order of the changes: 1 and *error (0 or -errno);
 * 0: the engine closed the connection; -EAGAIN: none yet; -EPROTO.
 */
int feed_reply(struct feed *feed, int *error);

/*
 * Asks what the engine is doing, in the same way; where no reply to a change is
 * owed. 0 or -errno.
 */
int feed_ask(struct feed *feed);

/*
 * After feed_ask: 1: *state is all of it (overwritten; the caller's to wipe in any
 * case); 0: the engine closed the connection; -EAGAIN: not yet; -EPROTO, -ENOMEM.
 */
int feed_state(struct feed *feed, struct change *state);

#endif
