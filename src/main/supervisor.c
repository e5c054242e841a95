#include "main/supervisor.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"
#include "io/tun.h"
#include "main/interface.h"
#include "main/lifetime.h"
#include "main/link_follow.h"
#include "main/prepare.h"
#include "main/verb.h"

/* ---- callbacks of the loop */

/* Too many descriptors, or no memory: whoever connects waits, and we do not spin. */
static void pause_control(struct supervisor *s, int error)
{
	log_error("a control connection cannot be taken: %s; tried again every second",
		strerror(-error));
	loop_modify(&s->loop, &s->control_watch, 0);
	s->control_due = nanos_add(clock_read().boottime, NANOS_PER_SECOND);
	lifetime_schedule(s);
}

static void resume_control(struct supervisor *s, nanos now)
{
	if (!nanos_is_due(s->control_due, now))
		return;
	s->control_due = NANOS_NEVER;
	if (s->control.listen_fd >= 0)
		loop_modify(&s->loop, &s->control_watch, EPOLLIN);
}

static void on_control(void *context, uint32_t events)
{
	struct supervisor *s = context;
	int fd = control_accept(&s->control);
	(void)events;
	if (fd < 0 && fd != -EAGAIN)
		pause_control(s, fd);
	if (fd >= 0 && engine_link_give_control(&s->engine, fd, false))
		log_error("a control connection could not be handed to the engine");
}

static void on_removal(void *context, uint32_t events)
{
	struct supervisor *s = context;
	(void)events;
	if (!control_is_removed(&s->control))
		return;
	log_info("%s was removed: ending", s->control.path);
	lifetime_end(s, VERB_OK);
}

/* Nobody told us to end: what a kill switch holds back stays so, as when we are killed. */
static void on_deletion(struct supervisor *s)
{
	bool is_kept = s->stage < STAGE_PRE_DOWN && link_is_guarded(&s->link);
	log_info("the interface was deleted: ending");
	link_lose_device(&s->link);
	if (is_kept)
		lifetime_keep_guards(s);
	lifetime_end(s, is_kept ? VERB_FAILED : VERB_OK);
}

static void on_link_change(struct supervisor *s, uint32_t changes)
{
	if (changes & MONITOR_DELETED) {
		on_deletion(s);
		return;
	}
	if (changes & MONITOR_MOVED) {
		log_info("the interface was moved to another network namespace");
		link_lose_device(&s->link);
		name_servers_leave(&s->name_servers);
	}
	const uint32_t both = MONITOR_UP | MONITOR_DOWN;
	if ((changes & both) == both) /* going down ends sessions, however short it was */
		engine_link_tell(&s->engine, !s->monitor.link.is_up, s->monitor.link.mtu);
	if (changes & (both | MONITOR_MTU))
		engine_link_tell(&s->engine, s->monitor.link.is_up, s->monitor.link.mtu);
	link_follow(s, changes);
}

static void on_monitor(void *context, uint32_t events)
{
	struct supervisor *s = context;
	uint32_t one, changes = 0;
	(void)events;
	/* All that is there, then the outcome once: an MTU set before "up" is no "down". */
	while (monitor_read(&s->monitor, &one) == 1)
		changes |= one;
	on_link_change(s, changes);
}

static void on_end_of_engine(struct supervisor *s)
{
	if (s->engine.process.pid <= 0)
		return; /* we have ended it ourselves */
	loop_remove(&s->loop, &s->engine_watch);
	if (s->has_config)
		loop_remove(&s->loop, &s->feed_watch);
	int status = engine_link_stop(&s->engine);
	if (status > 128)
		log_error("the engine was ended by signal %d (%s): ending", status - 128,
			strsignal(status - 128));
	else
		log_error("the engine ended, with status %d: ending", status);
	lifetime_keep_guards(s);
	lifetime_end(s, VERB_FAILED);
}

static void on_engine(void *context, uint32_t events)
{
	struct supervisor *s = context;
	enum from_engine_kind kind;
	int got = engine_link_receive(&s->engine, &kind);
	(void)events;
	if (got == 1 && kind == FROM_ENGINE_PONG)
		lifetime_on_pong(s);
	if (got == 1 && kind == FROM_ENGINE_SOURCES)
		source_check_continue(&s->source_check, &s->engine, &s->netlink);
	if (got == 1 && kind == FROM_ENGINE_NEED_STAMPS) {
		stamps_grant(&s->stamps, &s->engine.sent_stamp, clock_read().realtime);
		engine_link_give_stamps(&s->engine, &s->stamps);
	}
	if (got != 1 && got != -EAGAIN)
		on_end_of_engine(s);
}

