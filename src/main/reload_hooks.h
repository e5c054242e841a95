/*
 * The hook runner in a reload: an interface that had no commands to run has no
 * runner, and the new file may need one. It is forked before that file is read, so
 * that it has none of the keys, and goes again when it is of no use.
 */
#ifndef ADIT_MAIN_RELOAD_HOOKS_H
#define ADIT_MAIN_RELOAD_HOOKS_H

#include "main/hook_queue.h"

struct reload_hooks {
	struct hook_queue *queue; /* the supervisor's, as all here */
	bool *has_hooks;	  /* whether it runs, for good */
	struct loop *loop;
	bool is_new; /* it runs, and it is not decided yet */
};

/* 0, also where there is one already, or -errno. */
int reload_hooks_start(struct reload_hooks *hooks);

/* The new one stays, or it goes; nothing where there is no new one. */
void reload_hooks_keep(struct reload_hooks *hooks);
void reload_hooks_stop(struct reload_hooks *hooks);

#endif
