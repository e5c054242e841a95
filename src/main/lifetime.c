#include "main/lifetime.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/log.h"
#include "main/default_route.h"
#include "main/verb.h"
#include "main/wishes.h"
#include "text/reconcile.h"

void lifetime_watch_feed(struct supervisor *s)
{
	uint32_t writable = feed_is_sending(&s->feed) ? EPOLLOUT : 0;
	loop_modify(&s->loop, &s->feed_watch, EPOLLIN | writable);
}

/* ---- the stages: each returns true when it is over at once */

static void go(struct supervisor *s);

/* What went wrong on the way up: the way down is next. */
static bool abandon(struct supervisor *s, int status)
{
	if (s->status == VERB_OK)
		s->status = status;
	s->stage = STAGE_DNS_DOWN - 1;
	return true;
}

static bool run_hooks(
	struct supervisor *s, enum hook_phase phase, const struct conf_texts *commands)
{
	if (!s->has_hooks)
		return true;
	s->hook_stage = s->stage;
	int started = hook_queue_run(
		&s->hooks, phase, s->options->name, commands->items, commands->count);
	if (started < 0 && s->stage < STAGE_RUNNING)
		return abandon(s, VERB_FAILED);
	return started != 1;
}

static void on_hooks_done(void *context, int status)
{
	struct supervisor *s = context;
	if (s->stage != s->hook_stage)
		return; /* we were told to end while it ran */
	if (status && s->stage < STAGE_RUNNING)
		abandon(s, VERB_FAILED);
	s->stage++;
	go(s);
}

static bool feed_config(struct supervisor *s)
{
	if (!s->has_config)
		return true;
	int error = feed_change(&s->feed, &s->config.conf.change);
	lifetime_watch_feed(s);
	if (!error)
		return false; /* lifetime_on_feed_reply goes on */
	log_error("the engine does not take the configuration: %s", strerror(-error));
	return abandon(s, VERB_FAILED);
}

void lifetime_on_feed_reply(struct supervisor *s, int error)
{
	if (error)
		log_error("the engine refused a change: %s", strerror(error < 0 ? -error : error));
	if (s->stage != STAGE_FEED)
		return;
	if (error)
		abandon(s, VERB_FAILED);
	s->stage++;
	go(s);
}

/* Name servers may be reached through the tunnel only, once it has the default route. */
static bool await_names(struct supervisor *s)
{
	if (names_state(&s->names) == NAMES_KNOWN || !default_route_is_wanted(&s->config.conf))
		return true;
	s->names_due = nanos_add(clock_read().boottime, DEFAULT_ROUTE_PATIENCE);
	lifetime_schedule(s);
	return false; /* lifetime_look_for_names goes on */
}

void lifetime_look_for_names(struct supervisor *s, nanos boottime)
{
	bool is_known = names_state(&s->names) == NAMES_KNOWN;
	if (s->stage != STAGE_NAMES || (!is_known && !nanos_is_due(s->names_due, boottime)))
		return;
	if (!is_known)
		log_error("the default route moves although not all endpoints are known: their "
			  "names can be looked up only if the main table leads to a name server");
	s->stage++;
	go(s);
}

/* After this the keys are in the engine only. */
static bool raise_link(struct supervisor *s)
{
	char why[LINK_WHY_MAX] = "no memory";
	struct wishes wishes;
	if (!s->has_config)
		return true;
	bool ok = wishes_gather(&wishes, &s->config.conf, s->monitor.link.ifindex) &&
		  !link_apply(&s->link, &s->netlink, &wishes.settings, NULL, why);
	wishes_wipe(&wishes);
	reconcile_forget_secrets(&s->config.conf.change);
	int error = ok ? engine_link_tell(&s->engine, true, s->link.state.mtu) : 0;
	if (ok && !error)
		return true;
	log_error("cannot set up the interface: %s", error ? strerror(-error) : why);
	return abandon(s, VERB_FAILED);
}

static bool settle(struct supervisor *s)
{
	if (!engine_link_ping(&s->engine))
		return false; /* lifetime_on_pong goes on */
	log_error("the engine does not answer");
	return abandon(s, VERB_FAILED);
}

void lifetime_on_pong(struct supervisor *s)
{
	if (s->stage == STAGE_SETTLE) {
		s->stage++;
		go(s);
	} else {
		notify_send(&s->notify, NOTIFY_WATCHDOG);
	}
}

/* The service manager hears from us only while the engine answers: a hung one is restarted. */
void lifetime_feed_watchdog(struct supervisor *s, nanos boottime)
{
	if (s->notify.watchdog_ns == NANOS_NEVER || boottime < s->watchdog_due)
		return;
	s->watchdog_due = nanos_add(boottime, s->notify.watchdog_ns / 2);
	engine_link_ping(&s->engine);
}

void lifetime_schedule(struct supervisor *s)
{
	nanos next = nanos_min(s->routes.due, s->control_due);
	next = nanos_min(next, s->door.reload.deadline);
	next = nanos_min(next, s->door.admin.due);
	if (s->notify.watchdog_ns != NANOS_NEVER && s->stage <= STAGE_RUNNING)
		next = nanos_min(next, s->watchdog_due);
	next = nanos_min(next, s->name_servers.due);
	if (s->stage == STAGE_NAMES)
		next = nanos_min(next, s->names_due);
	if (s->stage == STAGE_NAMES || (s->stage >= STAGE_DNS && s->stage <= STAGE_RUNNING))
		next = nanos_min(next, names_ask(&s->names, clock_read().boottime));
	loop_set_deadline(&s->loop, next);
}

static bool set_name_servers(struct supervisor *s)
{
	if (!s->has_dns)
		return true;
	int set = name_servers_set(&s->name_servers, &s->names, clock_read().boottime);
	if (set < 0)
		return abandon(s, VERB_FAILED);
	lifetime_schedule(s); /* endpoints may have to be looked up first */
	return !set;
}

