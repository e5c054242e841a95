#include "io/loop.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"

static int control(struct loop *loop, int op, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(loop->epoll_fd, op, watch->fd, &event) ? -errno : 0;
}

int loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, watch, events);
}

int loop_modify(struct loop *loop, struct watch *watch, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, watch, events);
}

void loop_remove(struct loop *loop, struct watch *watch)
{
	control(loop, EPOLL_CTL_DEL, watch, 0);
	/* it may stand further on in the batch that is being dispatched */
	for (int i = loop->batch_next; i < loop->batch_count; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

/* ---- the deadline */

static int arm(struct loop *loop, nanos deadline)
{
	struct itimerspec spec = {0}; /* all zero disarms */
	if (deadline != NANOS_NEVER) {
		spec.it_value.tv_sec = (time_t)(deadline / NANOS_PER_SECOND);
		spec.it_value.tv_nsec = (long)(deadline % NANOS_PER_SECOND);
	}
	if (timerfd_settime(loop->timer.fd, TFD_TIMER_ABSTIME, &spec, NULL))
		return -errno;
	loop->armed = deadline;
	return 0;
}

/*
 * A deadline that moves later leaves the timer as it is: when it goes off too
 * early, it is armed again. Data that flows moves deadlines with every packet.
 * 0 needs no timer: loop_run does not wait then; but if it does already, one that
 * goes off at once.
 */
int loop_set_deadline(struct loop *loop, nanos deadline)
{
	nanos least = loop->is_waiting ? 1 : 0;
	loop->deadline = deadline;
	deadline = deadline > least ? deadline : least;
	return deadline && deadline < loop->armed ? arm(loop, deadline) : 0;
}

static void run_deadline(struct loop *loop)
{
	loop->deadline = NANOS_NEVER;
	if (loop->on_deadline)
		loop->on_deadline(loop->deadline_context);
}

static void on_timer(void *context, uint32_t events)
{
	struct loop *loop = context;
	uint64_t expirations;
	(void)events;
	if (read(loop->timer.fd, &expirations, sizeof expirations) < 0)
		return; /* armed anew since */
	loop->armed = NANOS_NEVER;
	if (!nanos_is_due(loop->deadline, clock_read().boottime)) {
		arm(loop, loop->deadline);
		return;
	}
	run_deadline(loop);
}

void loop_on_deadline(struct loop *loop, void (*callback)(void *context), void *context)
{
	loop->on_deadline = callback;
	loop->deadline_context = context;
}

/* ---- waiting */

void loop_on_wait(struct loop *loop, void (*callback)(void *context, bool is_over), void *context)
{
	loop->on_wait = callback;
	loop->wait_context = context;
}

static int wait_for_events(struct loop *loop)
{
	int timeout_ms = loop->deadline == 0 ? 0 : -1;
	if (!loop->on_wait)
		return epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, timeout_ms);
	loop->is_waiting = true;
	loop->on_wait(loop->wait_context, false);
	int n = epoll_wait(loop->epoll_fd, loop->batch, LOOP_BATCH, timeout_ms);
	int error = errno;
	loop->on_wait(loop->wait_context, true);
	loop->is_waiting = false;
	errno = error;
	return n;
}

/* ---- signals */

static void on_signal_fd(void *context, uint32_t events)
{
	struct loop *loop = context;
	struct signalfd_siginfo info;
	(void)events;
	if (read(loop->signals.fd, &info, sizeof info) == sizeof info)
		loop->on_signal(loop->signal_context, (int)info.ssi_signo);
}

int loop_on_signals(struct loop *loop, const sigset_t *set,
	void (*callback)(void *context, int signal), void *context)
{
	int fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signals = (struct watch){fd, on_signal_fd, loop};
	loop->on_signal = callback;
	loop->signal_context = context;
	int error = loop_add(loop, &loop->signals, EPOLLIN);
	if (!error && sigprocmask(SIG_BLOCK, set, NULL))
		error = -errno;
	if (error) {
		close(fd);
		loop->signals.fd = -1;
	}
	return error;
}

/* ---- life */

int loop_init(struct loop *loop)
{
	*loop = (struct loop){.armed = NANOS_NEVER, .deadline = NANOS_NEVER};
	loop->signals.fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->timer = (struct watch){
		timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), on_timer, loop};
	int error = loop->epoll_fd < 0 || loop->timer.fd < 0
			    ? -errno
			    : loop_add(loop, &loop->timer, EPOLLIN);
	if (error)
		loop_wipe(loop);
	return error;
}

void loop_wipe(struct loop *loop)
{
	int *fds[] = {&loop->signals.fd, &loop->timer.fd, &loop->epoll_fd};
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

int loop_run(struct loop *loop)
{
	loop->is_stopped = false;
	while (!loop->is_stopped) {
		int n = wait_for_events(loop);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		loop->batch_count = n;
		loop->batch_next = 0;
		loop->turn++;
		if (loop->deadline == 0)
			run_deadline(loop);
		while (loop->batch_next < loop->batch_count && !loop->is_stopped) {
			struct epoll_event *event = &loop->batch[loop->batch_next++];
			struct watch *watch = event->data.ptr;
			if (watch)
				watch->callback(watch->context, event->events);
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}
