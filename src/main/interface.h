/*
 * What a supervisor opens at the start: the TUN, the control socket, and what it
 * hears of both by. Created here or handed over by the caller (options.h). All of it
 * stays in struct supervisor, and is closed by lifetime_tear_down and by the
 * supervisor's own end.
 */
#ifndef ADIT_MAIN_INTERFACE_H
#define ADIT_MAIN_INTERFACE_H

#include "main/lifetime.h"

/* Opens, in the order in which one keeps two starters of one name apart. 0 or -errno: said why. */
int interface_open(struct supervisor *s);

/* The door for reloads, of an interface with a configuration. Without it there is still SIGHUP. */
void interface_open_door(struct supervisor *s);

#endif
