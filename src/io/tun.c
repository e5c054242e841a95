#include "io/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool tun_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("/:%", *p))
			return false;
	return true;
}

static int set_queue_len(const char *name)
{
	struct ifreq request = {.ifr_qlen = TUN_QUEUE_LEN};
	memcpy(request.ifr_name, name, strlen(name) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* a socket of any family will do */
	if (fd < 0)
		return -errno;
	int error = ioctl(fd, SIOCSIFTXQLEN, &request) ? -errno : 0;
	close(fd);
	return error;
}

int tun_create(const char *name)
{
	if (!tun_name_is_valid(name))
		return -EINVAL;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	struct ifreq request = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL)};
	memcpy(request.ifr_name, name, strlen(name) + 1);
	int error = ioctl(fd, TUNSETIFF, &request) ? -errno : set_queue_len(name);
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

int tun_adopt(int fd, char name[static IFNAMSIZ])
{
	const short shape = IFF_TUN | IFF_TAP | IFF_VNET_HDR; /* IFF_NO_PI is not told */
	struct ifreq request = {0};
	if (ioctl(fd, TUNGETIFF, &request))
		return errno == ENOTTY ? -EINVAL : -errno;
	if ((request.ifr_flags & shape) != IFF_TUN)
		return -EPROTOTYPE;
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
		return -errno;
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return 0;
}

const char *tun_explain(int error)
{
	switch (-error) {
	case ENOENT:
		return "/dev/net/tun is not there; load the module (modprobe tun), or give the "
		       "container the device";
	case ENODEV: return "the kernel has no TUN driver; load the module (modprobe tun)";
	case EPERM:
	case EACCES: return "creating an interface needs root, or CAP_NET_ADMIN in this namespace";
	case EBUSY: return "an interface of this name exists; remove it or choose another name";
	case EINVAL:
		return "not a usable interface name; it has 1 to 15 characters without blank, '/', "
		       "':' and '%'";
	default: return strerror(-error);
	}
}

int tun_name(int fd, char name[static IFNAMSIZ])
{
	struct ifreq request;
	if (ioctl(fd, TUNGETIFF, &request))
		return -errno;
	memcpy(name, request.ifr_name, IFNAMSIZ);
	return 0;
}

int tun_read_burst(int fd, struct burst *burst)
{
	size_t room = burst->capacity - BURST_HEADROOM - BURST_TAILROOM;
	burst->stride = burst->capacity;
	burst->count = 0;
	ssize_t got;
	do /* one byte more than the room: the kernel cuts a packet without a word */
		got = read(fd, burst_inner(burst, 0), room + 1);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return got < 0 ? -errno : -EIO;
	if ((size_t)got > room)
		return -EMSGSIZE;
	burst->len[0] = (uint32_t)got;
	burst->count = 1;
	return 1;
}

uint32_t tun_write_burst(int fd, const struct burst *burst)
{
	uint32_t refused = 0;
	for (uint32_t i = 0; i < burst->count; i++) {
		if (burst->len[i] == 0)
			continue;
		ssize_t written;
		do
			written = write(fd, burst_inner(burst, i), burst->len[i]);
		while (written < 0 && errno == EINTR);
		refused += written < 0;
	}
	return refused;
}
