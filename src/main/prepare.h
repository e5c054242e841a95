/*
 * What a supervisor does with a configuration before the first stage: whether it can
 * be done here, and what the engine needs before it can begin.
 */
#ifndef ADIT_MAIN_PREPARE_H
#define ADIT_MAIN_PREPARE_H

#include "main/lifetime.h"

/* Whether the configuration can be done here; touches nothing. An enum verb_exit. */
int prepare_check_config(struct supervisor *s);

/* Gives the engine the TUN, the port and our own connection. 0 or -errno, after a message. */
int prepare_engine(struct supervisor *s);

#endif
