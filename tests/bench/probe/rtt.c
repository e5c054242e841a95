#include "bench/probe/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Round trips of small datagrams, sent at fixed times whatever happened to those
 * before: who waits for an answer before the next question asks less often the
 * worse the answers get, and its percentiles flatter.
 */
#define SIZE	64
#define REST_NS (2 * NANOS_PER_SECOND) /* the last answers have so long */

static struct probe_ends ends;
static atomic_bool is_over;
static _Atomic size_t answered;
static nanos *trips; /* in the order of the answers */
static size_t asked;

static void *echo(void *context)
{
	uint8_t buffer[SIZE];
	while (!is_over) {
		ssize_t n = recv(ends.b, buffer, sizeof buffer, 0);
		if (n > 0 && send(ends.b, buffer, (size_t)n, 0) < 0 && errno != ENOBUFS)
			probe_give_up("send");
	}
	return context;
}

static void *collect(void *context)
{
	while (!is_over) {
		uint8_t buffer[SIZE];
		struct probe_stamp stamp;
		if (recv(ends.a, buffer, sizeof buffer, 0) != sizeof buffer)
			continue;
		nanos now = probe_clock();
		memcpy(&stamp, buffer, sizeof stamp);
		if (answered < asked)
			trips[answered++] = now - stamp.sent;
	}
	return context;
}

static void ask(nanos interval)
{
	uint8_t buffer[SIZE] = {0};
	nanos begin = probe_clock();
	for (size_t i = 0; i < asked; i++) {
		probe_sleep_until(begin + (nanos)i * interval);
		struct probe_stamp stamp = {0, i, probe_clock()};
		memcpy(buffer, &stamp, sizeof stamp);
		if (send(ends.a, buffer, sizeof buffer, 0) < 0 && errno != ENOBUFS)
			probe_give_up("send");
	}
	nanos end = probe_clock() + REST_NS;
	while (answered < asked && probe_clock() < end)
		probe_sleep_until(probe_clock() + NANOS_PER_MS);
}

static int compare(const void *a, const void *b)
{
	nanos x = *(const nanos *)a, y = *(const nanos *)b;
	return (x > y) - (x < y);
}

/* In microseconds; what never came back is the longest. */
static double percentile(size_t count, double share)
{
	size_t at = (size_t)(share * (double)(asked - 1) + 0.5);
	nanos trip = at < count ? trips[at] : REST_NS;
	return (double)trip / 1000;
}

/* Prints: p50, p99 in microseconds, asked, answered. */
void rtt_measure(char **words)
{
	pthread_t threads[2];
	ends = probe_open_ends(words);
	nanos interval = probe_number(words[5]) * 1000;
	asked = (size_t)(probe_number(words[4]) * NANOS_PER_MS / interval);
	trips = calloc(asked, sizeof *trips);
	if (!trips || !asked)
		probe_give_up("round trips");
	if ((errno = pthread_create(&threads[0], NULL, echo, NULL)) ||
		(errno = pthread_create(&threads[1], NULL, collect, NULL)))
		probe_give_up("pthread_create");
	ask(interval);
	is_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	size_t count = answered;
	qsort(trips, count, sizeof *trips, compare);
	printf("%.1f %.1f %zu %zu\n", percentile(count, 0.5), percentile(count, 0.99), asked,
		count);
	free(trips);
}
