/*
 * Notices that routes or rules of our own namespace change, or that an address
 * goes: then each source address that was learned may be wrong. What changed is
 * not asked; a flurry of changes is one piece of news. The namespace is that of
 * whoever opens it, where the outer sockets are too.
 */
#ifndef ADIT_MANAGE_ROUTES_H
#define ADIT_MANAGE_ROUTES_H

#include <stdbool.h>

#include "base/nanos.h"

#define ROUTES_SETTLE_NS (100 * NANOS_PER_MS) /* from the first change to the news of it */

struct mnl_socket;

struct routes {
	int fd; /* for the loop: readable means routes_read; -1: closed */
	struct mnl_socket *socket;
	nanos due; /* when there is news; NANOS_NEVER: nothing changed */
};

/* 0 or -errno. */
int routes_open(struct routes *routes);
void routes_close(struct routes *routes);

/* Reads what there is. 0 or -errno: nothing more is to be expected. */
int routes_read(struct routes *routes, nanos boottime);

/* Whether there is news at this time; once for each. */
bool routes_take_news(struct routes *routes, nanos boottime);

#endif
