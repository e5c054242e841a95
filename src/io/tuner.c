#include "io/tuner.h"

#include <sched.h>

#include "io/log.h"

uint32_t tuner_cpus(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set))
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

uint32_t tuner_threads(const struct tuning *tuning, uint32_t cpus)
{
	if (tuning->threads)
		return tuning->threads;
	if (cpus <= 2)
		return 1;
	return cpus - 1 < TUNER_THREADS_AUTO_MAX ? cpus - 1 : TUNER_THREADS_AUTO_MAX;
}

void tuner_say(const struct tuning *tuning, uint32_t threads)
{
	log_info("AEAD by libsodium, %u thread%s, offload: %s", threads, threads == 1 ? "" : "s",
		tuning->offload == TUNING_OFFLOAD_OFF ? "off" : "none");
}
