/* Places to listen at, in a namespace of the test's own. test_udp*.c have the rest. */
#include "unit/test.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "io/udp.h"
#include "noise/wire.h"
#include "text/addrtext.h"
#include "unit/sandbox.h"

static uint8_t bytes[BURST_LARGE];
static struct burst burst = {.bytes = bytes, .capacity = BURST_LARGE};
static struct udp_sockets a, b;
static struct udp_wishes wishes;
static uint32_t failed;

static struct ip_address ip(const char *text)
{
	struct ip_address address = {IP_NONE, {0}};
	addrtext_read_address(&address, text, strlen(text));
	return address;
}

static void wish(const char *address, const char *zone)
{
	wishes.places[wishes.count].address = ip(address);
	strcpy(wishes.places[wishes.count++].zone, zone);
}

static bool sh(const char *command)
{
	return system(command) == 0; /* NOLINT: a test, and its own words */
}

/* A pair of devices, up, with addresses: what goes out of one comes in at the other. */
static bool add_devices(void)
{
	return sh("ip link add d0 type veth peer name d1 && "
		  "ip addr add 192.0.2.1/24 dev d0 && ip addr add 192.0.2.2/24 dev d0 && "
		  "ip addr add 2001:db8::1/64 dev d0 nodad && "
		  "ip link set d0 addrgenmode none && ip link set d1 addrgenmode none && "
		  "ip addr add fe80::1/64 dev d0 nodad && ip addr add fe80::1/64 dev d1 nodad && "
		  "ip link set d0 up && ip link set d1 up");
}

/* Sends one datagram from `from`; where it came from and to, as the other end sees it. */
static bool send_one(const struct udp_sockets *from, const struct endpoint *to, bool is_handshake)
{
	struct udp_progress progress = {0};
	burst.count = 1;
	burst.stride = BURST_LARGE;
	burst.len[0] = 148;
	bytes[0] = is_handshake ? MESSAGE_INITIATION : MESSAGE_DATA;
	return udp_send_burst(from, &burst, to, is_handshake, &progress) == 0 &&
	       progress.refused == 0;
}

static int arrived_at(const struct udp_sockets *at, struct endpoint *from)
{
	struct pollfd fds[UDP_SOCKETS_MAX];
	const int count = (int)(2 * at->count);
	for (int i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = at->all[i], .events = POLLIN};
	poll(fds, 2 * at->count, 2000);
	for (int i = 0; i < count; i++)
		if (fds[i].revents && udp_receive_burst(at->all[i], &burst, from) == 1)
			return i;
	return -1;
}

static bool same(const struct ip_address *address, const char *text)
{
	struct ip_address other = ip(text);
	return ip_address_is_equal(address, &other);
}

/* Several places, one port; each datagram comes to its own pair and is answered from there. */
static bool several_places(void)
{
	static const char *const hit[] = {"127.0.0.2", "127.0.0.3", "::1"};
	wish(hit[0], "");
	wish(hit[1], "");
	wish(hit[2], "");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0);
	REQUIRE(a.count == 3 && a.port && a.steer_error == 0);
	REQUIRE(udp_open(&b, 0, UDP_DUAL) == 0);
	for (int i = 0; i < 6; i++) {
		struct endpoint to = {.address = ip(hit[i / 2]), .port = a.port}, from, back;
		REQUIRE(send_one(&b, &to, i % 2));
		REQUIRE(arrived_at(&a, &from) == i); /* data, handshakes, data, ... */
		REQUIRE(same(&from.source, hit[i / 2]));
		REQUIRE(udp_socket_to(&a, &from, i % 2) == a.all[i]);
		REQUIRE(send_one(&a, &from, i % 2));
		REQUIRE(arrived_at(&b, &back) >= 0);
		REQUIRE(same(&back.address, hit[i / 2]) && back.port == a.port);
	}
	/* nobody listens anywhere else */
	struct udp_sockets other;
	REQUIRE(udp_open(&other, a.port, UDP_V4) == -EADDRINUSE);
	memset(&wishes, 0, sizeof wishes);
	wish("127.0.0.4", "");
	REQUIRE(udp_open_at(&other, a.port, &wishes, &failed) == 0);
	udp_close(&other);
	wish(hit[1], "");
	unsigned before = open_fd_count();
	REQUIRE(udp_open_at(&other, a.port, &wishes, &failed) == -EADDRINUSE && failed == 1);
	REQUIRE(open_fd_count() == before);
	return true;
}

