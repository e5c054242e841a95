/*
 * The commands of one phase, one after another, in the hook runner's process.
 * What they print comes back through a pipe and goes where our own messages go,
 * so a hook that outlives the start-up holds no terminal.
 */
#ifndef ADIT_MAIN_HOOK_QUEUE_H
#define ADIT_MAIN_HOOK_QUEUE_H

#include <stddef.h>

#include "io/log.h"
#include "io/loop.h"
#include "io/process.h"
#include "manage/hooks.h"

struct hook_queue {
	struct process process;
	struct hooks hooks;
	struct loop *loop;
	struct watch answers, output;
	char line[LOG_LINE_MAX];
	size_t line_len;
	enum hook_phase phase;
	const char *interface;
	char *const *commands; /* of the phase under way; NULL: none is */
	size_t count, next;
	/* Called once a phase: 0, or the status of the command that failed. */
	void (*on_done)(void *context, int status);
	void *context;
};

/*
 * Forks the runner; to be called before there is anything a hook should not
 * inherit. Must stay at its address until hook_queue_stop. 0 or -errno.
 */
int hook_queue_start(struct hook_queue *queue);

/* A command that still runs is not waited for. */
void hook_queue_stop(struct hook_queue *queue);

/* Calls on_done from the loop; `queue->on_done` and `context` are set before. 0 or -errno. */
int hook_queue_attach(struct hook_queue *queue, struct loop *loop);

/*
 * Runs the commands, the caller's, in order; the first that fails ends the phase.
 * 1: on_done will be called; 0: there are none; -errno: the first cannot be started.
 */
int hook_queue_run(struct hook_queue *queue, enum hook_phase phase, const char *interface,
	char *const *commands, size_t count);

const char *hook_phase_name(enum hook_phase phase);

#endif
