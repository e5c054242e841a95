/*
 * How the engine goes about its work, as far as a person may say: nothing here
 * changes a packet that others see. Plain numbers, because it goes from the
 * supervisor to the engine in a message. What the machine makes of it: io/tuner.h.
 */
#ifndef ADIT_BASE_TUNING_H
#define ADIT_BASE_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#define TUNING_THREADS_MAX     64
#define TUNING_QUEUE_LEN_MAX   10000
#define TUNING_QUEUE_LEN_USUAL 50 /* packets; the kernel's 500 let a loaded link wait */

enum tuning_offload { TUNING_OFFLOAD_AUTO, TUNING_OFFLOAD_OFF, TUNING_OFFLOAD_COUNT };

#define TUNING_AEAD_COUNT 5 /* as many as enum aead_kernel has */

struct tuning {
	uint32_t offload;      /* enum tuning_offload */
	uint32_t aead;	       /* enum aead_kernel, of a higher floor; 0: the fastest */
	uint32_t threads;      /* 1..TUNING_THREADS_MAX; 0: as many as the machine is good for */
	uint32_t tx_queue_len; /* of the TUN, packets, 1..TUNING_QUEUE_LEN_MAX */
};

/* Where nobody said anything. */
#define TUNING_USUAL ((struct tuning){.tx_queue_len = TUNING_QUEUE_LEN_USUAL})

static inline bool tuning_is_valid(const struct tuning *t)
{
	return t->offload < TUNING_OFFLOAD_COUNT && t->aead < TUNING_AEAD_COUNT &&
	       t->threads <= TUNING_THREADS_MAX && t->tx_queue_len >= 1 &&
	       t->tx_queue_len <= TUNING_QUEUE_LEN_MAX;
}

#endif
