/*
 * The life of an interface, stage by stage, and the supervisor's state. Each
 * stage begins something and ends, at once or by a later callback. What fails on
 * the way up goes straight to the way down, which undoes whatever there is.
 */
#ifndef ADIT_MAIN_LIFETIME_H
#define ADIT_MAIN_LIFETIME_H

#include "io/loop.h"
#include "main/background.h"
#include "main/door.h"
#include "main/engine_link.h"
#include "main/feed.h"
#include "main/hook_queue.h"
#include "main/load.h"
#include "main/name_servers.h"
#include "main/names.h"
#include "main/options.h"
#include "main/source_check.h"
#include "main/stamps.h"
#include "manage/control.h"
#include "manage/link.h"
#include "manage/monitor.h"
#include "manage/notify.h"
#include "manage/routes.h"

enum stage {
	STAGE_PRE_UP,
	STAGE_FEED,    /* keys and peers go into the engine */
	STAGE_NAMES,   /* of endpoints are looked up, before a default route moves */
	STAGE_LINK_UP, /* MTU, addresses, up, routes */
	STAGE_SETTLE,  /* until the engine has followed */
	STAGE_DNS,
	STAGE_POST_UP,
	STAGE_RUNNING,
	STAGE_PRE_DOWN,
	STAGE_DNS_DOWN,
	STAGE_DOWN,
	STAGE_POST_DOWN,
	STAGE_END,
};

struct supervisor {
	const struct supervisor_options *options;
	enum stage stage;
	int status;	       /* an enum verb_exit */
	enum stage hook_stage; /* in which the hooks that run were started */
	bool has_config, has_hooks, has_dns, has_monitor, has_loop;
	bool is_going, was_up;
	bool is_told_to_end; /* by a signal */
	struct load config;
	struct background background;
	struct notify notify;
	nanos watchdog_due; /* the next ping for the service manager's watchdog */
	struct loop loop;
	struct engine_link engine;
	struct names names;
	nanos names_due; /* the end of STAGE_NAMES */
	struct hook_queue hooks;
	struct name_servers name_servers;
	struct feed feed;
	int tun;
	struct control control;
	nanos control_due; /* when a listener that failed is tried again; NANOS_NEVER: it works */
	struct monitor monitor;
	struct routes routes;
	struct source_check source_check;
	struct stamps stamps;
	struct door door;
	struct netlink netlink;
	struct link link;
	struct watch engine_watch, names_watch, control_watch, removal_watch, monitor_watch,
		feed_watch, background_watch, routes_watch;
};

/* The file's, or what is usual. */
static inline struct tuning lifetime_tuning(const struct supervisor *s)
{
	return s->has_config ? s->config.conf.tuning : TUNING_USUAL;
}

/* The first stage; the loop runs next. */
void lifetime_begin(struct supervisor *s);

/* Ends the interface, from whatever stage; the first status that is not VERB_OK stays. */
void lifetime_end(struct supervisor *s, int status);

/* On the way down: a hook that runs is not waited for, and no other is run. */
void lifetime_skip_hooks(struct supervisor *s);

/* What the kill switch guards stays blocked when the interface ends now; says so. */
void lifetime_keep_guards(struct supervisor *s);

/* Undoes whatever there is; harmless when repeated. */
void lifetime_tear_down(struct supervisor *s);

/* What of a change is not sent yet goes when the engine has read. */
void lifetime_watch_feed(struct supervisor *s);
/* Sets the loop's deadline: for names to look up, news of routes, a reload to confirm. */
void lifetime_schedule(struct supervisor *s);

/* Something about names is new, or names_due may have come. */
void lifetime_look_for_names(struct supervisor *s, nanos boottime);

void lifetime_on_feed_reply(struct supervisor *s, int error);
void lifetime_on_pong(struct supervisor *s);

/* Asks the engine for a sign of life when one is due to the service manager. */
void lifetime_feed_watchdog(struct supervisor *s, nanos boottime);

#endif
