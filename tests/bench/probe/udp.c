#include "bench/probe/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Packets per second. A trial sends at a rate for a time and counts what arrives;
 * the search looks for the highest rate with less than 1 % lost.
 */
#define BATCH	     64
#define SIZE_MAX_UDP 2048
#define STEP_NS                                                                                    \
	(NANOS_PER_MS / 10)	      /* a sender's rest: a burst stays below short queues         \
				       */
#define QUIET_NS (150 * NANOS_PER_MS) /* nothing for so long: the rest is lost */
#define LOSS_MAX 0.01
#define STRIDE	 1.3 /* between rates while the search looks for a side to fail on */
#define HALVINGS 4   /* then: 1.3^(1/16), 1.7 % */

struct receiver { /* its thread writes, the sender reads */
	int fd;
	atomic_bool is_over;
	_Atomic uint64_t run, received, reordered;
	_Atomic int64_t first, last; /* when */
};

struct trial {
	double offered, arrived; /* packets a second */
	double loss;
	uint64_t sent, received, reordered;
};

struct search { /* what all its trials share */
	struct probe_ends ends;
	struct receiver receiver;
	pthread_t thread;
	size_t size;
	nanos duration;
};

static void note(struct receiver *r, const struct probe_stamp *stamp, uint64_t *highest)
{
	if (stamp->run != r->run)
		return;
	int64_t now = (int64_t)probe_clock();
	if (!r->received) {
		r->first = now;
		*highest = 0;
	}
	if (stamp->seq < *highest)
		r->reordered++;
	else
		*highest = stamp->seq;
	r->received++;
	r->last = now;
}

static void *receive(void *context)
{
	struct receiver *r = context;
	static uint8_t buffers[BATCH][SIZE_MAX_UDP];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	uint64_t highest = 0;
	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){buffers[i], sizeof buffers[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	while (!r->is_over) {
		int n = recvmmsg(r->fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			struct probe_stamp stamp;
			memcpy(&stamp, buffers[i], sizeof stamp);
			note(r, &stamp, &highest);
		}
	}
	return NULL;
}

/* Sends `count` packets from `seq` on; how many the kernel took or refused: all are gone. */
static uint64_t send_batch(const struct search *s, uint64_t seq, uint64_t count)
{
	static uint8_t buffers[BATCH][SIZE_MAX_UDP];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	if (count > BATCH)
		count = BATCH;
	for (size_t i = 0; i < count; i++) {
		struct probe_stamp stamp = {s->receiver.run, seq + i, 0};
		memcpy(buffers[i], &stamp, sizeof stamp);
		parts[i] = (struct iovec){buffers[i], s->size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	int n = sendmmsg(s->ends.a, messages, (unsigned)count, 0);
	if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
		probe_give_up("sendmmsg");
	return n < 0 ? 1 : (uint64_t)n;
}

/* At `rate` a second, or as fast as it goes (0). */
static uint64_t send_all(const struct search *s, double rate, nanos *elapsed)
{
	nanos begin = probe_clock();
	uint64_t sent = 0;
	while ((*elapsed = probe_clock() - begin) < s->duration) {
		uint64_t due = BATCH;
		if (rate > 0) {
			double all = rate * (double)*elapsed / (double)NANOS_PER_SECOND;
			due = (uint64_t)all > sent ? (uint64_t)all - sent : 0;
		}
		if (due)
			sent += send_batch(s, sent, due);
		if (rate > 0 && due <= BATCH)
			probe_sleep_until(begin + *elapsed + STEP_NS);
	}
	return sent;
}

static void wait_for_the_rest(const struct receiver *r, uint64_t sent)
{
	nanos begin = probe_clock(), now;
	do {
		probe_sleep_until(probe_clock() + NANOS_PER_MS);
		now = probe_clock();
	} while (r->received < sent && now - begin < 20 * QUIET_NS &&
		 (now - begin < QUIET_NS || now - (nanos)r->last < QUIET_NS));
}

static struct trial try_rate(struct search *s, double rate)
{
	struct receiver *r = &s->receiver;
	nanos elapsed;
	r->received = r->reordered = 0;
	r->first = r->last = 0;
	r->run++;
	uint64_t sent = send_all(s, rate, &elapsed);
	wait_for_the_rest(r, sent);
	uint64_t received = r->received < sent ? r->received : sent;
	double took = (double)(r->last - r->first) / (double)NANOS_PER_SECOND;
	return (struct trial){
		.offered = (double)sent * (double)NANOS_PER_SECOND / (double)elapsed,
		.arrived = took > 0 ? (double)received / took : 0,
		.loss = sent ? 1 - (double)received / (double)sent : 1,
		.sent = sent,
		.received = received,
		.reordered = r->reordered,
	};
}

/* Twice, if need be: other work on the machine can spoil one. */
static bool rate_passes(struct search *s, double rate, struct trial *best)
{
	for (int i = 0; i < 2; i++) {
		struct trial t = try_rate(s, rate);
		if (t.loss >= LOSS_MAX)
			continue;
		if (t.offered > best->offered)
			*best = t;
		return true;
	}
	return false;
}

/* The highest rate that passes, between one that does and one that does not. */
static struct trial find_best(struct search *s, double rate)
{
	struct trial best = {0};
	double low = rate, high = rate;
	if (rate_passes(s, rate, &best)) {
		do {
			low = high;
			high *= STRIDE;
			/* a sender that cannot send so much is at its end, too */
		} while (best.offered > low * 0.9 && rate_passes(s, high, &best));
	} else {
		do {
			high = low;
			low /= STRIDE;
		} while (low > 1000 && !rate_passes(s, low, &best));
	}
	for (int i = 0; i < HALVINGS && high > low; i++) {
		double middle = (low + high) / 2;
		if (rate_passes(s, middle, &best))
			low = middle;
		else
			high = middle;
	}
	return best;
}

static void begin(struct search *s, char **words)
{
	s->ends = probe_open_ends(words);
	s->size = (size_t)probe_number(words[4]);
	s->duration = probe_number(words[5]) * NANOS_PER_MS;
	if (s->size < sizeof(struct probe_stamp) || s->size > SIZE_MAX_UDP) {
		fprintf(stderr, "probe: a datagram has 24 to %d bytes\n", SIZE_MAX_UDP);
		exit(2);
	}
	s->receiver.fd = s->ends.b;
	if ((errno = pthread_create(&s->thread, NULL, receive, &s->receiver)))
		probe_give_up("pthread_create");
}

static void end(struct search *s)
{
	s->receiver.is_over = true;
	pthread_join(s->thread, NULL);
}

/* Prints: packets/s with less than 1 % lost, packets/s that arrive of a flood. */
void udp_search(char **words)
{
	static struct search s;
	begin(&s, words);
	struct trial flood = try_rate(&s, 0);
	struct trial best = find_best(&s, flood.arrived > 2000 ? flood.arrived : 2000);
	end(&s);
	printf("%.0f %.0f\n", best.arrived, flood.arrived);
}

/* Prints: sent, received, reordered, packets/s that arrived. */
void udp_rate(char **words)
{
	static struct search s;
	begin(&s, words);
	struct trial t = try_rate(&s, (double)probe_number(words[6]));
	end(&s);
	printf("%llu %llu %llu %.0f\n", (unsigned long long)t.sent, (unsigned long long)t.received,
		(unsigned long long)t.reordered, t.arrived);
}