static void on_names(void *context, uint32_t events)
{
	struct supervisor *s = context;
	nanos now = clock_read().boottime;
	(void)events;
	int error = names_answer(&s->names, now);
	name_servers_look(&s->name_servers, &s->names, now);
	lifetime_look_for_names(s, now);
	reload_on_time(&s->door.reload, now);
	if (error) {
		log_error("the resolver ended: endpoints given by name are not looked up any more");
		loop_remove(&s->loop, &s->names_watch);
		return;
	}
	lifetime_schedule(s);
}

static void on_routes(void *context, uint32_t events)
{
	struct supervisor *s = context;
	int error = routes_read(&s->routes, clock_read().boottime);
	(void)events;
	if (error) {
		log_error("changes of routes are not seen any more: %s", strerror(-error));
		loop_remove(&s->loop, &s->routes_watch);
	}
	lifetime_schedule(s);
}

static void on_deadline(void *context)
{
	struct supervisor *s = context;
	nanos now = clock_read().boottime;
	if (routes_take_news(&s->routes, now)) {
		engine_link_renew_sockets(&s->engine);
		source_check_begin(&s->source_check, &s->engine);
	}
	name_servers_look(&s->name_servers, &s->names, now);
	resume_control(s, now);
	lifetime_look_for_names(s, now);
	if (s->stage <= STAGE_RUNNING)
		lifetime_feed_watchdog(s, now);
	reload_on_time(&s->door.reload, now);
	admin_on_time(&s->door.admin, now);
	lifetime_schedule(s);
}

static void on_feed(void *context, uint32_t events)
{
	struct supervisor *s = context;
	int error, got = 1;
	if (events & EPOLLOUT) {
		got = feed_flush(&s->feed) ? -EPIPE : 1;
		lifetime_watch_feed(s);
	}
	while (got == 1 && (got = feed_reply(&s->feed, &error)) == 1)
		lifetime_on_feed_reply(s, error);
	if (got != -EAGAIN)
		on_end_of_engine(s); /* which does not close this connection as long as it runs */
}

static void on_waiter_gone(void *context, uint32_t events)
{
	struct supervisor *s = context;
	(void)events;
	loop_remove(&s->loop, &s->background_watch);
	log_info("interrupted before it was ready: ending");
	lifetime_end(s, VERB_FAILED);
}

static void on_signal(void *context, int signal)
{
	struct supervisor *s = context;
	if (signal == SIGHUP && s->has_config) {
		door_on_hangup(&s->door);
		return;
	}
	/* A terminal that closes may say so more than once. */
	bool is_again = s->is_told_to_end && signal != SIGHUP;
	s->is_told_to_end |= signal != SIGHUP;
	log_info("%s: ending", strsignal(signal));
	lifetime_end(s, VERB_OK);
	if (is_again)
		lifetime_skip_hooks(s);
}

/* ---- start */

static int watch(struct supervisor *s, struct watch *watch, int fd,
	void (*callback)(void *context, uint32_t events))
{
	*watch = (struct watch){fd, callback, s};
	return loop_add(&s->loop, watch, EPOLLIN);
}

