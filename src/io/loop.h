/*
 * The event loop: descriptors, one deadline, signals. Callbacks run one after
 * another on the thread of loop_run and may add, change and remove any watch,
 * their own included, and free its memory once it is removed. Level-triggered.
 */
#ifndef ADIT_IO_LOOP_H
#define ADIT_IO_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/nanos.h"

#define LOOP_BATCH 64 /* events taken from the kernel at once */

struct watch {	/* the caller's memory; stays put while it is added */
	int fd; /* the loop never closes it; remove the watch first */
	void (*callback)(void *context, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP... */
	void *context;
};

struct loop {	       /* all but `turn` is private */
	uint64_t turn; /* in each, whoever is ready is called once */
	int epoll_fd;
	bool is_stopped;
	struct epoll_event batch[LOOP_BATCH];
	int batch_count, batch_next;
	struct watch timer;
	nanos armed, deadline; /* what the timerfd has; what was asked for */
	void (*on_deadline)(void *context);
	void *deadline_context;
	void (*on_wait)(void *context, bool is_over);
	void *wait_context;
	bool is_waiting;
	struct watch signals;
	void (*on_signal)(void *context, int signal);
	void *signal_context;
};

/* Must stay at its address until loop_wipe. 0 or -errno. */
int loop_init(struct loop *loop);

/* Closes the loop's own descriptors; watches are the caller's. */
void loop_wipe(struct loop *loop);

/* `events` is a mask of EPOLLIN, EPOLLOUT, ...; errors and hang-ups come always. 0 or -errno. */
int loop_add(struct loop *loop, struct watch *watch, uint32_t events);
int loop_modify(struct loop *loop, struct watch *watch, uint32_t events);

/* From here on its callback is not called, not even for what happened already. */
void loop_remove(struct loop *loop, struct watch *watch);

/* Who is called, once, when the deadline has come. Before the first loop_set_deadline. */
void loop_on_deadline(struct loop *loop, void (*callback)(void *context), void *context);

/*
 * The one deadline (boottime, absolute; NANOS_NEVER: none) replaces the last. 0:
 * in the next turn, without waiting. Cheap where it moves later: no system call.
 * 0 or -errno.
 */
int loop_set_deadline(struct loop *loop, nanos deadline);

/*
 * Called before each wait for events, and after it (is_over): to let go of a lock that
 * the callbacks have, so that other threads may have their turn. Under it these may
 * call loop_modify and loop_set_deadline.
 */
void loop_on_wait(struct loop *loop, void (*callback)(void *context, bool is_over), void *context);

/* Blocks `set` for the process and calls back for each that arrives; at most once. 0 or -errno. */
int loop_on_signals(struct loop *loop, const sigset_t *set,
	void (*callback)(void *context, int signal), void *context);

/* Dispatches until loop_stop is called from a callback. 0 or -errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