TEST(udp_open_at_several_places)
{
	sandbox_run(several_places);
}

static bool not_there(void)
{
	wish("127.0.0.1", "");
	wish("192.0.2.1", "");
	unsigned before = open_fd_count();
	a.port = 7;
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == -EADDRNOTAVAIL && failed == 1);
	wish("fe80::1", "d0");
	wishes.places[1].address = ip("::1");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == -ENODEV && failed == 2);
	strcpy(wishes.device, "d0");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == -ENODEV && failed == 0);
	wishes.count = 0;
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == -ENODEV && failed == 0);
	REQUIRE(open_fd_count() == before && a.port == 7 && a.count == 0);
	return true;
}

TEST(udp_open_at_places_that_are_not_there)
{
	sandbox_run(not_there);
}

/* No wish at all is any address of both families; wildcards of one family are that. */
static bool any_place(void)
{
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0 && a.count == 2);
	udp_close(&a);
	wish("::", "");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0 && a.count == 1);
	struct endpoint v4 = {.address = ip("127.0.0.1"), .port = 9},
			v6 = {.address = ip("::1"), .port = 9};
	REQUIRE(udp_socket_to(&a, &v4, false) == -1 && udp_socket_to(&a, &v6, false) >= 0);
	return true;
}

TEST(udp_open_at_any_place)
{
	sandbox_run(any_place);
}

/* The first in the order of the file, but nothing that leads nowhere. */
static bool first_in_reach(void)
{
	if (!add_devices())
		return sandbox_skip("no veth devices here");
	wish("fe80::1", "d1");
	wish("fe80::1", "d0");
	wish("127.0.0.1", "");
	wish("192.0.2.2", "");
	wish("192.0.2.1", "");
	wish("::1", "");
	wish("2001:db8::1", "");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0);
	struct endpoint to = {.address = ip("192.0.2.1"), .port = 9};
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[2].data);
	to.source = ip("192.0.2.1");
	REQUIRE(udp_socket_to(&a, &to, true) == a.pairs[4].handshakes);
	to.source = ip("192.0.2.9"); /* not one of ours */
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[2].data);
	to = (struct endpoint){.address = ip("::1"), .port = 9};
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[5].data);
	to.address = ip("2001:db8::2");
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[6].data);
	to.source = ip("::1"); /* a neighbour in this machine */
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[5].data);
	to = (struct endpoint){.address = ip("fe80::7"), .port = 9};
	to.scope_id = if_nametoindex("d0");
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[1].data);
	to.source = ip("fe80::1");
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[1].data);
	to.scope_id = if_nametoindex("d1");
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[0].data);
	to.scope_id = if_nametoindex("lo"); /* none of the link-local ones */
	REQUIRE(udp_socket_to(&a, &to, false) == a.pairs[6].data);

	/* the kernel knows better than the order: what cannot leave goes another way */
	struct udp_progress progress = {0};
	to = (struct endpoint){.address = ip("192.0.2.77"), .port = 9};
	burst.count = 2;
	burst.stride = 0;
	burst.len[0] = burst.len[1] = 50;
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.refused == 0 && progress.way == 1 && !progress.source_failed);
	/* its address goes: told, and sent from what is left */
	REQUIRE(sh("ip addr add 192.0.2.3/24 dev d0"));
	to.source = ip("192.0.2.2");
	progress = (struct udp_progress){0};
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.way == 0 && !progress.source_failed);
	REQUIRE(sh(
		"ip addr del 192.0.2.2/24 dev d0; ip addr add 192.0.2.1/24 dev d0 2>/dev/null; :"));
	progress = (struct udp_progress){0};
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.refused == 0 && progress.way == 2 && progress.source_failed);
	return true;
}

