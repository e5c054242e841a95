/*
 * What a supervisor is told by the command line.
 */
#ifndef ADIT_MAIN_OPTIONS_H
#define ADIT_MAIN_OPTIONS_H

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>

struct supervisor_options {
	char name[IFNAMSIZ];
	char path[PATH_MAX]; /* of the configuration; empty: none, wg(8) will bring one */
	bool is_background;  /* return to the caller when all is ready */
	bool allow_hooks;    /* whoever may write the file */
	int tun, listener;   /* handed over by the caller, ours to close; -1: to be created */
};

#endif
