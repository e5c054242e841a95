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
	struct ifreq request = {
		.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | IFF_VNET_HDR)};
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
	const short shape = IFF_TUN | IFF_TAP; /* IFF_NO_PI is not told */
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

unsigned tun_use_offloads(struct tun *tun, unsigned wanted)
{
	const unsigned steps[] = {TUN_OFFLOADS, TUN_OFFLOADS & ~TUN_OFFLOADS_USO,
		TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6, TUN_F_CSUM, 0};
	tun->offloads = 0;
	for (size_t i = 0; tun->has_headers && i < sizeof steps / sizeof *steps; i++) {
		if (steps[i] & ~wanted || ioctl(tun->fd, TUNSETOFFLOAD, (unsigned long)steps[i]))
			continue;
		tun->offloads = steps[i];
		break;
	}
	return tun->offloads;
}

void tun_open(struct tun *tun, int fd)
{
	struct ifreq request = {0};
	int header_len = VIRTIO_HEADER_LEN;
	bool is_tun = ioctl(fd, TUNGETIFF, &request) == 0;
	tun->fd = fd;
	tun->has_headers = is_tun && request.ifr_flags & IFF_VNET_HDR &&
			   !ioctl(fd, TUNSETVNETHDRSZ, &header_len);
	tun->rest = (struct segment){0};
	tun->error = 0;
	tun->single_until = 0;
	tun_use_offloads(tun, TUN_OFFLOADS);
}
