#include "load/order.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define LAST	   UINT64_MAX /* no number: the sender has ended */
#define LAST_TIMES 600	      /* so one gets through; a tunnel may take 15 s to mend */
#define LAST_PAUSE (50 * NANOS_PER_MS)
#define PATIENCE   60 /* seconds */

static uint8_t bytes[ORDER_LEN_MAX];

static void give_up(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static nanos clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (nanos)t.tv_sec * NANOS_PER_SECOND + (nanos)t.tv_nsec;
}

static int connect_to(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen))
		give_up("connect");
	return fd;
}

void order_stream(const struct addrinfo *to, nanos duration)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	int fd = connect_to(to);
	nanos begin = clock_ns();
	/* what is lost is for want of room then, and little; some others lose by design */
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	while (clock_ns() - begin < duration)
		if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) < 0)
			give_up("send");
	shutdown(fd, SHUT_WR);
	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		give_up("TCP_INFO");
	printf("retransmits %u reordered %u\n", info.tcpi_total_retrans, info.tcpi_reord_seen);
}

void order_number(const struct addrinfo *to, uint64_t len, nanos duration)
{
	const struct timespec pause = {.tv_nsec = LAST_PAUSE};
	int fd = connect_to(to);
	nanos begin = clock_ns();
	uint64_t sent = 0;
	len = len < 16 ? 16 : len > ORDER_LEN_MAX ? ORDER_LEN_MAX : len;
	for (; clock_ns() - begin < duration; sent++) {
		store_le64(bytes, sent);
		if (send(fd, bytes, len, 0) < 0 && errno != ENOBUFS && errno != ENETUNREACH)
			give_up("send");
	}
	store_le64(bytes, LAST);
	store_le64(bytes + 8, sent);
	for (int i = 0; i < LAST_TIMES; i++) {
		nanosleep(&pause, NULL);
		if (send(fd, bytes, 16, 0) < 0 && errno == ECONNREFUSED)
			break; /* nobody listens any more */
	}
}

void order_check(const struct addrinfo *address)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	uint64_t received = 0, late = 0, next = 0;
	int fd = socket(address->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, address->ai_addr, address->ai_addrlen) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience))
		give_up("bind");
	for (;;) {
		if (recv(fd, bytes, sizeof bytes, 0) < 16)
			give_up("recv");
		uint64_t number = load_le64(bytes);
		if (number == LAST)
			break;
		received++;
		late += number < next;
		next = number < next ? next : number + 1;
	}
	printf("received %llu of %llu, %llu late\n", (unsigned long long)received,
		(unsigned long long)load_le64(bytes + 8), (unsigned long long)late);
}
