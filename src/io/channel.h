/*
 * Messages between the processes: SOCK_SEQPACKET pairs, fixed structs, file
 * descriptors beside them. Whoever sits at the other end is not trusted: a
 * message of another length, cut short or with too many descriptors is refused
 * and its descriptors are closed. Nothing here blocks but channel_wait.
 */
#ifndef ADIT_IO_CHANNEL_H
#define ADIT_IO_CHANNEL_H

#include <stddef.h>

#define CHANNEL_MESSAGE_MAX 8192 /* bytes */
#define CHANNEL_FDS_MAX	    16

/* Two connected ends, close-on-exec, owned by the caller. 0 or -errno. */
int channel_pair(int ends[static 2]);

/*
 * Sends one message, 1..CHANNEL_MESSAGE_MAX bytes, whole or not at all; the
 * descriptors stay the caller's. 0 or -errno: -EAGAIN the queue is full, -EPIPE
 * the other end is closed.
 */
int channel_send(int fd, const void *message, size_t len, const int *fds, size_t fd_count);

/*
 * Receives one message of exactly `len` bytes. *fd_count descriptors come with
 * it, owned by the caller, the rest of `fds` is -1. Returns 1: a message; 0: the
 * other end is closed (or sent an empty message, which looks the same); -EAGAIN: nothing there;
 * -EPROTO: a message that breaks these rules was thrown away; other -errno.
 */
int channel_receive(
	int fd, void *message, size_t len, int fds[static CHANNEL_FDS_MAX], size_t *fd_count);

/* Closes what channel_receive gave and sets -1; entries that are -1 already are skipped. */
void channel_close_fds(int *fds, size_t fd_count);

/* Waits until the channel has `events` (POLLIN, POLLOUT) or is closed. 0 or -errno. */
int channel_wait(int fd, short events);

#endif
