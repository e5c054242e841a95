/*
 * The supervisor: the process that sees to one interface from its start to its
 * end. It reads the configuration, opens what needs privilege, starts the engine,
 * the resolver and the hook runner, sets up the link, and undoes it all.
 */
#ifndef ADIT_MAIN_SUPERVISOR_H
#define ADIT_MAIN_SUPERVISOR_H

#include "main/options.h"

/* Runs until the interface's end (in the background: until it is ready). An enum verb_exit. */
int supervisor_run(const struct supervisor_options *options);

#endif
