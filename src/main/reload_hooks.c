#include "main/reload_hooks.h"

/* What is called at the end of a phase survives the runner. */
static void stop(struct hook_queue *queue)
{
	struct hook_queue before = {.on_done = queue->on_done, .context = queue->context};
	hook_queue_stop(queue);
	queue->on_done = before.on_done;
	queue->context = before.context;
}

int reload_hooks_start(struct reload_hooks *hooks)
{
	if (*hooks->has_hooks)
		return 0;
	int error = hook_queue_start(hooks->queue);
	if (error)
		return error;
	error = hook_queue_attach(hooks->queue, hooks->loop);
	if (error)
		stop(hooks->queue);
	hooks->is_new = !error;
	return error;
}

void reload_hooks_keep(struct reload_hooks *hooks)
{
	*hooks->has_hooks |= hooks->is_new;
	hooks->is_new = false;
}

void reload_hooks_stop(struct reload_hooks *hooks)
{
	if (hooks->is_new)
		stop(hooks->queue);
	hooks->is_new = false;
}
