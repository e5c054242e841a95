/*
 * The system's log daemon, as syslog(3) reaches it: datagrams of one line each to
 * the socket at a path. Unlike there nothing ever waits: what a daemon that sleeps
 * does not take is lost, for packets must not wait for it. One that was started
 * anew is found again. One thread; the caller owns the struct.
 */
#ifndef ADIT_IO_LOG_DAEMON_H
#define ADIT_IO_LOG_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LOG_DAEMON_PATH	    "/dev/log"
#define LOG_DAEMON_TEXT_MAX 1024 /* bytes; what is longer is cut */

struct log_daemon {
	const char *path;
	int fd;	     /* -1: not connected */
	pid_t owner; /* a child forked since has lost the descriptor */
};

/* `path` stays the caller's. Nobody there yet is no failure. */
void log_daemon_open(struct log_daemon *daemon, const char *path);
void log_daemon_close(struct log_daemon *daemon);

/*
 * Sends a line without its newline, at a priority of syslog(3) (LOG_ERR...), from
 * "adit" as a daemon, with the local time [RFC 3164 4.1]. false: it is lost.
 */
bool log_daemon_send(struct log_daemon *daemon, int priority, const char *text, size_t len);

#endif
