#include "unit/segments.h"

#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

static int failure;

ssize_t __real_sendmsg(int fd, const struct msghdr *header, int flags);
int __real_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *header, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

void segments_fail(int error)
{
	failure = error;
}

static bool fails(const struct msghdr *header)
{
	struct msghdr copy = *header;
	if (!failure)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
			return true;
	return false;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *header, int flags)
{
	if (!fails(header))
		return __real_sendmsg(fd, header, flags);
	errno = failure;
	return -1;
}

int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	unsigned good = 0;
	while (good < count && !fails(&messages[good].msg_hdr))
		good++;
	if (good)
		return __real_sendmmsg(fd, messages, good, flags);
	errno = failure;
	return -1;
}
