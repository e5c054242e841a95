/*
 * The threads that carry packets beside the main one, and the lock under which all of
 * them see to the core: the device, the descriptors, the ring of tickets. A worker
 * sleeps until somebody who has more than it can do engages it, goes from turn to turn
 * as long as there is something to do, and sleeps again. Without workers nothing here
 * costs anything: no lock is taken.
 *
 * What a turn is the owner says. Only running jobs is done outside the lock, by whoever
 * calls crew_unlock in between; all else, in whatever module, is under it and need not
 * know of threads.
 */
#ifndef ADIT_IO_CREW_H
#define ADIT_IO_CREW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CREW_WORKERS_MAX 63

struct crew { /* all zero: no workers */
	pthread_mutex_t lock;
	pthread_cond_t called; /* for those who sleep */
	pthread_cond_t room;   /* for those who cannot go on before others have */
	pthread_t threads[CREW_WORKERS_MAX];
	uint32_t count;	  /* of workers */
	uint32_t asleep;  /* and not called */
	uint32_t calls;	  /* that nobody has answered yet */
	bool is_stopping; /* the rest is set once */
	bool (*turn)(void *context);
	void *context;
};

/*
 * Starts so many workers, or as many as the system gives, which is returned. `turn` is
 * called on their threads under the lock; false: there was nothing to do. With at least
 * one of them the caller has the lock from here on. Must stay at its address.
 */
uint32_t crew_start(struct crew *crew, uint32_t count, bool (*turn)(void *context), void *context);

/* Ends the turns that are under way, and the threads. The lock, which the caller has, goes. */
void crew_stop(struct crew *crew);

static inline void crew_lock(struct crew *crew)
{
	if (crew->count)
		pthread_mutex_lock(&crew->lock);
}

static inline void crew_unlock(struct crew *crew)
{
	if (crew->count)
		pthread_mutex_unlock(&crew->lock);
}

/* Under the lock: one worker more, if one sleeps. */
void crew_engage(struct crew *crew);

/* Under the lock, which is released meanwhile: until crew_make_room, or for no reason. */
void crew_await_room(struct crew *crew);
void crew_make_room(struct crew *crew);

#endif
