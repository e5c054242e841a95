/*
 * Children that share one channel with us and nothing else. A child ends when
 * its channel is closed: nobody needs to signal anybody. So the signals by which
 * a terminal or systemd ends a group are ignored in children, and the parent
 * alone decides the order of the end.
 */
#ifndef ADIT_IO_PROCESS_H
#define ADIT_IO_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#define PROCESS_KEEP_MAX 8

struct process {
	pid_t pid;
	int pidfd;   /* readable when it has ended */
	int channel; /* our end */
};

/*
 * Forks a child that runs run(its end of the channel, context) and exits with the
 * result. In the child every descriptor but 0-2, its channel and the `keep` ones
 * is closed, no signal is blocked, SIGINT, SIGTERM and SIGHUP are ignored (a child
 * that starts programs gives them back), and its name is `name` (15 bytes). The
 * caller owns *out. 0 or -errno.
 */
int process_start(struct process *out, const char *name, int (*run)(int channel, void *context),
	void *context, const int *keep, size_t keep_count);

/*
 * Closes our end of the channel, waits for the child and closes the pidfd. Returns
 * the exit status, 128 + the signal that ended it, or -errno.
 */
int process_finish(struct process *process);

/* The child ends at once, whatever it is doing; process_finish then tells that. */
void process_kill(const struct process *process);

/* Closes every descriptor from 3 on that is not in `keep` (-1: none); sorts it. 0 or -errno. */
int process_close_all_but(int *keep, size_t count);

/* Closes our end and the pidfd without waiting: a child that is busy ends when it is done. */
void process_abandon(struct process *process);

#endif
