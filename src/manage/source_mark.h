/*
 * net.ipv4.conf.all.src_valid_mark of our network namespace: whether the reverse
 * path filter looks a packet's source up with the packet's mark. Without it a
 * strict filter drops what peers send us while the default route is a tunnel.
 */
#ifndef ADIT_MANAGE_SOURCE_MARK_H
#define ADIT_MANAGE_SOURCE_MARK_H

#include <stdbool.h>

/* 0 or -errno. */
int source_mark_get(bool *is_on);
int source_mark_set(bool on);

#endif
