/*
 * Name servers are set by a process of its own, forked without keys: it may wait
 * for programs, and it undoes what it set when its channel closes, so also where
 * its parent was killed.
 */
#ifndef ADIT_MANAGE_DNS_PROCESS_H
#define ADIT_MANAGE_DNS_PROCESS_H

#include <stdint.h>

#include "io/messages.h"

/*
 * The child, for process_start; context is a struct dns_system. It knows what it
 * set, and undoes that at its end, if that was not the last thing asked for: what
 * another process noted is left alone.
 */
int dns_process_run(int channel, void *system);

/* The parent's end; zero but for the channel at the beginning. */
struct dns_process {
	int channel; /* of the child's struct process; for the loop */
	uint32_t asked, answered;
};

/*
 * Asks for dns_set, also while an earlier question is being seen to; fills in
 * wanted->kind and id. 0 or -errno.
 */
int dns_process_ask(struct dns_process *p, struct to_dns *wanted);

/*
 * 1: the answer to the latest question (those to earlier ones are passed over);
 * 0: the child has ended; -EAGAIN: not yet; -EPROTO: an answer to nothing.
 */
int dns_process_answer(struct dns_process *p, struct from_dns *answer);

#endif
