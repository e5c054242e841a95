#include "io/tuner.h"

#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "io/log.h"

#define OFFLOADS_MAX 64 /* bytes of their names */

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

/* A kernel that is wrong is worth a line whoever asked for it; one that is missing is not. */
static void choose_aead(struct tuner *t)
{
	enum aead_kernel wish = (enum aead_kernel)t->tuning.aead;
	t->aead = aead_choose(wish);
	const char *used = aead_kernel_name(t->aead.used);
	for (enum aead_kernel k = AEAD_AUTO; k < AEAD_KERNEL_COUNT; k++)
		if (t->aead.verdicts[k] == AEAD_BROKEN)
			log_error("Aead: %s is wrong on this machine: its self-test failed; %s is "
				  "used",
				aead_kernel_name(k), used);
	if (t->aead.verdicts[wish] == AEAD_MISSING)
		log_error("Aead = %s: not for this processor; %s is used", aead_kernel_name(wish),
			used);
}

void tuner_init(struct tuner *t, struct pump *pump)
{
	*t = (struct tuner){.pump = pump, .tuning = TUNING_USUAL, .aead.used = AEAD_LIBSODIUM};
}

void tuner_begin(struct tuner *t, const struct tuning *tuning)
{
	t->tuning = *tuning;
	choose_aead(t);
	if (tuning->offload == TUNING_OFFLOAD_OFF)
		pump_set_offload(t->pump, false);
	uint32_t workers = tuner_threads(tuning, tuner_cpus()) - 1;
	uint32_t started = pump_start_workers(t->pump, workers);
	if (started < workers)
		log_error("only %u of %u threads could be started", started + 1, workers + 1);
}

void tuner_change(struct tuner *t, const struct tuning *tuning)
{
	t->tuning.offload = tuning->offload;
	pump_set_offload(t->pump, tuning->offload == TUNING_OFFLOAD_AUTO);
}

static void add_name(char names[static OFFLOADS_MAX], const char *name)
{
	size_t len = strlen(names);
	snprintf(names + len, OFFLOADS_MAX - len, "%s%s", len ? ", " : "", name);
}

void tuner_say(struct tuner *t)
{
	char names[OFFLOADS_MAX] = "";
	unsigned accepted = t->pump->packets.offloads;
	uint32_t threads = t->pump->crew.count + 1;
	if (t->has_told)
		return;
	t->has_told = true;
	if (t->tuning.offload == TUNING_OFFLOAD_OFF)
		add_name(names, "off");
	if (accepted & TUN_F_CSUM)
		add_name(names, "checksums");
	if (accepted & TUN_F_TSO4)
		add_name(names, "TSO");
	if (accepted & TUN_F_USO4)
		add_name(names, "USO");
	if (t->pump->udp.can_segment)
		add_name(names, "UDP segments");
	log_info("AEAD by %s, %u thread%s, offload: %s", aead_kernel_name(t->aead.used), threads,
		threads == 1 ? "" : "s", *names ? names : "none");
}
