/*
 * The control connections: bytes to operations and answers back. What an
 * operation does is the engine's business. A slow or silent client has its own
 * buffers, of bounded size, and delays nobody; each has one operation carried out
 * in a turn of the loop. Where there are too many, or too much waits to be read,
 * the one who has been silent for longest is sent away: so nobody can lock others
 * out by just being there.
 */
#ifndef ADIT_IO_CLIENTS_H
#define ADIT_IO_CLIENTS_H

#include "device/change.h"
#include "io/loop.h"
#include "text/out.h"

#define CLIENTS_MAX	    64
#define CLIENTS_ANSWER_MAX  ((size_t)256 << 20) /* bytes that wait for one client to read them */
#define CLIENTS_ANSWERS_MAX ((size_t)320 << 20) /* and for all of them */
#define CLIENTS_LATER	    (-1)		/* clients_answer_set will be called */

struct client;

struct clients {
	struct loop *loop;
	struct client *first;
	size_t count, max;
	size_t answers_max;
	uint64_t activity; /* counted, of all */
	/*
	 * A set was put off, or a get is being written: all wait. `waiting` is who gets
	 * the answer; NULL: has gone.
	 */
	bool is_paused, is_writing; /* the latter: a get */
	struct client *waiting;
	struct watch again; /* for the next part of a get, in the next turn */
	/*
	 * Writes the answer of a get, or the next part of it: 0, or CLIENTS_LATER when
	 * there is more. Nothing was written yet: a new answer begins.
	 */
	int (*on_get)(void *context, struct out *answer);
	/* Carries out a set. Returns 0, an errno, or CLIENTS_LATER; may take the change's content.
	 */
	int (*on_set)(void *context, struct change *change);
	void *context;
};

/*
 * The caller sets the callbacks, and max and answers_max where they must be smaller.
 * 0 or -errno; clients_wipe in any case.
 */
int clients_init(struct clients *clients, struct loop *loop);

/*
 * Serves a connection, which does not block. Takes the descriptor. The program's
 * own (is_own) is never sent away.
 */
void clients_add(struct clients *clients, int fd, bool is_own);

/* Closes all; no answer is owed any more. */
void clients_wipe(struct clients *clients);

/* The answer to the set that was put off; the other clients go on. */
void clients_answer_set(struct clients *clients, int error);

#endif
