/*
 * bench-aead [--rounds N] [--cold]: what a packet costs each kernel of the AEAD.
 *
 * Prints a line for each operation, batch and length: op, packets in the batch, bytes of
 * plaintext, then for libsodium and each kernel that this machine can run its name and
 * nanoseconds a packet; the first line names the columns. Medians of N rounds (51); in each
 * round all take turns, so that only ratios within a line mean much on a busy machine.
 * Packets of a batch have one key. With --cold their texts come from a ring of 64 MiB,
 * so that they are not in the nearer caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/aead_batch.h"
#include "crypto/aead_choose.h"
#include "crypto/secret.h"

#define BATCH_MAX   32
#define SLOT	    2048
#define RING_SLOTS  32768
#define ROUNDS_MAX  1001
#define ROUND_COUNT 256 /* packets that a round measures, about */

struct bench {
	uint8_t *ring; /* RING_SLOTS slots */
	size_t slots;  /* of it in use */
	size_t next;
	size_t rounds, batch, len;
	bool opens;
	struct aead_key key;
	struct aead_packet packets[ROUND_COUNT];
	double ns[AEAD_KERNEL_COUNT][ROUNDS_MAX];
};

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void seal_or_open(const struct bench *b, const struct aead_ops *ops, size_t first)
{
	struct aead_packet *packets = (struct aead_packet *)&b->packets[first];
	if (!ops && b->opens)
		aead_open_batch(packets, b->batch);
	else if (!ops)
		aead_seal_batch(packets, b->batch);
	else if (b->opens)
		aead_batch_open(ops, packets, b->batch);
	else
		aead_batch_seal(ops, packets, b->batch);
}

/* ops NULL: libsodium, for nothing was chosen. Packets to open are sealed before the clock runs. */
static double measure(struct bench *b, const struct aead_ops *ops)
{
	size_t count = ROUND_COUNT / b->batch * b->batch;
	for (size_t i = 0; i < count; i++) {
		uint8_t *text = b->ring + SLOT * (b->next++ % b->slots);
		b->packets[i] = (struct aead_packet){text, b->len, i, &b->key, false};
	}
	if (b->opens) {
		aead_seal_batch(b->packets, count);
		for (size_t i = 0; i < count; i++)
			b->packets[i].len += AEAD_TAG_LEN;
	}
	double start = now_ns();
	for (size_t at = 0; at < count; at += b->batch)
		seal_or_open(b, ops, at);
	double took = now_ns() - start;
	for (size_t i = 0; b->opens && i < count; i++)
		if (!b->packets[i].ok) {
			fprintf(stderr, "bench-aead: a packet did not open\n");
			exit(1);
		}
	return took / (double)count;
}

static void print_line(struct bench *b)
{
	printf("%s %zu %zu", b->opens ? "open" : "seal", b->batch, b->len);
	for (size_t round = 0; round < b->rounds; round++)
		for (enum aead_kernel k = AEAD_LIBSODIUM; k < AEAD_KERNEL_COUNT; k++)
			if (k == AEAD_LIBSODIUM || aead_kernel_ops(k))
				b->ns[k][round] = measure(b, aead_kernel_ops(k));
	for (enum aead_kernel k = AEAD_LIBSODIUM; k < AEAD_KERNEL_COUNT; k++) {
		if (k != AEAD_LIBSODIUM && !aead_kernel_ops(k))
			continue;
		qsort(b->ns[k], b->rounds, sizeof b->ns[k][0], compare);
		printf(" %s %.0f", aead_kernel_name(k), b->ns[k][b->rounds / 2]);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	static const size_t batches[] = {1, 4, 16, 32};
	static const size_t lens[] = {64, 128, 256, 512, 1024, 1420, 1500};
	static struct bench b = {.slots = ROUND_COUNT, .rounds = 51, .key = {{1}}};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--cold"))
			b.slots = RING_SLOTS;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			b.rounds = strtoul(argv[++i], NULL, 10);
	}
	b.ring = calloc(RING_SLOTS, SLOT);
	if (!b.ring || b.rounds < 1 || b.rounds > ROUNDS_MAX || !crypto_init())
		return 1;
	memset(b.ring, 1, (size_t)RING_SLOTS * SLOT);
	printf("op batch bytes kernel ns ...\n");
	for (int opens = 0; opens < 2; opens++)
		for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
			for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
				b.opens = opens;
				b.batch = batches[i];
				b.len = lens[k];
				print_line(&b);
			}
	free(b.ring);
	return 0;
}
