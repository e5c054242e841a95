/*
 * Names to addresses, in a process of its own: getaddrinfo(3) blocks, loads
 * code that nobody chose and parses what strangers send. It answers in the
 * order of the questions, one at a time.
 */
#ifndef ADIT_MANAGE_RESOLVER_H
#define ADIT_MANAGE_RESOLVER_H

#include <stdint.h>

#include "io/messages.h"

/* The parent's end; zero but for the channel at the beginning. */
struct resolver {
	int channel; /* of the child's struct process; for the loop */
	uint32_t asked, answered;
};

/* The child, for process_start; context is not used. Ends, with 0, when the channel does. */
int resolver_run(int channel, void *context);

/*
 * Asks for the UDP endpoints of host and port (decimal or a service name). *id
 * comes back with the answer. 0 or -errno: -ENAMETOOLONG; -EAGAIN: too many
 * questions under way, ask again after an answer; -EPIPE: the child has ended.
 */
int resolver_ask(struct resolver *r, const char *host, const char *port, uint32_t *id);

/*
 * The next answer: 1; 0: the child has ended; -EAGAIN: none yet; -EPROTO: not an
 * answer to what was asked, the child is not to be trusted any more. Addresses
 * and ports are not checked for sense.
 */
int resolver_answer(struct resolver *r, struct from_resolver *answer);

#endif
