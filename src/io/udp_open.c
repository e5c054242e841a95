#include "io/udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"
#include "noise/wire.h"

/* ---- one socket */

struct option {
	int level, name, value;
};

/*
 * PMTUDISC_DONT: an outer packet over the path's MTU is cut into fragments, as
 * the kernel's WireGuard does, and not refused.
 */
static const struct option options_v4[] = {
	{IPPROTO_IP, IP_PKTINFO, 1},
	{IPPROTO_IP, IP_RECVTOS, 1},
	{IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
};
static const struct option options_v6[] = {
	{IPPROTO_IPV6, IPV6_V6ONLY, 1},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
};

static int set_options(int fd, const struct option *options, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			    sizeof options[i].value))
			return -errno;
	return 0;
}

/* Past the system's limit where we may, else up to it; a small queue is no reason to fail. */
static void set_buffers(int fd)
{
	const int size = UDP_BUFFER_SIZE;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* Before it is bound: so programs on other devices may have the same port. */
static int bind_to_device(int fd, uint32_t ifindex)
{
	const int index = (int)ifindex;
	if (index && setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index))
		return -errno;
	return 0;
}

/*
 * A socket bound to *port at the place; *port becomes the one bound. A second one
 * shares the port with one that is bound already. fd or -errno.
 */
static int open_one(const struct udp_place *place, uint16_t *port, bool is_second)
{
	const int yes = 1;
	enum ip_family family = place->address.family;
	struct endpoint local = {.address = place->address, .port = *port};
	union address address;
	socklen_t len = address_from_endpoint(&address, &local);
	int fd = socket(
		address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	if (fd < 0)
		return -errno;
	int error =
		family == IP_V4 ? set_options(fd, options_v4, 3) : set_options(fd, options_v6, 4);
	set_buffers(fd);
	if (!error)
		error = bind_to_device(fd, place->ifindex);
	if (!error && is_second && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes))
		error = -errno;
	if (!error && (bind(fd, &address.any, len) || getsockname(fd, &address.any, &len)))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	address_to_endpoint(&local, &address.any);
	*port = local.port;
	return fd;
}

/* ---- a pair */

/*
 * Which of the sockets on one port a datagram goes to, in the order in which they
 * were bound: a program that reads from the UDP payload on.
 */
static int steer(int fd)
{
	enum { DATA, HANDSHAKES };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0), /* empty: there is no first byte */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MESSAGE_DATA, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, HANDSHAKES),
		BPF_STMT(BPF_RET | BPF_K, DATA),
	};
	struct sock_fprog program = {sizeof code / sizeof *code, code};
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program)
		       ? -errno
		       : 0;
}

/*
 * A socket for the handshakes at the port of `data`. That one was bound alone, so
 * that a port in use is still found; it shares the port from here on and as long
 * as it lives, for that is what the steering hangs on. fd or -errno.
 */
static int open_handshakes(int data, const struct udp_place *place, uint16_t port)
{
	const int yes = 1, no = 0;
	if (setsockopt(data, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes))
		return -errno;
	int fd = open_one(place, &port, true);
	int error = fd < 0 ? fd : steer(fd);
	if (!error)
		return fd;
	if (fd >= 0)
		close(fd);
	setsockopt(data, SOL_SOCKET, SO_REUSEPORT, &no, sizeof no);
	return error;
}

/*
 * Both sockets of a place, at s->port, which becomes the one bound; where it is shared
 * somebody may have that already. 0 or -errno.
 */
static int open_pair(
	struct udp_sockets *s, const struct udp_place *place, struct udp_pair *pair, bool is_shared)
{
	int data = open_one(place, &s->port, is_shared);
	if (data < 0)
		return data;
	int handshakes = open_handshakes(data, place, s->port);
	if (handshakes < 0)
		s->steer_error = handshakes;
	*pair = (struct udp_pair){data, handshakes < 0 ? -1 : handshakes};
	return 0;
}

static void close_pair(const struct udp_pair *pair)
{
	close(pair->data);
	if (pair->handshakes >= 0)
		close(pair->handshakes);
}

static bool is_same(const struct udp_place *a, const struct udp_place *b)
{
	return a->ifindex == b->ifindex && ip_address_is_equal(&a->address, &b->address);
}

/* Whether the port is taken at this place because we have it, there or around it. */
static bool is_ours(const struct udp_sockets *old, const struct udp_place *place)
{
	const struct ip_address any = {.family = place->address.family};
	for (uint32_t i = 0; i < old->count; i++) {
		const struct ip_address *address = &old->places[i].address;
		if (ip_address_is_equal(address, &place->address) ||
			ip_address_is_equal(address, &any) ||
			(address->family == any.family &&
				ip_address_is_equal(&place->address, &any)))
			return true;
	}
	return false;
}

/* Takes the pair over where there is one in `old`, else opens it. */
static int add_pair(
	struct udp_sockets *s, const struct udp_place *place, const struct udp_sockets *old)
{
	struct udp_pair *pair = &s->pairs[s->count];
	int error = 0;
	uint32_t i = 0;
	while (i < old->count && !is_same(&old->places[i], place))
		i++;
	if (i < old->count)
		*pair = old->pairs[i];
	else
		error = open_pair(s, place, pair, is_ours(old, place));
	if (!error)
		s->places[s->count++] = *place;
	return error;
}

/* Closes those that `others` have not got. */
static void close_without(const struct udp_sockets *s, const struct udp_sockets *others)
{
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t k = 0;
		while (k < others->count && others->pairs[k].data != s->pairs[i].data)
			k++;
		if (k == others->count)
			close_pair(&s->pairs[i]);
	}
}

