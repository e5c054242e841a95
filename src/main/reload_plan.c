#include "main/reload_plan.h"

#include "text/conf_diff.h"
#include "text/reconcile.h"

void reload_plan_init(struct reload_plan *plan)
{
	*plan = (struct reload_plan){0};
	out_init(&plan->lines, SIZE_MAX);
}

void reload_plan_wipe(struct reload_plan *plan)
{
	change_wipe(&plan->forward);
	change_wipe(&plan->back);
	names_free(&plan->names);
	out_wipe(&plan->lines);
}

bool reload_plan_make(struct reload_plan *plan, const struct change *from, const struct conf *old,
	const struct conf *new)
{
	struct change to;
	bool ok = reconcile_complete(&to, &new->change, from, &old->change) &&
		  reconcile(&plan->forward, from, &to) && reconcile(&plan->back, &to, from) &&
		  !names_add_all(&plan->names, new);
	change_wipe(&to);
	if (ok)
		reconcile_render(&plan->lines, from, &plan->forward);
	return ok && !plan->lines.has_failed;
}

void reload_plan_add_file_lines(
	struct reload_plan *plan, const struct conf *old, const struct conf *new)
{
	conf_diff_names(&plan->lines, old, new);
	conf_diff_listen(&plan->lines, old, new);
	conf_diff_dns(&plan->lines, old, new);
	conf_diff_tuning(&plan->lines, old, new);
	conf_diff_hooks(&plan->lines, old, new);
}

size_t reload_plan_count_lines(const struct reload_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->lines.len; i++)
		count += plan->lines.bytes[i] == '\n';
	return count;
}

bool reload_plan_is_empty(const struct change *change)
{
	return !change->has_private_key && !change->has_listen_port && !change->has_fwmark &&
	       !change->has_post_quantum && !change->peer_count;
}

void reload_plan_follow_names(
	struct reload_plan *plan, struct names *names, const struct change *change)
{
	names_follow(names, &plan->names);
	for (size_t i = 0; i < change->peer_count; i++)
		if (!change->peers[i].remove && !change->peers[i].update_only)
			names_forget_answer(names, &change->peers[i].public_key);
}
