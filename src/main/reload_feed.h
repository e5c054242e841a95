/*
 * A reload's own connection to the engine: one question or change at a time, and
 * the answer from the loop. It is opened when it is first needed.
 */
#ifndef ADIT_MAIN_RELOAD_FEED_H
#define ADIT_MAIN_RELOAD_FEED_H

#include "io/loop.h"
#include "main/feed.h"

struct reload_feed {
	struct loop *loop; /* the supervisor's, as the next */
	struct engine_link *engine;
	/*
	 * What the engine is doing: `state` is the caller's only during the call. Or
	 * an error, positive.
	 */
	void (*on_state)(void *context, int error, const struct change *state);
	/* The change is made, or an error, positive: then it is not. */
	void (*on_reply)(void *context, int error);
	void *context;

	struct feed feed; /* feed.fd is -1 at first */
	struct watch watch;
	bool is_asking;
};

/* 0: a callback follows; -errno. */
int reload_feed_ask(struct reload_feed *rf);
int reload_feed_change(struct reload_feed *rf, const struct change *change);

/* No callback follows any more. */
void reload_feed_close(struct reload_feed *rf);

#endif
