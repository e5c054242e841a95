/*
 * Regressions 8: replay check and update raced between workers. Here they cannot:
 * job_run_batch, the one function of the core that other threads may call, touches
 * no session and no window; finishing is the core's own thread's business, in
 * order. So: threads run the same packet at once, and it is delivered once; the
 * thread sanitizer, where it is built in, sees whether they share anything.
 */
#include "unit/test.h"

#include <pthread.h>
#include <stdlib.h>

#include "unit/tunnel.h"

#define THREADS 8
#define COPIES	4 /* of the packet in each thread's burst */

static pthread_barrier_t barrier;

static void *run_one(void *job)
{
	struct job *jobs[] = {job};
	pthread_barrier_wait(&barrier); /* all at the same moment */
	job_run_batch(jobs, 1);
	return NULL;
}

/* false: a thread could not be had. */
static bool run_on_threads(struct job *const jobs[static THREADS])
{
	pthread_t threads[THREADS];
	if (pthread_barrier_init(&barrier, NULL, THREADS))
		return false;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run_one, jobs[i]))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return true;
}

static bool take_jobs(struct device *device, struct job *jobs[static THREADS])
{
	for (int i = 0; i < THREADS; i++)
		if (!(jobs[i] = device_take_job(device)))
			return false;
	return !device_take_job(device);
}

TEST(job_threads_deliver_a_packet_once)
{
	struct tunnel t;
	struct job *jobs[THREADS];
	CHECK(tunnel_init(&t, 1400));
	CHECK(tunnel_ping(&t, &t.a));
	t.b.received = 0;
	tunnel_offer(&t, &t.a, 1, 7);
	tunnel_pump(&t, &t.a);
	struct flight *f = tunnel_take(&t);
	CHECK(f);
	for (int i = 0; i < THREADS; i++) {
		struct burst *burst = burst_pool_get(&t.b.pool, COPIES * f->len);
		burst->stride = f->len;
		for (int k = 0; k < COPIES; k++)
			burst_add(burst, f->bytes, f->len);
		device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	}
	free(f);
	CHECK(take_jobs(t.b.device, jobs));
	CHECK(run_on_threads(jobs));
	for (int i = 0; i < THREADS; i++)
		device_put_job(t.b.device, jobs[i], &t.now);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(1, t.b.received);
	CHECK_EQ(7, t.b.tags[0]);
	CHECK_EQ(THREADS * COPIES - 1, end_drops(&t.b, DROP_REPLAY));
	CHECK_EQ(THREADS * COPIES - 1, end_drops_total(&t.b));
	tunnel_wipe(&t);
}

/* Sealed on threads and opened on threads: all arrive, in order. */
TEST(job_threads_carry_bursts_in_order)
{
	struct tunnel t;
	struct job *jobs[THREADS];
	CHECK(tunnel_init(&t, 1401));
	CHECK(tunnel_ping(&t, &t.a));
	t.b.received = 0;
	for (uint32_t i = 0; i < THREADS; i++)
		tunnel_offer(&t, &t.a, 60, 60 * i);
	CHECK(take_jobs(t.a.device, jobs));
	CHECK(run_on_threads(jobs));
	for (int i = 0; i < THREADS; i++) {
		struct burst *burst = burst_pool_get(&t.b.pool, BURST_LARGE);
		device_put_job(t.a.device, jobs[i], &t.now);
		tunnel_pump(&t, &t.a);
		burst->stride = t.first->len;
		for (struct flight *f; (f = tunnel_take(&t)); free(f))
			burst_add(burst, f->bytes, f->len);
		CHECK_EQ(60, burst->count);
		device_put_datagrams(t.b.device, burst, &t.a.address, &t.now);
	}
	CHECK(take_jobs(t.b.device, jobs));
	CHECK(run_on_threads(jobs));
	for (int i = 0; i < THREADS; i++)
		device_put_job(t.b.device, jobs[i], &t.now);
	tunnel_pump(&t, &t.b);
	CHECK_EQ(60 * THREADS, t.b.received);
	for (uint32_t i = 0; i < 60 * THREADS; i++)
		CHECK_EQ(i, t.b.tags[i]);
	CHECK_EQ(0, end_drops_total(&t.a) + end_drops_total(&t.b));
	tunnel_wipe(&t);
}
