/*
 * The sockets in a message, as it goes from the supervisor to the engine, both
 * ways: so that the two agree on which descriptor is which. What the sockets are
 * for is in udp.h, sending and checking is not done here.
 */
#ifndef ADIT_IO_HANDOVER_H
#define ADIT_IO_HANDOVER_H

#include "io/messages.h"
#include "io/udp.h"

/*
 * Puts the sockets into a TO_ENGINE_SOCKETS, and their descriptors, which stay the
 * caller's, into `fds`; returns how many these are.
 */
size_t handover_put(struct to_engine *message, const struct udp_sockets *sockets,
	int fds[static UDP_SOCKETS_MAX]);

/* The sockets of a valid TO_ENGINE_SOCKETS; with its error they are none. */
void handover_take(struct udp_sockets *sockets, const struct to_engine *message, const int *fds);

#endif
