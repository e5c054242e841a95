#include "main/hook_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_READS_MAX 128 /* after a command: a pipe holds half as many */

const char *hook_phase_name(enum hook_phase phase)
{
	switch (phase) {
	case HOOK_PRE_UP: return "PreUp";
	case HOOK_POST_UP: return "PostUp";
	case HOOK_PRE_DOWN: return "PreDown";
	case HOOK_POST_DOWN: return "PostDown";
	}
	return "hook";
}

/* Nothing of the caller's stays open: neither the reader of its output nor the writer waits. */
static int run_child(int channel, void *output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	close(null);
	dup2(*(int *)output, STDOUT_FILENO);
	dup2(*(int *)output, STDERR_FILENO);
	close(*(int *)output);
	return hooks_run(channel, NULL);
}

int hook_queue_start(struct hook_queue *queue)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	int error = process_start(&queue->process, "adit-hooks", run_child, &ends[1], &ends[1], 1);
	close(ends[1]);
	if (error) {
		close(ends[0]);
		return error;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	queue->output.fd = ends[0];
	queue->hooks = (struct hooks){.channel = queue->process.channel};
	return 0;
}

static void detach(struct hook_queue *queue)
{
	if (!queue->loop)
		return;
	loop_remove(queue->loop, &queue->answers);
	if (queue->output.fd >= 0)
		loop_remove(queue->loop, &queue->output);
	queue->loop = NULL;
}

void hook_queue_stop(struct hook_queue *queue)
{
	if (queue->process.pid <= 0)
		return;
	detach(queue);
	if (!queue->commands) {
		process_finish(&queue->process);
	} else {
		log_error("%s: \"%s\" still runs: not waited for", hook_phase_name(queue->phase),
			queue->commands[queue->next - 1]);
		process_abandon(&queue->process);
	}
	if (queue->output.fd >= 0)
		close(queue->output.fd);
	*queue = (struct hook_queue){0};
}

static void log_line(struct hook_queue *queue)
{
	if (queue->line_len)
		log_info("%s: %.*s", hook_phase_name(queue->phase), (int)queue->line_len,
			queue->line);
	queue->line_len = 0;
}

static void close_output(struct hook_queue *queue)
{
	loop_remove(queue->loop, &queue->output);
	close(queue->output.fd);
	queue->output.fd = -1;
	log_line(queue);
}

/* What hooks print, a line at a time. true: there may be more. */
static bool read_output(struct hook_queue *queue)
{
	char buffer[LOG_LINE_MAX];
	if (queue->output.fd < 0)
		return false;
	ssize_t len = read(queue->output.fd, buffer, sizeof buffer);
	if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
		close_output(queue);
	for (ssize_t i = 0; i < len; i++) {
		if (buffer[i] == '\n' || queue->line_len == sizeof queue->line)
			log_line(queue);
		if (buffer[i] != '\n')
			queue->line[queue->line_len++] = buffer[i];
	}
	return len == sizeof buffer;
}

static void on_output(void *context, uint32_t events)
{
	(void)events;
	read_output(context);
}

/* The last words of a command that has ended: they may be the reason. */
static void read_last_output(struct hook_queue *queue)
{
	for (int i = 0; i < OUTPUT_READS_MAX && read_output(queue); i++)
		continue;
	log_line(queue);
}

static void finish(struct hook_queue *queue, int status)
{
	queue->commands = NULL;
	queue->count = 0;
	queue->on_done(queue->context, status);
}

static int start_next(struct hook_queue *queue)
{
	const char *command = queue->commands[queue->next++];
	log_info("%s: %s", hook_phase_name(queue->phase), command);
	int error = hooks_start(&queue->hooks, queue->phase, queue->interface, command);
	if (error)
		log_error("%s: \"%s\" cannot be started: %s", hook_phase_name(queue->phase),
			command, strerror(-error));
	return error;
}

static void on_answer(void *context, uint32_t events)
{
	struct hook_queue *queue = context;
	int status, got = hooks_answer(&queue->hooks, &status);
	(void)events;
	if (got == -EAGAIN)
		return;
	read_last_output(queue);
	if (got != 1) {
		log_error("the hook runner ended");
		loop_remove(queue->loop, &queue->answers);
		status = got ? got : -EPIPE;
	} else if (status) {
		log_error("%s: \"%s\" ended with status %d", hook_phase_name(queue->phase),
			queue->commands[queue->next - 1], status);
	}
	bool has_more = queue->commands && !status && queue->next < queue->count;
	if (has_more)
		status = start_next(queue);
	if (queue->commands && (!has_more || status))
		finish(queue, status);
}

int hook_queue_attach(struct hook_queue *queue, struct loop *loop)
{
	queue->answers = (struct watch){queue->process.channel, on_answer, queue};
	queue->output.callback = on_output;
	queue->output.context = queue;
	int error = loop_add(loop, &queue->answers, EPOLLIN);
	if (!error)
		error = loop_add(loop, &queue->output, EPOLLIN);
	if (!error)
		queue->loop = loop;
	return error;
}

int hook_queue_run(struct hook_queue *queue, enum hook_phase phase, const char *interface,
	char *const *commands, size_t count)
{
	if (!count)
		return 0;
	queue->phase = phase;
	queue->interface = interface;
	queue->commands = commands;
	queue->count = count;
	queue->next = 0;
	int error = start_next(queue);
	if (error)
		queue->commands = NULL;
	return error ? error : 1;
}
