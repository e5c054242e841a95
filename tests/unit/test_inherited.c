#include "unit/test.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "main/inherited.h"
#include "unit/capture.h"
#include "unit/netbox.h"
#include "unit/sandbox.h"

/* An interface of that shape; with none: no interface yet. */
static int open_tun(short flags)
{
	struct ifreq request = {.ifr_name = "t9", .ifr_flags = flags};
	int fd = open("/dev/net/tun", O_RDWR);
	return flags && ioctl(fd, TUNSETIFF, &request) ? -1 : fd;
}

static int open_socket(int type, bool is_listening)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}; /* autobind */
	int fd = socket(AF_UNIX, type, 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) ||
		(is_listening && listen(fd, 1)))
		return -1;
	return fd;
}

/* Whether the variable with this value is refused with these words. */
static bool is_refused(const char *variable, const char *value, const char *words)
{
	struct inherited inherited;
	setenv(variable, value, 1);
	bool ok = inherited_take(&inherited);
	const char *said = captured();
	if (!ok && strstr(said, variable) && strstr(said, words) && !getenv(variable))
		return true;
	test_fail(__FILE__, __LINE__, "%s=%s: %d, \"%s\"", variable, value, ok, said);
	return false;
}

static bool is_refused_fd(const char *variable, int fd, const char *words)
{
	char value[16];
	REQUIRE(fd >= 0);
	snprintf(value, sizeof value, "%d", fd);
	bool ok = is_refused(variable, value, words);
	close(fd);
	return ok;
}

static bool refusals(void)
{
	static const char *const numbers[] = {
		"", "x", "-1", "0", "1", "2", "3x", " 3", "2147483648"};
	static const char *const both[] = {"WG_TUN_FD", "WG_UAPI_FD"};
	REQUIRE(capture_begin(NULL, ""));
	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
			REQUIRE(is_refused(both[v], numbers[i],
				"it must be the number of an open descriptor, 3 or more"));
		REQUIRE(is_refused(both[v], "1000000", "there is no such open descriptor"));
	}
	REQUIRE(is_refused_fd("WG_TUN_FD", open("/dev/null", O_RDWR), "it is not a TUN"));
	REQUIRE(is_refused_fd("WG_TUN_FD", open_socket(SOCK_STREAM, true), "it is not a TUN"));
	REQUIRE(is_refused_fd("WG_TUN_FD", open_tun(0), "it has no interface"));
	REQUIRE(is_refused_fd(
		"WG_TUN_FD", open_tun(IFF_TAP | IFF_NO_PI), "its interface is a TAP"));
	REQUIRE(is_refused_fd("WG_TUN_FD", open_tun(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR),
		"its interface is a TAP"));
	const char *words = "not a stream socket of AF_UNIX that listens";
	REQUIRE(is_refused_fd("WG_UAPI_FD", open("/dev/null", O_RDWR), words));
	REQUIRE(is_refused_fd("WG_UAPI_FD", open_socket(SOCK_STREAM, false), words));
	REQUIRE(is_refused_fd("WG_UAPI_FD", open_socket(SOCK_SEQPACKET, true), words));
	REQUIRE(is_refused_fd("WG_UAPI_FD", open_socket(SOCK_DGRAM, false), words));
	REQUIRE(is_refused_fd("WG_UAPI_FD", socket(AF_INET, SOCK_STREAM, 0), words));
	return true;
}

TEST(inherited_refuses_what_is_no_such_descriptor)
{
	netbox_run(refusals);
}

static bool taking(void)
{
	struct inherited inherited;
	char value[16];
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(inherited_take(&inherited) && inherited.tun == -1 && inherited.listener == -1);
	int tun = open_tun(IFF_TUN | IFF_NO_PI), listener = open_socket(SOCK_STREAM, true);
	snprintf(value, sizeof value, "%d", tun);
	setenv("WG_TUN_FD", value, 1);
	snprintf(value, sizeof value, "%d", listener);
	setenv("WG_UAPI_FD", value, 1);
	REQUIRE(inherited_take(&inherited));
	REQUIRE(inherited.tun == tun && inherited.listener == listener);
	REQUIRE(!strcmp("t9", inherited.tun_name) && !strcmp("", captured()));
	/* what we start gets neither */
	REQUIRE(!getenv("WG_TUN_FD") && !getenv("WG_UAPI_FD"));
	REQUIRE(fd_is_cloexec(tun) && fd_is_cloexec(listener));
	REQUIRE(fcntl(tun, F_GETFL) & O_NONBLOCK);
	return true;
}

TEST(inherited_takes_both)
{
	netbox_run(taking);
}
