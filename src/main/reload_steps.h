/*
 * The steps of a reload, there and back: the mark, the link, where to listen, how the
 * engine works, the engine, the names to look up, the name servers. When one fails, those
 * that were done are undone.
 * Each ends at once or in a later callback; nothing waits but in the loop.
 *
 * A mark that comes or changes goes first: rules that send what is not marked into
 * the tunnel must not meet packets of ours without it. A default route that comes
 * goes after the endpoints given by name, as at a start: once it is there, name
 * servers may be behind the tunnel, which needs the endpoints.
 */
#ifndef ADIT_MAIN_RELOAD_STEPS_H
#define ADIT_MAIN_RELOAD_STEPS_H

#include "main/reload_feed.h"
#include "main/reload_plan.h"
#include "main/reload_servers.h"
#include "main/reload_voice.h"
#include "manage/link.h"

enum reload_step {
	RELOAD_STEP_MARK,
	RELOAD_STEP_LINK,
	RELOAD_STEP_LISTEN,
	RELOAD_STEP_TUNING,
	RELOAD_STEP_ENGINE,
	RELOAD_STEP_NAMES,
	RELOAD_STEP_AWAIT_NAMES,
	RELOAD_STEP_LATE_LINK, /* in place of RELOAD_STEP_LINK */
	RELOAD_STEP_SERVERS,
	RELOAD_STEP_END,
};

struct reload_steps {
	/* What they work on; set once. */
	struct reload_feed *feed;
	struct netlink *netlink;
	struct link *link;
	struct names *names;
	struct reload_servers *servers;
	const struct reload_voice *voice; /* hears what goes wrong */
	void (*on_news)(void *context);	  /* there are names to look up, or to wait for */
	/* The last step is over. Not is_there: what was done is undone, but for has_trouble. */
	void (*on_end)(void *context, bool is_there);
	void *context;
	bool has_trouble; /* something could not be set back */
	nanos due;	  /* when to call reload_steps_look, at the latest; NANOS_NEVER: no need */
	/* The rest is private. */
	struct reload_plan *plan;
	const struct conf *old, *new;
	const char *interface;
	enum reload_step step;
	bool is_back, is_running, is_link_late;
	uint32_t passing; /* a mark that passes the rules of another one meanwhile; 0: none */
	bool is_done[RELOAD_STEP_END];
};

/* From the old file to the new one; all stay until on_end. Adds the link's lines to the plan's. */
void reload_steps_begin(struct reload_steps *steps, struct reload_plan *plan,
	const struct conf *old, const struct conf *new, const char *interface);

/* After they are all done, and with the same plan and files: back to the old one. */
void reload_steps_undo(struct reload_steps *steps, const struct conf *old, const struct conf *new);

/* The interface ends before on_end: nothing is undone but what was for the way only. */
void reload_steps_abandon(struct reload_steps *steps);

/* feed->on_reply and servers->on_done: 0 or an error, positive. */
void reload_steps_on_answer(struct reload_steps *steps, int error);

/* Something about names is new, or `due` may have come. */
void reload_steps_look(struct reload_steps *steps, nanos boottime);

/* Whether it is the name servers that are waited for. */
bool reload_steps_await_servers(const struct reload_steps *steps);

#endif
