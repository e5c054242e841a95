/*
 * The local addresses by which peers reached us, and the interfaces they came in
 * by, told to the supervisor a few at a time: it can ask the kernel for routes,
 * and names those that do not lead to their peer that way any more.
 */
#ifndef ADIT_IO_SOURCES_H
#define ADIT_IO_SOURCES_H

#include "device/device.h"
#include "io/messages.h"

#define SOURCES_STEPS_MAX 4096 /* peers looked at for one message */

struct sources_walk {		/* over all peers; all zero: from the first */
	struct public_key last; /* looked at */
	bool has_begun;
};

/* The next ones. A peer that is removed under it lets the walk begin anew. */
void sources_collect(
	struct sources_walk *walk, const struct device *device, struct message_sources *out);

/* Forgets those of them that are still in use. */
void sources_forget(struct device *device, const struct message_sources *wrong);

#endif
