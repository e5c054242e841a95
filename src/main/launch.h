/*
 * From the command line and the environment to a supervisor: `adit up`, `adit run`,
 * and `adit [-f] IFNAME`, with what a caller hands over in WG_TUN_FD, WG_UAPI_FD and
 * WG_PROCESS_FOREGROUND. Says what is wrong with any of it.
 */
#ifndef ADIT_MAIN_LAUNCH_H
#define ADIT_MAIN_LAUNCH_H

#include <stdbool.h>

/* `[--allow-hooks] NAME|FILE`. An enum verb_exit. */
int launch_config(int argc, char **argv, bool is_background);

/* An interface without a configuration, to be filled over its control socket. */
int launch_bare(const char *name, bool is_foreground);

#endif
