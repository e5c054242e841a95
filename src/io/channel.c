#include "io/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fds_control { /* room for the descriptors, aligned as cmsg(3) demands */
	struct cmsghdr header;
	char bytes[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
};

int channel_pair(int ends[static 2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return -errno;
	return 0;
}

int channel_send(int fd, const void *message, size_t len, const int *fds, size_t fd_count)
{
	if (len == 0 || len > CHANNEL_MESSAGE_MAX || fd_count > CHANNEL_FDS_MAX)
		return -EINVAL;
	struct iovec iov = {.iov_base = (void *)message, .iov_len = len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	union fds_control control = {0};
	if (fd_count) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == ECONNRESET ? -EPIPE : -errno; /* closed with unread messages */
	return 0;
}

/* All descriptors that came; the control buffer has no room for more than CHANNEL_FDS_MAX. */
static size_t take_fds(struct msghdr *header, int fds[static CHANNEL_FDS_MAX])
{
	size_t count = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && count < CHANNEL_FDS_MAX; i++)
			memcpy(&fds[count++], CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
	}
	return count;
}

int channel_receive(
	int fd, void *message, size_t len, int fds[static CHANNEL_FDS_MAX], size_t *fd_count)
{
	struct iovec iov = {.iov_base = message, .iov_len = len};
	union fds_control control;
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes};
	for (size_t i = 0; i < CHANNEL_FDS_MAX; i++)
		fds[i] = -1;
	*fd_count = 0;

	ssize_t got;
	do
		got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	/* a reset is told once, before the messages that had come earlier */
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0)
		return -errno;
	*fd_count = take_fds(&header, fds);
	if ((size_t)got == len && !(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 1;
	int result = got == 0 && *fd_count == 0 ? 0 : -EPROTO;
	channel_close_fds(fds, *fd_count);
	*fd_count = 0;
	return result;
}

void channel_close_fds(int *fds, size_t fd_count)
{
	for (size_t i = 0; i < fd_count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int channel_wait(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;
	do
		n = poll(&p, 1, -1);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}
