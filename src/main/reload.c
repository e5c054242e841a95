#include "main/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/clock.h"
#include "io/log.h"
#include "main/default_route.h"
#include "main/relink.h"
#include "main/verb.h"
#include "text/reconcile.h"

static void say_lines(struct reload *r)
{
	if (r->plan.lines.len)
		r->voice.say(r->voice.context, RELOAD_LINE, out_string(&r->plan.lines));
}

/* ---- the end of it */

static void wipe(struct reload *r)
{
	reload_feed_close(&r->feed);
	reload_hooks_stop(&r->hooks);
	reload_servers_stop(&r->servers);
	load_wipe(&r->other);
	reload_plan_wipe(&r->plan);
	r->state = RELOAD_NONE;
	r->deadline = NANOS_NEVER;
}

/* To be said once all is in order again: whoever hears it may begin the next. */
static void finish(struct reload *r, int status)
{
	struct reload_voice voice = r->voice;
	r->voice = reload_voice_nobody;
	voice.finish(voice.context, status);
}

static void give_up(struct reload *r, int status)
{
	wipe(r);
	finish(r, status);
}

/* ---- the file */

static struct reload *reading; /* load_read's `say` has no context */

static void say_mistake(const char *text)
{
	if (*text)
		reading->voice.say(reading->voice.context, RELOAD_MISTAKE, text);
}

/* What is not there is load_read's to tell. */
static bool is_regular(const char *path)
{
	struct stat st;
	return stat(path, &st) || S_ISREG(st.st_mode);
}

/* They are forked before the keys are read. 0 or -errno. */
static int start_processes(struct reload *r)
{
	int error = r->wish.is_dry ? 0 : reload_hooks_start(&r->hooks);
	if (!error && !r->wish.is_dry)
		error = reload_servers_start(&r->servers);
	return error;
}

/* What of the file this machine cannot do is said; the processes that it needs stay. */
static int check_file(struct reload *r)
{
	char why[DNS_TEXT_MAX];
	struct conf *conf = &r->other.conf;
	int status = load_check(&r->other, r->world.allow_hooks);
	if (status)
		return status;
	if (!reload_servers_can(&r->servers, conf, r->other.name, why)) {
		reload_voice_remark(&r->voice, "%s: DNS: %s", r->other.path, why);
		return VERB_FAILED;
	}
	if (!load_has_hooks(&r->other))
		reload_hooks_stop(&r->hooks);
	if (!conf->link.dns_servers.count)
		reload_servers_stop(&r->servers);
	int error = r->world.link->ifindex ? default_route_choose_mark(conf, r->world.link,
						     r->world.netlink, r->other.name)
					   : 0;
	if (error)
		reload_voice_remark(&r->voice, "cannot choose a mark for the default route: %s",
			strerror(-error));
	return error ? VERB_FAILED : VERB_OK;
}

static int read_file(struct reload *r)
{
	const struct load *present = r->world.config;
	int error = start_processes(r);
	if (error) {
		reload_voice_remark(&r->voice, "cannot start a process: %s", strerror(-error));
		return VERB_FAILED;
	}
	memcpy(r->other.name, present->name, sizeof r->other.name);
	snprintf(r->other.path, sizeof r->other.path, "%s",
		r->wish.path ? r->wish.path : present->path);
	r->wish.path = NULL; /* the caller's */
	if (!is_regular(r->other.path)) {
		reload_voice_remark(&r->voice, "%s is not a file; reading it might wait for ever",
			r->other.path);
		return VERB_FAILED;
	}
	reading = r;
	int status = load_read(&r->other, say_mistake);
	return status ? status : check_file(r);
}

/* ---- there */

static void swap_files(struct reload *r)
{
	struct load file = r->other;
	r->other = *r->world.config;
	*r->world.config = file;
	reconcile_forget_secrets(&r->world.config->conf.change);
}

static void await_confirmation(struct reload *r)
{
	uint32_t seconds = r->wish.confirm_seconds;
	reload_voice_remark(&r->voice,
		"it is rolled back in %u s, unless \"adit confirm %s\" comes before", seconds,
		r->world.config->name);
	reload_feed_close(&r->feed);
	change_wipe(&r->plan.forward);
	out_wipe(&r->plan.lines);
	r->state = RELOAD_UNCONFIRMED;
	r->deadline = nanos_add(clock_read().boottime, seconds * NANOS_PER_SECOND);
	finish(r, VERB_OK);
}

static void complete(struct reload *r)
{
	swap_files(r);
	reload_hooks_keep(&r->hooks);
	reload_servers_keep(&r->servers);
	reload_plan_add_file_lines(&r->plan, &r->other.conf, &r->world.config->conf);
	say_lines(r);
	size_t count = reload_plan_count_lines(&r->plan);
	log_info("reloaded %s: %zu change%s", r->world.config->path, count, count == 1 ? "" : "s");
	if (r->wish.confirm_seconds && !count)
		reload_voice_remark(&r->voice, "no differences: there is nothing to confirm");
	if (r->wish.confirm_seconds && count)
		await_confirmation(r);
	else
		give_up(r, VERB_OK);
	r->world.on_news(r->world.context);
}

static void show(struct reload *r)
{
	char why[LINK_WHY_MAX];
	const struct conf *old = &r->world.config->conf, *new = &r->other.conf;
	int error = relink_diff(r->world.link, r->world.netlink, new, &r->plan.lines, why);
	if (error)
		reload_voice_remark(&r->voice, "%s", why);
	reload_plan_add_file_lines(&r->plan, old, new);
	if (!error)
		say_lines(r);
	give_up(r, error ? VERB_FAILED : VERB_OK);
}

