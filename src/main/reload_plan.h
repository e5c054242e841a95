/*
 * What a reload changes outside the link: the difference for the engine both ways,
 * the names to look up, and the lines that tell people. Holds keys.
 */
#ifndef ADIT_MAIN_RELOAD_PLAN_H
#define ADIT_MAIN_RELOAD_PLAN_H

#include "main/names.h"
#include "text/conf.h"
#include "text/out.h"

struct reload_plan {
	struct change forward, back;
	struct names names; /* a list only */
	struct out lines;
};

/* Empty; the members are then as reload_plan_wipe leaves them. */
void reload_plan_init(struct reload_plan *plan);
void reload_plan_wipe(struct reload_plan *plan);

/*
 * From what the engine is doing, `from`, and the last file, `old`, to `new`. The
 * names point into `new`. false: no memory.
 */
bool reload_plan_make(struct reload_plan *plan, const struct change *from, const struct conf *old,
	const struct conf *new);

/* The lines for what only the files tell apart; they come last. */
void reload_plan_add_file_lines(
	struct reload_plan *plan, const struct conf *old, const struct conf *new);

size_t reload_plan_count_lines(const struct reload_plan *plan);

bool reload_plan_is_empty(const struct change *change);

/* The plan's names are looked up from now on; who came with the change, anew. */
void reload_plan_follow_names(
	struct reload_plan *plan, struct names *names, const struct change *change);

#endif