TEST(udp_begins_from_the_first_place_in_reach)
{
	sandbox_run(first_in_reach);
}

static bool removed_v6_source(void)
{
	if (!add_devices())
		return sandbox_skip("no veth devices here");
	REQUIRE(sh("ip addr add 2001:db8::2/64 dev d0 nodad"));
	wish("2001:db8::1", "");
	wish("2001:db8::2", "");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0);
	REQUIRE(sh("ip addr del 2001:db8::1/64 dev d0"));
	struct endpoint to = {.address = ip("2001:db8::77"), .port = 9};
	struct udp_progress progress = {0};
	burst.count = 1;
	burst.len[0] = 50;
	REQUIRE(udp_send_burst(&a, &burst, &to, false, &progress) == 0);
	REQUIRE(progress.refused == 0 && progress.way == 1);
	return true;
}

TEST(udp_leaves_from_no_address_that_is_gone)
{
	sandbox_run(removed_v6_source);
}

static uint32_t device_of(int fd)
{
	int index = -1;
	socklen_t len = sizeof index;
	getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &len);
	return (uint32_t)index;
}

/* The same port, for each device. */
static bool one_device(void)
{
	if (!add_devices())
		return sandbox_skip("no veth devices here");
	strcpy(wishes.device, "d0");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0 && a.count == 2);
	for (int i = 0; i < 4; i++)
		REQUIRE(device_of(a.all[i]) == if_nametoindex("d0"));
	REQUIRE(udp_open(&b, a.port, UDP_V4) == -EADDRINUSE);
	strcpy(wishes.device, "d1");
	REQUIRE(udp_open_at(&b, a.port, &wishes, &failed) == 0);
	udp_close(&b);
	/* the zone of an address is the narrower of the two */
	wish("fe80::1", "d0");
	REQUIRE(udp_open_at(&b, 0, &wishes, &failed) == 0);
	REQUIRE(device_of(b.pairs[0].data) == if_nametoindex("d0"));
	return true;
}

TEST(udp_open_at_one_device)
{
	sandbox_run(one_device);
}

/* Of two places only the one whose device comes anew is bound anew. */
static bool renews(void)
{
	if (!add_devices())
		return sandbox_skip("no veth devices here");
	wish("127.0.0.1", "");
	wish("fe80::1", "d0");
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0);
	struct udp_sockets before = a;
	unsigned fd_count = open_fd_count();
	REQUIRE(udp_renew(&a, &wishes, 0) == 0 && !memcmp(&before, &a, sizeof a));
	REQUIRE(sh("ip link del d0"));
	REQUIRE(udp_renew(&a, &wishes, 0) == 0 && !memcmp(&before, &a, sizeof a));
	REQUIRE(sh("ip link add d0 type veth peer name d1"));
	REQUIRE(udp_renew(&a, &wishes, 0) == -EADDRNOTAVAIL); /* it has no address yet */
	REQUIRE(open_fd_count() == fd_count && !memcmp(&before, &a, sizeof a));
	REQUIRE(sh("ip addr add fe80::1/64 dev d0 nodad; ip link set d0 up; ip link set d1 up"));
	REQUIRE(udp_renew(&a, &wishes, 0) == 1 && open_fd_count() == fd_count);
	REQUIRE(a.pairs[0].data == before.pairs[0].data && a.port == before.port);
	REQUIRE(a.places[1].ifindex == if_nametoindex("d0"));
	REQUIRE(device_of(a.pairs[1].data) == if_nametoindex("d0"));
	REQUIRE(device_of(a.pairs[1].handshakes) == if_nametoindex("d0"));
	REQUIRE(udp_renew(&a, &wishes, 0) == 0);
	/* all that is bound to the device, where any address is wanted */
	udp_close(&a);
	wishes = (struct udp_wishes){.device = "d0"};
	REQUIRE(udp_open_at(&a, 0, &wishes, &failed) == 0 && a.count == 2);
	REQUIRE(sh("ip link del d0 && ip link add d0 type veth"));
	REQUIRE(udp_renew(&a, &wishes, 0) == 1);
	for (int i = 0; i < 4; i++)
		REQUIRE(device_of(a.all[i]) == if_nametoindex("d0"));
	/* no sockets, nothing to renew */
	udp_close(&a);
	REQUIRE(udp_renew(&a, &wishes, 0) == 0);
	return true;
}

