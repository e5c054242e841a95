/*
 * PreUp, PostUp, PreDown and PostDown: a process, forked while everything is
 * still allowed, that runs one shell command at a time [wg-quick(8)]. A command
 * may talk to the control socket, so nobody waits for it but the loop.
 */
#ifndef ADIT_MANAGE_HOOKS_H
#define ADIT_MANAGE_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/messages.h"

#define HOOKS_WHY_MAX 1024 /* bytes of an explanation, its end included */

/* The parent's end; zero but for the channel at the beginning. */
struct hooks {
	int channel; /* of the child's struct process; for the loop */
	uint32_t asked, answered;
};

/*
 * Whether root alone decides what is in the open file: it and every folder above
 * it are root's and nobody else may write there (a sticky folder above is good
 * enough, its own is not). If not, `why` says what would make it so. Takes the
 * descriptor that the config was read from, not a name that may since mean
 * something else.
 */
bool hooks_file_is_trusted(int fd, char why[static HOOKS_WHY_MAX]);

/*
 * The child, for process_start; context is not used. Each command runs under
 * `/bin/bash -c`, or `/bin/sh -c` where there is no bash, with /dev/null as stdin, our
 * stdout and stderr, no other descriptor and no signal blocked or ignored. Ends, with
 * 0, when the channel does.
 */
int hooks_run(int channel, void *context);

/*
 * Starts a command, each %i in it replaced by the interface's name. One at a
 * time: -EBUSY before the answer of the last. -E2BIG: longer than
 * MESSAGES_COMMAND_MAX; -EPIPE: the child has ended. 0 or -errno.
 */
int hooks_start(struct hooks *h, enum hook_phase phase, const char *interface, const char *command);

/*
 * 1: the command has ended, *status is its exit status, 128 + the signal that
 * ended it, or -errno when it could not be started; 0: the child has ended;
 * -EAGAIN: not yet; -EPROTO: an answer to nothing.
 */
int hooks_answer(struct hooks *h, int *status);

#endif
