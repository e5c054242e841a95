/*
 * The link after somebody else has changed its device: what went with "down" comes
 * back with "up", as people know it of an interface with a configuration.
 */
#ifndef ADIT_MAIN_LINK_FOLLOW_H
#define ADIT_MAIN_LINK_FOLLOW_H

#include "main/lifetime.h"

/*
 * `changes` as from monitor_read; s->monitor.link is the new state. While a reload
 * changes the link nothing is put back; the next one does.
 */
void link_follow(struct supervisor *s, uint32_t changes);

#endif