TEST(udp_renews_what_was_bound_to_a_device_of_before)
{
	sandbox_run(renews);
}

/* Data and handshakes reach the right sockets of a place. */
static bool listens_at(const char *address, uint32_t place)
{
	struct endpoint to = {.address = ip(address), .port = a.port}, from;
	for (int is_handshake = 0; is_handshake < 2; is_handshake++) {
		REQUIRE(send_one(&b, &to, is_handshake));
		REQUIRE(arrived_at(&a, &from) == (int)(2 * place) + is_handshake);
	}
	return true;
}

/* From any address to some, to others, and back, without a moment of nobody there. */
static bool moves(void)
{
	REQUIRE(udp_open(&b, 0, UDP_DUAL) == 0);
	unsigned before = open_fd_count();
	REQUIRE(udp_open(&a, 0, UDP_DUAL) == 0);
	uint16_t port = a.port;
	wish("127.0.0.2", "");
	wish("::", "");
	int v6 = a.pairs[1].data;
	REQUIRE(udp_move(&a, &wishes, 0, &failed) == 0 && a.count == 2 && a.port == port);
	REQUIRE(a.pairs[1].data == v6 && open_fd_count() == before + 4);
	REQUIRE(listens_at("127.0.0.2", 0) && listens_at("::1", 1));
	wish("127.0.0.3", "");
	int v4 = a.pairs[0].data;
	REQUIRE(udp_move(&a, &wishes, 0, &failed) == 0 && a.pairs[0].data == v4);
	REQUIRE(listens_at("127.0.0.2", 0) && listens_at("127.0.0.3", 2));

	/* one of them cannot be had: nothing has changed */
	struct udp_sockets same = a, other;
	struct udp_wishes bad = wishes;
	bad.places[0].address = ip("127.0.0.9");
	bad.places[2].address = ip("192.0.2.9");
	REQUIRE(udp_move(&a, &bad, 0, &failed) == -EADDRNOTAVAIL && failed == 2);
	bad.places[2].address = ip("127.0.0.8");
	strcpy(bad.device, "eth7");
	REQUIRE(udp_move(&a, &bad, 0, &failed) == -ENODEV && failed == 0);
	bad.device[0] = 0;
	struct udp_wishes foreign = {.count = 1, .places[0].address = ip("127.0.0.8")};
	REQUIRE(udp_open_at(&other, port, &foreign, &failed) == 0);
	REQUIRE(udp_move(&a, &bad, 0, &failed) == -EADDRINUSE && failed == 2);
	udp_close(&other);
	REQUIRE(!memcmp(&same, &a, sizeof a) && open_fd_count() == before + 6);

	/* to a device, where the address stays, and back to any address */
	wishes.count = 1;
	strcpy(wishes.device, "lo");
	REQUIRE(udp_move(&a, &wishes, 0, &failed) == 0 && a.count == 1);
	REQUIRE(device_of(a.pairs[0].data) == if_nametoindex("lo") && listens_at("127.0.0.2", 0));
	wishes = (struct udp_wishes){0};
	REQUIRE(udp_move(&a, &wishes, 0, &failed) == 0 && a.count == 2 && a.port == port);
	REQUIRE(listens_at("127.0.0.9", 0) && listens_at("::1", 1));
	REQUIRE(open_fd_count() == before + 4);
	REQUIRE(udp_open(&other, port, UDP_V4) == -EADDRINUSE);
	return true;
}

TEST(udp_moves_to_other_places)
{
	sandbox_run(moves);
}
