#include "main/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/tun.h"
#include "text/addrtext.h"

/* -1: not set. false: said why. */
static bool read_descriptor(const char *variable, int *fd)
{
	const char *text = getenv(variable);
	uint64_t number;
	*fd = -1;
	if (!text)
		return true;
	bool is_number = addrtext_read_decimal(&number, text, strlen(text), INT_MAX);
	if (!is_number || number <= STDERR_FILENO) {
		fprintf(stderr,
			"adit: %s is \"%.32s\"; it must be the number of an open descriptor, 3 or "
			"more\n",
			variable, text);
		return false;
	}
	if (fcntl((int)number, F_SETFD, FD_CLOEXEC)) {
		fprintf(stderr,
			"adit: %s is %s, but there is no such open descriptor; does the caller "
			"close it on exec?\n",
			variable, text);
		return false;
	}
	*fd = (int)number;
	return true;
}

static const char *explain_tun(int error)
{
	switch (-error) {
	case EINVAL:
		return "it is not a TUN; open /dev/net/tun and set an interface with TUNSETIFF";
	case EBADFD: return "it has no interface; set one with TUNSETIFF before";
	case EPROTOTYPE:
		return "its interface is a TAP; set it up with IFF_TUN | IFF_NO_PI, and with "
		       "IFF_VNET_HDR or not";
	default: return strerror(-error);
	}
}

static bool tun_is_usable(struct inherited *inherited)
{
	int error = inherited->tun < 0 ? 0 : tun_adopt(inherited->tun, inherited->tun_name);
	if (error)
		fprintf(stderr, "adit: " INHERITED_TUN " is %d, but %s\n", inherited->tun,
			explain_tun(error));
	return !error;
}

static int option_of(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof value;
	return getsockopt(fd, SOL_SOCKET, option, &value, &len) ? -1 : value;
}

static bool listener_is_usable(int fd)
{
	if (fd < 0 ||
		(option_of(fd, SO_DOMAIN) == AF_UNIX && option_of(fd, SO_TYPE) == SOCK_STREAM &&
			option_of(fd, SO_ACCEPTCONN) == 1))
		return true;
	fprintf(stderr,
		"adit: " INHERITED_LISTENER " is %d, but that is not a stream socket of AF_UNIX "
		"that listens\n",
		fd);
	return false;
}

bool inherited_take(struct inherited *out)
{
	*out = (struct inherited){.tun = -1, .listener = -1};
	bool ok = read_descriptor(INHERITED_TUN, &out->tun) &&
		  read_descriptor(INHERITED_LISTENER, &out->listener) && tun_is_usable(out) &&
		  listener_is_usable(out->listener);
	unsetenv(INHERITED_TUN);
	unsetenv(INHERITED_LISTENER);
	return ok;
}
