/*
 * Load for the tests in namespaces: a flood of handshakes that lead nowhere, and
 * transfers at a rate.
 *
 *   load flood ADDRESS PORT KEY RATE SECONDS   initiations with a valid mac1 for the
 *       public key KEY and nothing valid behind it, RATE a second, from 16 ports
 *   load send ADDRESS PORT RATE SECONDS        bytes over TCP, RATE a second (0: as
 *       many as go); ends when the other side has read them all
 *   load keys COUNT, load greet ADDRESS PORT KEY COUNT KEY-EXCHANGE   see greet.h
 *   load count ADDRESS PORT                    accepts one connection, reads it to its
 *       end, and prints how many bytes a second came
 *   load stream ADDRESS PORT SECONDS           as send, to count; prints what of it was
 *       sent twice, and whether any overtook
 *   load number ADDRESS PORT LEN SECONDS       datagrams with a number each, as many as go
 *   load order ADDRESS PORT                    prints how many of them came, and how many
 *       of those after a later one; ends with the last of them
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/nanos.h"
#include "load/greet.h"
#include "load/order.h"
#include "noise/macs.h"
#include "text/keytext.h"

#define STEP_NS	 NANOS_PER_MS
#define CHUNK	 65536
#define PORTS	 16
#define MESSAGES 256 /* different ones */

static uint8_t chunk[CHUNK];

static void give_up(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct addrinfo *read_address(const char *address, const char *port, int type)
{
	struct addrinfo *found,
		hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = type};
	if (!getaddrinfo(address, port, &hints, &found))
		return found;
	fprintf(stderr, "load: %s port %s is no address\n", address, port);
	exit(2);
}

static uint64_t read_number(const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);
	if (!*end && end != text && number <= UINT64_C(10000000000))
		return number;
	fprintf(stderr, "load: %s is no number\n", text);
	exit(2);
}

static nanos clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (nanos)t.tv_sec * NANOS_PER_SECOND + (nanos)t.tv_nsec;
}

