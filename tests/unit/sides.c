#include "unit/sides.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/clock.h"
#include "unit/capture.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

struct side a, b;
static uint8_t packet[2048];

static bool side_begin(struct side *side, uint64_t seed, const char *inner)
{
	int ends[2];
	struct udp_sockets udp;
	struct now now = clock_read();
	REQUIRE(end_init(&side->end, seed, TUNNEL_ARENA, TUNNEL_POOL_MAX));
	side->end.inner4 = ip(inner);
	REQUIRE(loop_init(&side->loop) == 0);
	pump_init(&side->pump, &side->loop, &side->end.pool, side->end.device);
	REQUIRE(!pump_has_sockets(&side->pump));
	REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	side->wire = ends[0];
	REQUIRE(pump_use_tun(&side->pump, ends[1]) == 0);
	REQUIRE(udp_open(&udp, 0, UDP_DUAL) == 0);
	side->port = udp.port;
	REQUIRE(pump_use_sockets(&side->pump, &udp) == 0 && pump_has_sockets(&side->pump));
	device_set_mtu(side->end.device, TUNNEL_MTU);
	device_set_link(side->end.device, true, &now);
	return end_change_key(&side->end, &side->end.private_key, &now);
}

bool side_set_endpoint(struct side *side, const struct side *other, const char *address)
{
	struct now now = clock_read();
	struct change_allowed_ip allowed = {.prefix = {other->end.inner4, 32}};
	struct change_peer entry = entry_of(&other->end);
	entry.has_endpoint = true;
	entry.endpoint = (struct endpoint){.address = ip(address), .port = other->port};
	entry.allowed_ips = &allowed;
	entry.allowed_ip_count = 1;
	bool ok = end_change_peer(&side->end, &entry, &now);
	pump_run(&side->pump, &now);
	return ok;
}

bool sides_begin(const char *outer)
{
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(side_begin(&a, 1, "10.0.0.1") && side_begin(&b, 2, "10.0.0.2"));
	return side_set_endpoint(&a, &b, outer) && side_set_endpoint(&b, &a, outer);
}

static void side_end(struct side *side)
{
	pump_wipe(&side->pump);
	end_wipe(&side->end); /* fails the test when a burst is missing */
	loop_wipe(&side->loop);
	close(side->wire);
}

bool sides_end(void)
{
	side_end(&a);
	side_end(&b);
	return true;
}

bool side_put(struct side *from, const struct side *to, uint32_t len, uint32_t tag)
{
	inner_build(packet, len, &from->end.inner4, &to->end.inner4, tag);
	return send(from->wire, packet, len, MSG_NOSIGNAL) == (ssize_t)len;
}

uint32_t side_take(struct side *side)
{
	uint8_t got[2048];
	for (;;) {
		struct pollfd fds[] = {{.fd = a.loop.epoll_fd, .events = POLLIN},
			{.fd = b.loop.epoll_fd, .events = POLLIN},
			{.fd = side->wire, .events = POLLIN}};
		if (poll(fds, 3, TURN_TIMEOUT_MS) <= 0)
			return UINT32_MAX;
		if (fds[2].revents && recv(side->wire, got, sizeof got, 0) == INNER_LEN)
			return load_be32(got + 48);
		loop_settle(&a.loop);
		loop_settle(&b.loop);
	}
}
