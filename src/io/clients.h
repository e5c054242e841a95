/*
 * The control connections: bytes to operations and answers back. What an
 * operation does is the engine's business. A slow or silent client has its own
 * buffers, of bounded size, and delays nobody.
 */
#ifndef ADIT_IO_CLIENTS_H
#define ADIT_IO_CLIENTS_H

#include "device/change.h"
#include "io/loop.h"
#include "text/out.h"

#define CLIENTS_MAX	   64
#define CLIENTS_ANSWER_MAX ((size_t)256 << 20) /* bytes that wait for one client to read them */
#define CLIENTS_LATER	   (-1)		       /* clients_answer_set will be called */

struct client;

struct clients {
	struct loop *loop;
	struct client *first;
	size_t count;
	/* A set was put off: all wait. `waiting` is who gets the answer; NULL: has gone. */
	bool is_paused;
	struct client *waiting;
	/* Writes the whole answer of a get. */
	void (*on_get)(void *context, struct out *answer);
	/* Carries out a set. Returns 0, an errno, or CLIENTS_LATER; may take the change's content.
	 */
	int (*on_set)(void *context, struct change *change);
	void *context;
};

/* Serves a connection, which does not block. Takes the descriptor. */
void clients_add(struct clients *clients, int fd);

/* Closes all; no answer is owed any more. */
void clients_wipe(struct clients *clients);

/* The answer to the set that was put off; the other clients go on. */
void clients_answer_set(struct clients *clients, int error);

#endif
