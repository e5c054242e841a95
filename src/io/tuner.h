/*
 * From what a person asks for (base/tuning.h) to what this machine can do: the cipher's
 * code, the threads, the offloads; and the line in the log that tells what runs. The
 * pump does the work.
 */
#ifndef ADIT_IO_TUNER_H
#define ADIT_IO_TUNER_H

#include "base/tuning.h"
#include "crypto/aead.h"
#include "io/pump.h"

#define TUNER_THREADS_AUTO_MAX TICKETS_MAX /* more find no ticket */

struct tuner {
	struct pump *pump;
	struct tuning tuning;
	struct aead_choice aead;
	bool has_told;
};

/* Processors that this process may run on; 1 where the system does not tell. */
uint32_t tuner_cpus(void);

/*
 * How many threads carry packets, the main one included. Without a wish: one on two
 * processors, where a second one costs a lone packet twice its time and gives nothing;
 * with more, one is left to those whose packets they are.
 */
uint32_t tuner_threads(const struct tuning *tuning, uint32_t cpus);

/* As it is without a wish: one thread, libsodium. The pump outlives it. */
void tuner_init(struct tuner *tuner, struct pump *pump);

/* Once, on the main thread, when the pump has its TUN. */
void tuner_begin(struct tuner *tuner, const struct tuning *tuning);

/* What can change while it runs does. */
void tuner_change(struct tuner *tuner, const struct tuning *tuning);

/* Says what it came to, when the pump has its sockets too; the first time only. */
void tuner_say(struct tuner *tuner);

#endif
