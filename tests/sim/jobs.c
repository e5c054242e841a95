#include "sim/jobs.h"

#include "sim/world.h"

#define BATCH_MAX 24

static void make_due(struct world *w)
{
	if (w->jobs_due == NANOS_NEVER)
		w->jobs_due = w->time + dice_below(&w->dice, w->jobs_delay_max + 1);
}

void jobs_take(struct world *w, struct node *node)
{
	struct job **end = &node->jobs;
	while (*end)
		end = &(*end)->next;
	for (struct job *job; (job = device_take_job(node->device)); end = &job->next) {
		watch_job(w, node, job);
		job->next = NULL;
		*end = job;
		node->job_count++;
	}
	if (node->jobs)
		make_due(w);
}

static const struct session_keys *session_of(const struct job *job)
{
	size_t offset = job->kind == JOB_SEAL ? offsetof(struct session_keys, send)
					      : offsetof(struct session_keys, receive);
	return (const void *)((const uint8_t *)job->key - offset);
}

/* Takes off a random job, or rather the first of its session. */
static struct job *take_any(struct world *w, struct node *node)
{
	const struct job *chosen = node->jobs;
	for (uint64_t n = dice_below(&w->dice, node->job_count); n; n--)
		chosen = chosen->next;
	struct job **link = &node->jobs;
	while (session_of(*link) != session_of(chosen))
		link = &(*link)->next;
	struct job *job = *link;
	*link = job->next;
	node->job_count--;
	return job;
}

static uint32_t jobs_ready(const struct node *node)
{
	return node->is_asleep ? 0 : node->job_count;
}

/* A node that has jobs, the busier the likelier; NULL: none has. */
static struct node *any_busy_node(struct world *w)
{
	uint64_t total = 0;
	for (uint32_t i = 0; i < w->node_count; i++)
		total += jobs_ready(&w->nodes[i]);
	if (!total)
		return NULL;
	uint64_t n = dice_below(&w->dice, total);
	struct node *node = w->nodes;
	for (; n >= jobs_ready(node); node++)
		n -= jobs_ready(node);
	return node;
}

static void give_back(struct world *w, struct node *node, struct job *job)
{
	struct now now = node_now(w, node);
	watch_job_done(w, node, job);
	device_put_job(node->device, job, &now);
	node_pump(w, node);
}

void jobs_run_some(struct world *w)
{
	struct job *batch[BATCH_MAX];
	struct node *owner[BATCH_MAX];
	size_t count = 0, wanted = 1 + (size_t)dice_below(&w->dice, BATCH_MAX);

	while (count < wanted && (owner[count] = any_busy_node(w))) {
		batch[count] = take_any(w, owner[count]);
		count++;
	}
	job_run_batch(batch, count);
	w->jobs_due = NANOS_NEVER;
	if (any_busy_node(w))
		make_due(w);
	for (size_t i = 0; i < count; i++)
		give_back(w, owner[i], batch[i]);
}

void jobs_finish(struct world *w, struct node *node)
{
	while (node->job_count) {
		struct job *job = take_any(w, node);
		job_run_batch(&job, 1);
		give_back(w, node, job);
	}
}