/* ---- all of them */

static bool is_family_absent(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

static int open_any(struct udp_sockets *s, enum udp_families families, uint32_t ifindex,
	const struct udp_sockets *old)
{
	static const enum ip_family all[] = {IP_V4, IP_V6};
	int error = -EAFNOSUPPORT;
	for (int i = 0; i < 2; i++) {
		struct udp_place place = {.address.family = all[i], .ifindex = ifindex};
		if (!(families & (all[i] == IP_V4 ? UDP_V4 : UDP_V6)))
			continue;
		error = add_pair(s, &place, old);
		if (error && !is_family_absent(error))
			return error;
	}
	return s->count ? 0 : error;
}

/* The device that the sockets of a place are bound to; "": none. */
static const char *device_of(const struct udp_wishes *wishes, uint32_t i)
{
	bool has_zone = i < wishes->count && wishes->places[i].zone[0];
	return has_zone ? wishes->places[i].zone : wishes->device;
}

/* 0: no device. -ENODEV: it is not there. */
static int find_device(const char *name, uint32_t *ifindex)
{
	*ifindex = *name ? if_nametoindex(name) : 0;
	return *name && !*ifindex ? -ENODEV : 0;
}

static int open_places(struct udp_sockets *s, const struct udp_wishes *wishes, uint32_t *failed,
	const struct udp_sockets *old)
{
	int error = 0;
	for (uint32_t i = 0; i < wishes->count && !error; i++) {
		struct udp_place place = {.address = wishes->places[i].address};
		*failed = i;
		error = find_device(device_of(wishes, i), &place.ifindex);
		if (!error)
			error = add_pair(s, &place, old);
	}
	return error;
}

/* All that is wanted, with what can be taken from `old`; or none, and nothing of that closed. */
static int open_all(struct udp_sockets *s, enum udp_families families,
	const struct udp_wishes *wishes, uint32_t *failed, const struct udp_sockets *old)
{
	uint32_t ifindex;
	int error;
	*failed = 0;
	if (wishes->count) {
		error = open_places(s, wishes, failed, old);
	} else {
		error = find_device(wishes->device, &ifindex);
		if (!error)
			error = open_any(s, families, ifindex, old);
	}
	if (error)
		close_without(s, old);
	return error;
}

/* A random port that is free at the first place may be taken at another: then another one. */
static int open_at_port(struct udp_sockets *sockets, uint16_t port, enum udp_families families,
	const struct udp_wishes *wishes, uint32_t *failed)
{
	const struct udp_sockets none = UDP_NO_SOCKETS;
	int tries = port ? 1 : UDP_PORT_TRIES;
	int error;
	do {
		struct udp_sockets opened = {.port = port};
		error = open_all(&opened, families, wishes, failed, &none);
		if (!error)
			*sockets = opened;
	} while (error == -EADDRINUSE && --tries > 0);
	return error;
}

int udp_open(struct udp_sockets *sockets, uint16_t port, enum udp_families families)
{
	static const struct udp_wishes any;
	uint32_t failed;
	return open_at_port(sockets, port, families, &any, &failed);
}

int udp_open_at(struct udp_sockets *sockets, uint16_t port, const struct udp_wishes *wishes,
	uint32_t *failed)
{
	return open_at_port(sockets, port, UDP_DUAL, wishes, failed);
}

int udp_move(struct udp_sockets *sockets, const struct udp_wishes *wishes, uint32_t mark,
	uint32_t *failed)
{
	struct udp_sockets fresh = {.port = sockets->port};
	int error = open_all(&fresh, UDP_DUAL, wishes, failed, sockets);
	if (error)
		return error;
	error = udp_set_mark(&fresh, mark);
	if (error) {
		*failed = wishes->count;
		close_without(&fresh, sockets);
		return error;
	}
	close_without(sockets, &fresh);
	*sockets = fresh;
	return 0;
}

void udp_close(struct udp_sockets *sockets)
{
	for (uint32_t i = 0; i < sockets->count; i++)
		close_pair(&sockets->pairs[i]);
	sockets->count = 0;
}

int udp_renew(struct udp_sockets *sockets, const struct udp_wishes *wishes, uint32_t mark)
{
	struct udp_sockets fresh = *sockets;
	int error = 0;
	for (uint32_t i = 0; i < fresh.count && !error; i++) {
		struct udp_place *place = &fresh.places[i];
		uint32_t ifindex;
		if (find_device(device_of(wishes, i), &ifindex) || ifindex == place->ifindex)
			continue; /* one that is gone may come again */
		place->ifindex = ifindex;
		error = open_pair(&fresh, place, &fresh.pairs[i], false);
	}
	bool is_new = memcmp(fresh.pairs, sockets->pairs, sizeof fresh.pairs);
	if (!error)
		error = udp_set_mark(&fresh, mark);
	if (error) {
		close_without(&fresh, sockets);
		return error;
	}
	close_without(sockets, &fresh);
	*sockets = fresh;
	return is_new;
}

/* ---- the mark */

static int set_mark(int fd, uint32_t mark)
{
	uint32_t current;
	socklen_t len = sizeof current;
	if (getsockopt(fd, SOL_SOCKET, SO_MARK, &current, &len))
		return -errno;
	if (current == mark)
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) ? -errno : 0;
}

int udp_set_mark(const struct udp_sockets *sockets, uint32_t mark)
{
	int error = 0;
	for (uint32_t i = 0; i < 2 * sockets->count && !error; i++)
		if (sockets->all[i] >= 0)
			error = set_mark(sockets->all[i], mark);
	return error;
}