static void on_name_servers_done(void *context, int error)
{
	struct supervisor *s = context;
	if (s->stage == STAGE_RUNNING)
		reload_on_servers(&s->door.reload, error);
	if (s->stage != STAGE_DNS && s->stage != STAGE_DNS_DOWN)
		return; /* we were told to end while it was at it */
	if (error && s->stage == STAGE_DNS)
		abandon(s, VERB_FAILED);
	s->stage++;
	go(s);
}

static void say_up(const struct supervisor *s)
{
	if (s->has_config)
		log_info("up, MTU %u, listening on UDP port %u", s->link.state.mtu,
			s->engine.udp.port);
	else
		log_info("an interface without configuration: wg(8) sets it up; it ends with its "
			 "link or its socket: \"wg-quick down\" if that started it, else \"ip link "
			 "del %s\" or \"adit down %s\"",
			s->options->name, s->options->name);
}

static bool announce(struct supervisor *s)
{
	s->was_up = true;
	notify_send(&s->notify, NOTIFY_READY);
	bool is_background = s->background.fd >= 0;
	say_up(s);
	if (is_background) {
		names_say_unknown(&s->names);
		loop_remove(&s->loop, &s->background_watch);
	}
	background_release(&s->background, VERB_OK);
	if (is_background)
		say_up(s); /* for syslog too */
	if (s->has_config)
		door_begin(&s->door);
	lifetime_schedule(s);
	return false; /* lifetime_end goes on */
}

void lifetime_keep_guards(struct supervisor *s)
{
	if (!link_is_guarded(&s->link))
		return;
	log_error("the kill switch stays closed; \"adit down %s\" opens it", s->options->name);
	link_forget(&s->link);
}

void lifetime_tear_down(struct supervisor *s)
{
	if (s->was_up)
		link_down(&s->link, &s->netlink);
	else
		link_restore(&s->link, &s->netlink);
	if (s->has_loop && s->engine.process.pid > 0)
		loop_remove(&s->loop, &s->engine_watch);
	if (s->has_loop && s->feed.fd >= 0)
		loop_remove(&s->loop, &s->feed_watch);
	feed_close(&s->feed);
	if (s->engine.process.pid > 0)
		engine_link_stop(&s->engine);
	if (s->engine.has_last_stamp)
		stamps_close(&s->stamps, &s->engine.sent_stamp);
	if (s->has_loop && s->routes.fd >= 0)
		loop_remove(&s->loop, &s->routes_watch);
	routes_close(&s->routes);
	if (s->has_monitor) {
		loop_remove(&s->loop, &s->monitor_watch);
		monitor_close(&s->monitor);
		s->has_monitor = false;
	}
	if (s->tun >= 0)
		close(s->tun);
	s->tun = -1;
	if (s->has_loop && s->control.listen_fd >= 0) {
		loop_remove(&s->loop, &s->control_watch);
		if (s->control.watch_fd >= 0)
			loop_remove(&s->loop, &s->removal_watch);
	}
	control_close(&s->control);
	door_close(&s->door);
}

static bool run_stage(struct supervisor *s)
{
	const struct conf_link *link = &s->config.conf.link;
	switch (s->stage) {
	case STAGE_PRE_UP: return run_hooks(s, HOOK_PRE_UP, &link->pre_up);
	case STAGE_FEED: return feed_config(s);
	case STAGE_NAMES: return await_names(s);
	case STAGE_LINK_UP: return raise_link(s);
	case STAGE_SETTLE: return settle(s);
	case STAGE_DNS: return set_name_servers(s);
	case STAGE_POST_UP: return run_hooks(s, HOOK_POST_UP, &link->post_up);
	case STAGE_RUNNING: return announce(s);
	case STAGE_PRE_DOWN:
		notify_send(&s->notify, NOTIFY_STOPPING);
		return run_hooks(s, HOOK_PRE_DOWN, &link->pre_down);
	case STAGE_DNS_DOWN: return name_servers_unset(&s->name_servers) != 1;
	case STAGE_DOWN: lifetime_tear_down(s); return true;
	case STAGE_POST_DOWN: return !s->was_up || run_hooks(s, HOOK_POST_DOWN, &link->post_down);
	case STAGE_END: loop_stop(&s->loop); return false;
	}
	return false;
}

/* Not re-entered: a stage that fails at once only moves s->stage. */
static void go(struct supervisor *s)
{
	if (s->is_going)
		return;
	s->is_going = true;
	while (run_stage(s))
		s->stage++;
	s->is_going = false;
}

void lifetime_begin(struct supervisor *s)
{
	s->hooks.on_done = on_hooks_done;
	s->hooks.context = s;
	s->name_servers.on_done = on_name_servers_done;
	s->name_servers.context = s;
	go(s);
}

void lifetime_end(struct supervisor *s, int status)
{
	if (s->status == VERB_OK)
		s->status = status;
	if (s->stage >= STAGE_PRE_DOWN)
		return; /* it is ending already */
	door_end(&s->door);
	bool is_orderly = s->stage == STAGE_RUNNING && !s->monitor.is_deleted;
	s->stage = is_orderly ? STAGE_PRE_DOWN : STAGE_DNS_DOWN;
	go(s);
}

void lifetime_skip_hooks(struct supervisor *s)
{
	bool is_running = s->has_hooks && s->hooks.commands && s->hook_stage == s->stage;
	if (s->stage < STAGE_PRE_DOWN || !is_running)
		return;
	hook_queue_stop(&s->hooks); /* says what it is that still runs */
	s->has_hooks = false;
	s->stage++;
	go(s);
}
