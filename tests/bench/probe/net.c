#include "bench/probe/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_BUFFER (8 << 20) /* what is lost should be lost on the way, not here */

void probe_give_up(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t probe_number(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);
	if (!*end && end != text)
		return number;
	fprintf(stderr, "probe: %s is no number\n", text);
	exit(2);
}

nanos probe_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (nanos)t.tv_sec * NANOS_PER_SECOND + (nanos)t.tv_nsec;
}

void probe_sleep_until(nanos then)
{
	struct timespec t = {.tv_sec = (time_t)(then / NANOS_PER_SECOND),
		.tv_nsec = (long)(then % NANOS_PER_SECOND)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void enter_namespace(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		probe_give_up(path);
	close(fd);
}

int probe_open(const char *ns, const char *address, struct sockaddr_in *own)
{
	struct timeval patience = {.tv_usec = 100000}; /* so that a thread sees that it is over */
	socklen_t len = sizeof *own;
	int buffer = SOCKET_BUFFER;
	*own = (struct sockaddr_in){.sin_family = AF_INET};
	if (inet_pton(AF_INET, address, &own->sin_addr) != 1) {
		fprintf(stderr, "probe: %s is no IPv4 address\n", address);
		exit(2);
	}
	enter_namespace(ns);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
		bind(fd, (struct sockaddr *)own, sizeof *own) ||
		getsockname(fd, (struct sockaddr *)own, &len))
		probe_give_up(address);
	return fd;
}

struct probe_ends probe_open_ends(char **words)
{
	struct sockaddr_in address_a, address_b;
	struct probe_ends ends;
	ends.a = probe_open(words[0], words[2], &address_a);
	ends.b = probe_open(words[1], words[3], &address_b);
	if (connect(ends.a, (struct sockaddr *)&address_b, sizeof address_b) ||
		connect(ends.b, (struct sockaddr *)&address_a, sizeof address_a))
		probe_give_up("connect");
	return ends;
}

/* splitmix64 */
static void fill_from_seed(void *context, void *out, size_t len)
{
	uint64_t *state = context, z;
	for (uint8_t *at = out; len > 0;) {
		size_t n = len < sizeof z ? len : sizeof z;
		z = *state += UINT64_C(0x9e3779b97f4a7c15);
		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		z ^= z >> 31;
		memcpy(at, &z, n);
		at += n;
		len -= n;
	}
}

struct rng probe_rng(uint64_t *state)
{
	return (struct rng){fill_from_seed, state};
}