static void sleep_until(nanos then)
{
	struct timespec t = {.tv_sec = (time_t)(then / NANOS_PER_SECOND),
		.tv_nsec = (long)(then % NANOS_PER_SECOND)};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* How many of `rate` a second are due after this time. */
static uint64_t due(uint64_t rate, nanos elapsed)
{
	return (uint64_t)((double)rate * (double)elapsed / (double)NANOS_PER_SECOND);
}

/* ---- the flood */

static struct message_initiation messages[MESSAGES];

static struct public_key read_key(const char *text)
{
	struct public_key key;
	if (keytext_read_base64(key.bytes, text, strlen(text)))
		return key;
	fprintf(stderr, "load: %s is no public key\n", text);
	exit(2);
}

static void make_messages(const char *key)
{
	struct public_key pub = read_key(key);
	struct macs_keys keys;
	macs_keys_derive(&keys, &pub);
	for (size_t i = 0; i < MESSAGES; i++) {
		struct message_initiation *m = &messages[i];
		if (getrandom(m, sizeof *m, 0) != sizeof *m)
			give_up("getrandom");
		store_le32((uint8_t *)m, MESSAGE_INITIATION);
		macs_set_mac1(m, sizeof *m, &keys);
	}
}

static void flood(const struct addrinfo *to, uint64_t rate, nanos duration)
{
	int fds[PORTS];
	nanos begin = clock_ns();
	uint64_t sent = 0, refused = 0;
	for (size_t i = 0; i < PORTS; i++)
		if ((fds[i] = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
			give_up("socket");
	for (nanos elapsed = 0; elapsed < duration; elapsed += STEP_NS) {
		uint64_t wanted = due(rate, elapsed);
		for (; sent < wanted; sent++)
			refused += sendto(fds[sent % PORTS], &messages[sent % MESSAGES],
					   sizeof *messages, MSG_DONTWAIT, to->ai_addr,
					   to->ai_addrlen) < 0;
		sleep_until(begin + elapsed + STEP_NS);
	}
	printf("%llu sent, %llu refused, in %llu ms\n", (unsigned long long)(sent - refused),
		(unsigned long long)refused,
		(unsigned long long)((clock_ns() - begin) / NANOS_PER_MS));
}

/* ---- transfers */

static int open_stream(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		give_up("socket");
	return fd;
}

static void send_stream(const struct addrinfo *to, uint64_t rate, nanos duration)
{
	int fd = open_stream(to);
	if (connect(fd, to->ai_addr, to->ai_addrlen))
		give_up("connect");
	nanos begin = clock_ns(), elapsed;
	uint64_t sent = 0;
	while ((elapsed = clock_ns() - begin) < duration) {
		uint64_t wanted = rate ? due(rate, elapsed) - sent : CHUNK;
		ssize_t n =
			wanted ? send(fd, chunk, wanted < CHUNK ? wanted : CHUNK, MSG_NOSIGNAL) : 0;
		if (n < 0)
			give_up("send");
		sent += (uint64_t)n;
		if (wanted <= CHUNK && rate)
			sleep_until(begin + elapsed + STEP_NS);
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, chunk, sizeof chunk, 0) > 0)
		;
}

static void count_stream(const struct addrinfo *address)
{
	int listener = open_stream(address), yes = 1;
	if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
		bind(listener, address->ai_addr, address->ai_addrlen) || listen(listener, 1))
		give_up("listen");
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		give_up("accept");
	uint64_t got = 0;
	nanos begin = clock_ns();
	ssize_t n;
	while ((n = recv(fd, chunk, sizeof chunk, 0)) > 0)
		got += (uint64_t)n;
	if (n < 0)
		give_up("recv");
	printf("%.0f\n", (double)got * (double)NANOS_PER_SECOND / (double)(clock_ns() - begin));
}

static uint64_t read_count(const char *text)
{
	uint64_t count = read_number(text);
	return count < GREETERS_MAX ? count : GREETERS_MAX;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "keys")) {
		greet_print_keys(read_count(argv[2]));
	} else if (argc == 7 && !strcmp(argv[1], "greet")) {
		struct public_key key = read_key(argv[4]);
		greet(read_address(argv[2], argv[3], SOCK_DGRAM), &key, read_count(argv[5]),
			argv[6]);
	} else if (argc == 7 && !strcmp(argv[1], "flood")) {
		make_messages(argv[4]);
		flood(read_address(argv[2], argv[3], SOCK_DGRAM), read_number(argv[5]),
			read_number(argv[6]) * NANOS_PER_SECOND);
	} else if (argc == 6 && !strcmp(argv[1], "send")) {
		send_stream(read_address(argv[2], argv[3], SOCK_STREAM), read_number(argv[4]),
			read_number(argv[5]) * NANOS_PER_SECOND);
	} else if (argc == 4 && !strcmp(argv[1], "count")) {
		count_stream(read_address(argv[2], argv[3], SOCK_STREAM));
	} else if (argc == 5 && !strcmp(argv[1], "stream")) {
		order_stream(read_address(argv[2], argv[3], SOCK_STREAM),
			read_number(argv[4]) * NANOS_PER_SECOND);
	} else if (argc == 6 && !strcmp(argv[1], "number")) {
		order_number(read_address(argv[2], argv[3], SOCK_DGRAM), read_number(argv[4]),
			read_number(argv[5]) * NANOS_PER_SECOND);
	} else if (argc == 4 && !strcmp(argv[1], "order")) {
		order_check(read_address(argv[2], argv[3], SOCK_DGRAM));
	} else {
		fprintf(stderr, "usage: load flood ADDRESS PORT KEY RATE SECONDS\n"
				"       load send ADDRESS PORT RATE SECONDS\n"
				"       load count ADDRESS PORT\n"
				"       load keys COUNT\n"
				"       load greet ADDRESS PORT KEY COUNT KEY-EXCHANGE\n"
				"       load stream ADDRESS PORT SECONDS\n"
				"       load number ADDRESS PORT LEN SECONDS\n"
				"       load order ADDRESS PORT\n");
		return 2;
	}
	return 0;
}
