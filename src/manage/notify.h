/*
 * Telling the service manager how we are: the sd_notify(3) protocol, without
 * its library. Only the first process of the tree speaks.
 */
#ifndef ADIT_MANAGE_NOTIFY_H
#define ADIT_MANAGE_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/nanos.h"

#define NOTIFY_READY	"READY=1"
#define NOTIFY_STOPPING "STOPPING=1"
#define NOTIFY_WATCHDOG "WATCHDOG=1"

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un address;
	socklen_t address_len;
	nanos watchdog_ns; /* the longest silence allowed; NANOS_NEVER: no watchdog */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the
 * environment, so that no hook speaks in our name. Without the first, 0 and every
 * later call does nothing. -EINVAL: not a path or an abstract name.
 */
int notify_open(struct notify *n);
void notify_close(struct notify *n);

/* One or more assignments, a line each: NOTIFY_READY "\nSTATUS=up". 0 or -errno. */
int notify_send(const struct notify *n, const char *assignments);

#endif