static sigset_t signals_of_ours(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

static int watch_all(struct supervisor *s)
{
	sigset_t set = signals_of_ours();
	loop_on_deadline(&s->loop, on_deadline, s);
	int error = loop_on_signals(&s->loop, &set, on_signal, s);
	if (!error)
		error = watch(s, &s->engine_watch, s->engine.process.channel, on_engine);
	if (!error)
		error = watch(s, &s->names_watch, s->names.process.channel, on_names);
	if (!error)
		error = watch(s, &s->control_watch, s->control.listen_fd, on_control);
	if (!error && s->control.watch_fd >= 0)
		error = watch(s, &s->removal_watch, s->control.watch_fd, on_removal);
	if (!error)
		error = watch(s, &s->monitor_watch, s->monitor.fd, on_monitor);
	if (!error)
		error = watch(s, &s->routes_watch, s->routes.fd, on_routes);
	if (!error && s->has_config)
		error = watch(s, &s->feed_watch, s->feed.fd, on_feed);
	if (!error && s->background.fd >= 0)
		error = watch(s, &s->background_watch, s->background.fd, on_waiter_gone);
	if (!error && s->has_hooks)
		error = hook_queue_attach(&s->hooks, &s->loop);
	if (!error && s->has_dns)
		error = name_servers_attach(&s->name_servers, &s->loop);
	if (error)
		log_error("cannot watch the descriptors: %s", strerror(-error));
	return error;
}

/* The children are forked first: they inherit neither keys nor descriptors. */
static int start_children(struct supervisor *s)
{
	bool is_background = s->options->is_background;
	int error = engine_link_start(&s->engine, is_background);
	if (!error)
		error = names_start(&s->names, is_background);
	if (!error)
		error = hook_queue_start(&s->hooks);
	if (!error)
		error = name_servers_start(&s->name_servers, &dns_usual_system);
	if (error)
		log_error("cannot start a process: %s", strerror(-error));
	return error;
}

static int read_config(struct supervisor *s)
{
	if (!s->options->path[0])
		return VERB_OK;
	memcpy(s->config.name, s->options->name, sizeof s->config.name);
	snprintf(s->config.path, sizeof s->config.path, "%s", s->options->path);
	int status = load_read(&s->config, log_text);
	s->has_config = status == VERB_OK;
	return status;
}

/* Everything up to the loop. What was opened is closed by close_all. */
static int start(struct supervisor *s)
{
	if (start_children(s))
		return VERB_FAILED;
	int status = read_config(s);
	if (!status)
		status = prepare_check_config(s);
	if (status)
		return status;
	if (interface_open(s) || prepare_engine(s) || watch_all(s))
		return VERB_FAILED;
	if (s->has_config)
		interface_open_door(s);
	return VERB_OK;
}

static void close_all(struct supervisor *s)
{
	lifetime_tear_down(s);
	names_stop(&s->names);
	hook_queue_stop(&s->hooks);
	name_servers_stop(&s->name_servers);
	netlink_close(&s->netlink);
	if (s->has_loop)
		loop_wipe(&s->loop);
	if (s->has_config)
		load_wipe(&s->config);
	notify_close(&s->notify);
}

/* Signals as we need them, whatever we inherited. The children inherit them from us. */
static void set_signals(void)
{
	signal(SIGPIPE, SIG_IGN); /* whoever reads our messages may go away */
	signal(SIGCHLD, SIG_DFL); /* ignored, it would make waitpid(2) fail */
}

/* Asked before anything starts: else what the children lack would be said first. */
static bool may_create_interface(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	return !syscall(SYS_capget, &header, data) &&
	       data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

int supervisor_run(const struct supervisor_options *options)
{
	static struct supervisor supervisor; /* watches must not move; too large for a stack */
	struct supervisor *s = &supervisor;
	*s = (struct supervisor){
		.options = options,
		.tun = -1,
		.feed.fd = -1,
		.routes = {.fd = -1, .due = NANOS_NEVER},
		.control_due = NANOS_NEVER,
		.door.reload.deadline = NANOS_NEVER,
		.door.admin.due = NANOS_NEVER,
		.background.fd = -1,
		.name_servers.due = NANOS_NEVER,
		.control = {.listen_fd = -1, .watch_fd = -1},
		.config.fd = -1,
	};
	log_init(options->name);
	prctl(PR_SET_DUMPABLE,
		0); /* it reads keys, and its children hold them: no core, no ptrace */
	set_signals();
	if (options->tun < 0 && !may_create_interface()) {
		log_error("%s", tun_explain(-EPERM));
		return VERB_FAILED;
	}
	const int keep[] = {options->tun, options->listener};
	int error = options->is_background ? background_start(&s->background, keep) : 0;
	if (error) {
		log_error("cannot go to the background: %s", strerror(-error));
		return VERB_FAILED;
	}
	/* They wait until somebody looks: killed now, we would leave a socket behind. */
	sigset_t set = signals_of_ours();
	sigprocmask(SIG_BLOCK, &set, NULL);
	notify_open(&s->notify);
	s->status = start(s);
	if (!s->status) {
		lifetime_begin(s);
		loop_run(&s->loop);
	}
	close_all(s);
	/* Whoever still waits for the interface does not get it, whatever ended us. */
	background_release(&s->background, s->status ? s->status : VERB_FAILED);
	return s->status;
}
