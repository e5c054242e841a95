/*
 * The control socket's file: listening at DIRECTORY/IFNAME.sock, noticing that
 * somebody deletes it, and removing only one's own; and the client's side. What
 * is spoken on a connection is the engine's and text/uapi.h's business.
 */
#ifndef ADIT_MANAGE_CONTROL_H
#define ADIT_MANAGE_CONTROL_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#define CONTROL_DIRECTORY "/var/run/wireguard"

struct control {
	int listen_fd; /* for the loop: readable means control_accept */
	int watch_fd;  /* for the loop: readable means control_is_removed; -1: it has no path */
	bool is_adopted;
	dev_t device;
	ino_t inode;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/*
 * Creates the directory (0755) and the socket (only its owner may connect), and
 * listens. A socket that nobody answers at is replaced; one that somebody answers at
 * is given two seconds, for its owner may be on the way out. -EADDRINUSE: somebody
 * still answers. -ENOTSOCK: something else has that name. -ENAMETOOLONG, or any error of
 * the file system. Create the device first: that keeps two starters of the same
 * interface apart.
 *
 * Clients see the process that called this (or control_claim) as the listener.
 */
int control_open(struct control *c, const char *directory, const char *interface);

/*
 * The same with a listening stream socket of AF_UNIX that somebody else made. Its
 * file, if it has one, is watched, but never removed: it is theirs. Takes the
 * descriptor where it succeeds.
 */
int control_adopt(struct control *c, int fd);

/* After a fork: this process is now the one that clients see as the listener. */
int control_claim(const struct control *c);

/* A connection (not blocking, closed on exec), owned by the caller, or -errno; -EAGAIN: none. */
int control_accept(const struct control *c);

/* Empties the watch; true when our socket is no longer at its path. */
bool control_is_removed(const struct control *c);

/* Stops listening; unlinks the socket if the path still is our own, and it was not adopted. */
void control_close(struct control *c);

/*
 * A blocking connection to an interface's socket, or -errno: -ENOENT or
 * -ECONNREFUSED mean that it is not running.
 */
int control_connect(const char *directory, const char *interface);

/*
 * The process that listens for the interface, as a pidfd (and its pid, for
 * messages), such that a signal through it cannot hit another. -errno as
 * control_connect.
 */
int control_open_listener(const char *directory, const char *interface, pid_t *pid);

#endif
