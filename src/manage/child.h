/*
 * A program as a child of a process that may wait for it: no
 * descriptor of ours but the three that it gets, no signal blocked or ignored.
 */
#ifndef ADIT_MANAGE_CHILD_H
#define ADIT_MANAGE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child_setup {
	const char *path;
	const char *const *argv;  /* ended by NULL */
	char *const *environment; /* ended by NULL */
	int in;			  /* its stdin; -1: /dev/null */
	int out;		  /* its stdout and stderr; -1: ours */
	bool has_session;	  /* of its own: what it starts can be ended with it */
};

/* 0 or -errno. The descriptors stay the caller's. */
int child_start(const struct child_setup *setup, pid_t *pid);

/* Waits for its end: its exit status, 128 + the signal that ended it, or -errno. */
int child_wait(pid_t pid);

#endif