static void on_state(void *context, int error, const struct change *from)
{
	struct reload *r = context;
	const struct conf *old = &r->world.config->conf, *new = &r->other.conf;
	if (error || !reload_plan_make(&r->plan, from, old, new)) {
		reload_voice_remark(&r->voice, "%s: %s",
			error ? "the engine does not say what it is doing" : "reload",
			strerror(error ? error : ENOMEM));
		give_up(r, VERB_FAILED);
		return;
	}
	if (!r->world.link->ifindex)
		reload_voice_remark(&r->voice,
			"the interface is in another network namespace: its MTU, addresses, "
			"routes, transmit queue and name servers are left as they are");
	if (r->wish.is_dry) {
		show(r);
		return;
	}
	r->state = RELOAD_CHANGING;
	reload_steps_begin(&r->steps, &r->plan, old, new, r->other.name);
}

const char *reload_is_busy(const struct reload *r)
{
	if (r->state == RELOAD_UNCONFIRMED)
		return "the last reload waits to be confirmed, or rolled back";
	return r->state == RELOAD_NONE ? NULL : "another reload is under way";
}

void reload_begin(
	struct reload *r, const struct reload_wish *wish, const struct reload_voice *voice)
{
	const char *busy = reload_is_busy(r);
	if (busy) {
		voice->say(voice->context, RELOAD_REMARK, busy);
		voice->finish(voice->context, VERB_FAILED);
		return;
	}
	r->voice = *voice;
	r->wish = *wish;
	int status = read_file(r);
	if (status) {
		give_up(r, status);
		return;
	}
	r->state = RELOAD_ASKED;
	int error = reload_feed_ask(&r->feed);
	if (error) {
		reload_voice_remark(
			&r->voice, "the engine does not take a question: %s", strerror(-error));
		give_up(r, VERB_FAILED);
	}
}

/* ---- and back */

int reload_confirm(struct reload *r)
{
	if (r->state != RELOAD_UNCONFIRMED)
		return VERB_FAILED;
	wipe(r);
	log_info("the reload is confirmed");
	r->world.on_news(r->world.context);
	return VERB_OK;
}

/* The old file is the interface's again, even where something could not be set back. */
static void arrive_back(struct reload *r)
{
	swap_files(r);
	wipe(r);
	log_info("the reload was not confirmed in time: it is rolled back%s",
		r->steps.has_trouble ? ", but not all of it" : "");
	r->world.on_news(r->world.context);
}

static void roll_back(struct reload *r)
{
	r->state = RELOAD_GOING_BACK;
	r->deadline = NANOS_NEVER;
	r->voice = reload_voice_log; /* nobody asked for this */
	reload_steps_undo(&r->steps, &r->other.conf, &r->world.config->conf);
}

void reload_on_time(struct reload *r, nanos boottime)
{
	if (r->state == RELOAD_CHANGING)
		reload_steps_look(&r->steps, boottime);
	else if (r->state == RELOAD_UNCONFIRMED && nanos_is_due(r->deadline, boottime))
		roll_back(r);
}

static void on_end(void *context, bool is_there)
{
	struct reload *r = context;
	if (r->state == RELOAD_GOING_BACK) {
		arrive_back(r);
	} else if (is_there) {
		complete(r);
	} else {
		if (!r->steps.has_trouble)
			reload_voice_remark(&r->voice, "all is as it was");
		give_up(r, VERB_FAILED);
	}
}

static void on_news(void *context)
{
	struct reload *r = context;
	if (r->state == RELOAD_CHANGING)
		r->deadline = r->steps.due;
	r->world.on_news(r->world.context);
}

static void on_reply(void *context, int error)
{
	struct reload *r = context;
	reload_steps_on_answer(&r->steps, error);
}

void reload_on_servers(struct reload *r, int error)
{
	bool is_under_way = r->state == RELOAD_CHANGING || r->state == RELOAD_GOING_BACK;
	if (is_under_way && reload_steps_await_servers(&r->steps))
		reload_steps_on_answer(&r->steps, -error);
}

/* ---- life */

void reload_init(struct reload *r, const struct reload_world *w)
{
	*r = (struct reload){
		.world = *w,
		.deadline = NANOS_NEVER,
		.other.fd = -1,
		.voice = reload_voice_nobody,
		.hooks = {w->hooks, w->has_hooks, w->loop, false},
		.servers = {w->servers, w->has_servers, w->loop, w->dns_system, false},
		.feed = {.loop = w->loop, .engine = w->engine, .feed.fd = -1},
		.steps = {.feed = &r->feed, .netlink = w->netlink, .link = w->link},
	};
	r->feed.on_state = on_state;
	r->feed.on_reply = on_reply;
	r->feed.context = r;
	r->steps.names = w->names;
	r->steps.servers = &r->servers;
	r->steps.voice = &r->voice;
	r->steps.on_news = on_news;
	r->steps.on_end = on_end;
	r->steps.context = r;
	reload_plan_init(&r->plan);
}

void reload_abandon(struct reload *r)
{
	if (r->state == RELOAD_NONE)
		return;
	if (r->state == RELOAD_ASKED || r->state == RELOAD_CHANGING)
		reload_voice_remark(&r->voice, "the interface ends");
	if (r->state == RELOAD_CHANGING || r->state == RELOAD_GOING_BACK)
		names_free(r->world.names); /* they may be the other file's, which goes now */
	reload_steps_abandon(&r->steps);
	give_up(r, VERB_FAILED);
}
