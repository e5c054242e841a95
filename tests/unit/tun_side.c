#include "unit/tun_side.h"

#include <arpa/inet.h>
#include <linux/ipv6.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/sandbox.h"

static bool configure(unsigned long op, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(request->ifr_name, sizeof request->ifr_name, "wg0");
	bool ok = !ioctl(fd, op, request);
	close(fd);
	return ok;
}

static bool set_v4(unsigned long op, uint32_t number)
{
	struct ifreq request = {0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(number)};
	memcpy(&request.ifr_addr, &address, sizeof address);
	return configure(op, &request);
}

bool tun_side_set_v4(uint8_t last)
{
	return set_v4(SIOCSIFADDR, 0x0a090000 + last) && set_v4(SIOCSIFNETMASK, 0xffffff00);
}

static bool set_v6(uint8_t last)
{
	struct in6_ifreq request = {
		.ifr6_prefixlen = 64, .ifr6_ifindex = (int)if_nametoindex("wg0")};
	uint8_t address[16] = {0xfd, 7, [15] = last};
	memcpy(&request.ifr6_addr, address, sizeof address);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && !ioctl(fd, SIOCSIFADDR, &request);
	close(fd);
	return ok;
}

bool tun_side_open(struct tun_side *side, uint8_t last, unsigned offloads)
{
	sandbox_write_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	sandbox_write_file("/proc/sys/net/ipv6/conf/default/router_solicitations", "0");
	int fd = tun_create("wg0");
	struct ifreq mtu = {.ifr_mtu = SIDE_MTU}, queue = {.ifr_qlen = 5000};
	if (fd == -ENOENT || fd == -ENODEV || fd == -EPERM || fd == -EACCES)
		return sandbox_skip(NO_TUN);
	REQUIRE(fd >= 0 && configure(SIOCSIFMTU, &mtu) && configure(SIOCSIFTXQLEN, &queue));
	REQUIRE(tun_side_set_v4(last) && sandbox_set_up("wg0") && set_v6(last));
	tun_open(&side->tun, fd);
	REQUIRE(tun_use_offloads(&side->tun, offloads) == side->tun.offloads);
	REQUIRE(!(side->tun.offloads & ~offloads));
	return true;
}

socklen_t tun_side_address(union tun_side_address *out, int version, uint8_t last)
{
	const uint8_t v6[16] = {0xfd, 7, [15] = last};
	memset(out, 0, sizeof *out);
	out->any.sa_family = version == 4 ? AF_INET : AF_INET6;
	out->v4.sin_port = htons(SIDE_PORT); /* in the same place */
	if (version == 4)
		out->v4.sin_addr.s_addr = htonl(0x0a090000u | last);
	else
		memcpy(&out->v6.sin6_addr, v6, sizeof v6);
	return version == 4 ? sizeof out->v4 : sizeof out->v6;
}

int tun_side_socket(int version, int type, uint8_t last)
{
	union tun_side_address address;
	socklen_t len = tun_side_address(&address, version, last);
	int size = 16 << 20;
	int fd = socket(address.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	for (int tries = 0; bind(fd, &address.any, len); tries++) {
		if (tries == 5000 || errno != EADDRNOTAVAIL)
			return -1;
		poll(NULL, 0, 1);
	}
	return fd;
}
