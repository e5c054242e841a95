#include "sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_AT_ONCE_MAX 100000 /* at one virtual moment: time stands still */
#define PATROL_INTERVAL	  SECONDS(60)

enum stream { STREAM_WORLD = 100, STREAM_LEDGER };

struct world *world_create(uint64_t seed, bool is_verbose)
{
	struct world *w = memory_grow(NULL, 0, sizeof *w);
	w->seed = seed;
	w->is_verbose = is_verbose;
	w->reads_events = true;
	w->jobs_due = NANOS_NEVER;
	w->strangers.next = w->strangers.flood.next = NANOS_NEVER;
	w->ledger.salt = dice_mix(seed + STREAM_LEDGER);
	dice_init(&w->dice, seed, STREAM_WORLD);
	return w;
}

void world_close(struct world *w)
{
	for (uint32_t i = 0; i < w->node_count; i++)
		node_destroy(w, &w->nodes[i]);
	w->node_count = 0;
}

void world_destroy(struct world *w)
{
	network_wipe(&w->network);
	watch_wipe(&w->watch);
	ledger_wipe(&w->ledger);
	free(w);
}

void world_break(struct world *w, const char *format, ...)
{
	if (w->is_broken)
		return;
	w->is_broken = true;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(w->why, sizeof w->why, format, arguments);
	va_end(arguments);
	world_trace(w, "BROKEN: %s", w->why);
}

void world_trace(struct world *w, const char *format, ...)
{
	if (!w->is_verbose)
		return;
	printf("%14.6f  ", (double)w->time / (double)NANOS_PER_SECOND);
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void world_digest(struct world *w, uint64_t fact)
{
	w->digest = dice_mix(w->digest ^ fact);
}

static nanos next_moment(const struct world *w)
{
	nanos next = nanos_min(w->jobs_due, strangers_deadline(&w->strangers));
	next = nanos_min(next, w->patrol);
	next = nanos_min(next, network_deadline(&w->network));
	next = nanos_min(next, traffic_deadline(&w->traffic));
	for (uint32_t i = 0; i < w->node_count; i++)
		next = nanos_min(next, node_deadline(&w->nodes[i]));
	return next;
}

/* Nodes to which nothing happens are looked at too, now and then. */
static void walk(struct world *w)
{
	w->patrol += PATROL_INTERVAL;
	for (uint32_t i = 0; i < w->node_count; i++)
		w->nodes[i].is_dirty = true;
}

/* All that is due now happens, once. */
static void step(struct world *w)
{
	network_step(w);
	if (nanos_is_due(w->jobs_due, w->time))
		jobs_run_some(w);
	for (uint32_t i = 0; i < w->node_count; i++) {
		if (nanos_is_due(node_deadline(&w->nodes[i]), w->time))
			node_tick(w, &w->nodes[i]);
	}
	traffic_step(w);
	strangers_step(w);
	if (nanos_is_due(w->patrol, w->time))
		walk(w);
	watch_step(w);
}

void world_run(struct world *w, nanos duration)
{
	nanos end = w->time + duration;
	uint32_t steps_at_once = 0;
	while (!w->is_broken) {
		nanos next = next_moment(w);
		if (next > end)
			break;
		steps_at_once = next > w->time ? 0 : steps_at_once + 1;
		if (steps_at_once > STEPS_AT_ONCE_MAX)
			world_break(w, "time stands still: something is always due");
		if (next > w->time)
			w->time = next;
		step(w);
	}
	if (!w->is_broken)
		w->time = end;
}
