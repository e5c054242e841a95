/*
 * A client's question to an interface's control socket: everything it knows, as
 * text for view_parse. Whoever answers may be another program, a slow one, or one
 * that means harm: the time and the size of an answer are bounded. One thread.
 */
#ifndef ADIT_MANAGE_ASK_H
#define ADIT_MANAGE_ASK_H

#include "base/nanos.h"
#include "text/out.h"

#define ASK_ANSWER_MAX ((size_t)256 << 20) /* bytes: for `answer` */

struct ask_limits {
	nanos silence_ns, total_ns; /* between two pieces of the answer, and for all of it */
	int stop_fd;		    /* readable: give up; -1: none */
};

/* Five seconds of silence, thirty in all, no stop_fd. */
extern const struct ask_limits ask_limits_usual;

/*
 * Fills `answer`, which the caller has made, and wipes whatever the outcome: it holds
 * keys. 0 or -errno: -ENOENT or -ECONNREFUSED: the interface is not running;
 * -ETIMEDOUT; -ECANCELED: stop_fd; -EFBIG: longer than answer->max (or no memory for
 * it); -EPIPE: it ended before its end.
 */
int ask_state(const char *directory, const char *interface, const struct ask_limits *limits,
	struct out *answer);

/* Words for what ask_state returned. */
const char *ask_explain(int error);

#endif
