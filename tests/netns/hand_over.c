/*
 * A caller that hands over descriptors, as container runtimes do: opens a TUN and a
 * listening socket, and becomes the command, which finds their numbers in the
 * environment.
 */
#include "netns/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

_Noreturn static void give_up(const char *what)
{
	fprintf(stderr, "pipe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		give_up(name);
	return fd;
}

static int open_listener(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 8))
		give_up(path);
	return fd;
}

static void announce(const char *variable, int fd)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", fd);
	if (setenv(variable, number, 1))
		give_up(variable);
}

void hand_over(const char *tun, const char *path, char **command)
{
	if (strcmp(tun, "-"))
		announce("WG_TUN_FD", open_tun(tun));
	if (strcmp(path, "-"))
		announce("WG_UAPI_FD", open_listener(path));
	execvp(command[0], command);
	give_up(command[0]);
}
