#include "main/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/clock.h"
#include "io/log.h"
#include "main/relink.h"
#include "main/verb.h"
#include "text/reconcile.h"

static void say_lines(struct reload *r)
{
	if (r->plan.lines.len)
		r->voice.say(r->voice.context, RELOAD_LINE, out_string(&r->plan.lines));
}

/* ---- the end of it */

static void close_feed(struct reload *r)
{
	if (r->feed.fd < 0)
		return;
	loop_remove(r->loop, &r->feed_watch);
	feed_close(&r->feed);
}

static void wipe(struct reload *r)
{
	close_feed(r);
	reload_hooks_stop(&r->hooks);
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

void reload_init(struct reload *r)
{
	r->feed.fd = r->other.fd = -1;
	r->deadline = NANOS_NEVER;
	r->voice = reload_voice_nobody;
	reload_plan_init(&r->plan);
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

static int read_file(struct reload *r)
{
	int error = r->wish.is_dry ? 0 : reload_hooks_start(&r->hooks);
	if (error) {
		reload_voice_remark(&r->voice, "cannot start a process: %s", strerror(-error));
		return VERB_FAILED;
	}
	memcpy(r->other.name, r->config->name, sizeof r->other.name);
	snprintf(r->other.path, sizeof r->other.path, "%s",
		r->wish.path ? r->wish.path : r->config->path);
	r->wish.path = NULL;
	if (!is_regular(r->other.path)) {
		reload_voice_remark(&r->voice, "%s is not a file; reading it might wait for ever",
			r->other.path);
		return VERB_FAILED;
	}
	reading = r;
	int status = load_read(&r->other, say_mistake);
	if (status)
		return status;
	status = load_check(&r->other);
	if (!status && !load_has_hooks(&r->other))
		reload_hooks_stop(&r->hooks);
	return status;
}

/* ---- the feed */

static void on_feed(void *context, uint32_t events);

static void watch_feed(struct reload *r)
{
	uint32_t writable = feed_is_sending(&r->feed) ? EPOLLOUT : 0;
	loop_modify(r->loop, &r->feed_watch, EPOLLIN | writable);
}

static int open_feed(struct reload *r)
{
	int error = feed_open(&r->feed, r->engine);
	if (error) {
		r->feed.fd = -1;
		return error;
	}
	r->feed_watch = (struct watch){r->feed.fd, on_feed, r};
	error = loop_add(r->loop, &r->feed_watch, EPOLLIN);
	if (error)
		feed_close(&r->feed);
	return error;
}

/* ---- there */

static void swap_files(struct reload *r)
{
	struct load file = r->other;
	r->other = *r->config;
	*r->config = file;
	reconcile_forget_secrets(&r->config->conf.change);
}

/* What cannot fail any more. */
static void complete(struct reload *r)
{
	reload_plan_follow_names(&r->plan, r->names, &r->plan.forward);
	swap_files(r);
	reload_hooks_keep(&r->hooks);
	say_lines(r);
	size_t count = reload_plan_count_lines(&r->plan);
	log_info("reloaded %s: %zu change%s", r->config->path, count, count == 1 ? "" : "s");
	uint32_t seconds = r->wish.confirm_seconds;
	if (!seconds) {
		give_up(r, VERB_OK);
	} else {
		reload_voice_remark(&r->voice,
			"it is rolled back in %u s, unless \"adit confirm %s\" comes before",
			seconds, r->config->name);
		close_feed(r);
		change_wipe(&r->plan.forward);
		out_wipe(&r->plan.lines);
		r->state = RELOAD_UNCONFIRMED;
		r->deadline = nanos_add(clock_read().boottime, seconds * NANOS_PER_SECOND);
		finish(r, VERB_OK);
	}
	r->on_news(r->context);
}

static void refuse(struct reload *r, int error)
{
	char why[LINK_WHY_MAX];
	struct out ignored;
	const struct change *change = &r->plan.forward;
	if (change->has_listen_port && (error == EADDRINUSE || error == EACCES))
		reload_voice_remark(&r->voice,
			"cannot listen on UDP port %u: %s; nothing was changed",
			change->listen_port, strerror(error));
	else
		reload_voice_remark(&r->voice,
			"the engine refused the change: %s; nothing was changed", strerror(error));
	out_init(&ignored, SIZE_MAX);
	if (relink(r->link, r->netlink, &r->config->conf, &ignored, why))
		reload_voice_remark(&r->voice, "but the interface could not be set back: %s", why);
	out_wipe(&ignored);
	give_up(r, VERB_FAILED);
}

static void change_engine(struct reload *r)
{
	r->state = RELOAD_CHANGING;
	if (reload_plan_is_empty(&r->plan.forward)) {
		complete(r);
		return;
	}
	int error = feed_change(&r->feed, &r->plan.forward);
	watch_feed(r);
	if (error)
		refuse(r, -error);
}

static void carry_out(struct reload *r)
{
	char why[LINK_WHY_MAX] = "no memory";
	bool is_dry = r->wish.is_dry;
	const struct conf *conf = &r->other.conf;
	if (!r->link->ifindex)
		reload_voice_remark(&r->voice,
			"the interface is in another network namespace: its MTU, addresses and "
			"routes are left as they are");
	int error = is_dry ? relink_diff(r->link, r->netlink, conf, &r->plan.lines, why)
			   : relink(r->link, r->netlink, conf, &r->plan.lines, why);
	if (error) {
		reload_voice_remark(&r->voice, "%s%s", why, is_dry ? "" : "; nothing was changed");
		give_up(r, VERB_FAILED);
		return;
	}
	reload_plan_add_file_lines(&r->plan, &r->config->conf, conf);
	if (!is_dry) {
		change_engine(r);
		return;
	}
	say_lines(r);
	give_up(r, VERB_OK);
}

static void on_state(struct reload *r, const struct change *from)
{
	if (reload_plan_make(&r->plan, from, &r->config->conf, &r->other.conf)) {
		carry_out(r);
		return;
	}
	reload_voice_remark(&r->voice, "no memory for a reload; nothing was changed");
	give_up(r, VERB_FAILED);
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
	int error = open_feed(r);
	if (!error) {
		error = feed_ask(&r->feed);
		watch_feed(r);
	}
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
	r->on_news(r->context);
	return VERB_OK;
}

/* The old file is the interface's again, even where something of the way back failed. */
static void arrive_back(struct reload *r, int error)
{
	if (error)
		reload_voice_remark(
			&r->voice, "the engine refused the way back: %s", strerror(error));
	if (names_add_all(&r->plan.names, &r->other.conf))
		reload_voice_remark(
			&r->voice, "no memory: names of endpoints are not looked up any more");
	reload_plan_follow_names(&r->plan, r->names, &r->plan.back);
	swap_files(r);
	wipe(r);
	log_info("the reload was not confirmed in time: it is rolled back");
	r->on_news(r->context);
}

static void go_back(struct reload *r)
{
	char why[LINK_WHY_MAX];
	r->state = RELOAD_GOING_BACK;
	r->deadline = NANOS_NEVER;
	r->voice = reload_voice_log;
	if (relink(r->link, r->netlink, &r->other.conf, &r->plan.lines, why))
		reload_voice_remark(&r->voice, "the interface could not be set back: %s", why);
	if (reload_plan_is_empty(&r->plan.back)) {
		arrive_back(r, 0);
		return;
	}
	int error = open_feed(r);
	if (!error) {
		error = feed_change(&r->feed, &r->plan.back);
		watch_feed(r);
	}
	if (error)
		arrive_back(r, -error);
}

void reload_on_time(struct reload *r, nanos boottime)
{
	if (r->state == RELOAD_UNCONFIRMED && nanos_is_due(r->deadline, boottime))
		go_back(r);
}

/* ---- what the engine says */

static int read_feed(struct reload *r)
{
	int error, got;
	if (r->state == RELOAD_ASKED) {
		struct change from;
		got = feed_state(&r->feed, &from);
		if (got == 1)
			on_state(r, &from);
		change_wipe(&from);
		return got;
	}
	got = feed_reply(&r->feed, &error);
	if (got != 1)
		return got;
	error = error < 0 ? -error : error;
	if (r->state == RELOAD_GOING_BACK)
		arrive_back(r, error);
	else if (error)
		refuse(r, error);
	else
		complete(r);
	return 1;
}

static void on_feed(void *context, uint32_t events)
{
	struct reload *r = context;
	int got = 1;
	if (events & EPOLLOUT) {
		got = feed_flush(&r->feed) ? -EPIPE : 1;
		watch_feed(r);
	}
	if (got == 1)
		got = read_feed(r);
	if (got == 1 || got == -EAGAIN)
		return;
	if (r->state == RELOAD_CHANGING)
		refuse(r, got ? -got : EPIPE);
	else if (r->state == RELOAD_GOING_BACK)
		arrive_back(r, got ? -got : EPIPE);
	else {
		reload_voice_remark(&r->voice, "the engine does not say what it is doing: %s",
			strerror(got ? -got : EPIPE));
		give_up(r, VERB_FAILED);
	}
}

void reload_abandon(struct reload *r)
{
	if (r->state == RELOAD_NONE)
		return;
	bool is_heard = r->state == RELOAD_ASKED || r->state == RELOAD_CHANGING;
	if (is_heard)
		reload_voice_remark(&r->voice, "the interface ends");
	give_up(r, VERB_FAILED);
}
