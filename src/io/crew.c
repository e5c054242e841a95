#include "io/crew.h"

#include <signal.h>

/* Called, or told to end. A call is for one: else a sleeper that wakes for no reason has it. */
static void sleep_until_called(struct crew *c)
{
	c->asleep++;
	while (!c->calls && !c->is_stopping)
		pthread_cond_wait(&c->called, &c->lock);
	if (c->calls)
		c->calls--;
}

static void *run(void *context)
{
	struct crew *c = context;
	pthread_setname_np(pthread_self(), "adit-worker");
	pthread_mutex_lock(&c->lock);
	while (!c->is_stopping)
		if (!c->turn(c->context))
			sleep_until_called(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Held for some microseconds at a time: looking again is cheaper than sleeping. */
static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

static void wipe(struct crew *c)
{
	pthread_cond_destroy(&c->room);
	pthread_cond_destroy(&c->called);
	pthread_mutex_destroy(&c->lock);
	*c = (struct crew){0};
}

uint32_t crew_start(struct crew *c, uint32_t count, bool (*turn)(void *context), void *context)
{
	sigset_t all, before;
	*c = (struct crew){.turn = turn, .context = context};
	init_lock(&c->lock);
	pthread_cond_init(&c->called, NULL);
	pthread_cond_init(&c->room, NULL);
	pthread_mutex_lock(&c->lock);
	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (c->count < count && c->count < CREW_WORKERS_MAX &&
		!pthread_create(&c->threads[c->count], NULL, run, c))
		c->count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	uint32_t started = c->count;
	if (!started) {
		pthread_mutex_unlock(&c->lock);
		wipe(c);
	}
	return started;
}

void crew_stop(struct crew *c)
{
	if (!c->count)
		return;
	c->is_stopping = true;
	pthread_cond_broadcast(&c->called);
	pthread_mutex_unlock(&c->lock);
	for (uint32_t i = 0; i < c->count; i++)
		pthread_join(c->threads[i], NULL);
	wipe(c);
}

void crew_engage(struct crew *c)
{
	if (!c->asleep)
		return;
	c->asleep--;
	c->calls++;
	pthread_cond_signal(&c->called);
}

void crew_await_room(struct crew *c)
{
	pthread_cond_wait(&c->room, &c->lock);
}

void crew_make_room(struct crew *c)
{
	if (c->count)
		pthread_cond_broadcast(&c->room);
}
