/*
 * From what a person asks for (base/tuning.h) to what this machine can do: how many
 * threads, and the line in the log that tells which cipher runs and which offloads
 * the kernel took. Decides nothing about packets.
 */
#ifndef ADIT_IO_TUNER_H
#define ADIT_IO_TUNER_H

#include "base/tuning.h"

#define TUNER_THREADS_AUTO_MAX 8 /* more never have work: one of the four ends is full before */

/* Processors that this process may run on; 1 where the system does not tell. */
uint32_t tuner_cpus(void);

/*
 * How many threads carry packets, the main one included. Without a wish: one on two
 * processors, where a second one costs a lone packet twice its time and gives nothing;
 * with more, one is left to those whose packets they are.
 */
uint32_t tuner_threads(const struct tuning *tuning, uint32_t cpus);

/* Once, when the tunnel has its TUN, its sockets, and so many threads. */
void tuner_say(const struct tuning *tuning, uint32_t threads);

#endif
