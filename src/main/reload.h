/*
 * A reload: from what runs to what a file says now, by the least change, all of it
 * or nothing. Read and check, nothing is touched; ask the engine what it is doing;
 * take the difference; change the link; give the engine its part, and when it
 * refuses, take the link back. Only then the file is the interface's.
 *
 * With a time to confirm within, the way back is kept, and gone by itself.
 *
 * Nothing here waits but in the loop. One reload at a time. Of keys, it holds the
 * new file's and the engine's until the change is made, and the way back's until
 * that is confirmed or gone.
 */
#ifndef ADIT_MAIN_RELOAD_H
#define ADIT_MAIN_RELOAD_H

#include "main/feed.h"
#include "main/load.h"
#include "main/names.h"
#include "main/reload_hooks.h"
#include "main/reload_plan.h"
#include "main/reload_voice.h"
#include "manage/link.h"

#define RELOAD_CONFIRM_MAX (24 * 60 * 60) /* seconds */

enum reload_state {
	RELOAD_NONE,
	RELOAD_ASKED,	    /* the engine, for what it is doing */
	RELOAD_CHANGING,    /* the link is as it is to be; the engine has its part */
	RELOAD_UNCONFIRMED, /* done; it waits to be confirmed */
	RELOAD_GOING_BACK,  /* not confirmed; the engine has its part of the way back */
};

struct reload_wish {
	const char *path;	  /* of the file; NULL: that of the last one */
	bool is_dry;		  /* say what would change, and change nothing */
	uint32_t confirm_seconds; /* 0: for good */
};

struct reload {
	/* What it works on: the supervisor's, set once. */
	struct loop *loop;
	struct engine_link *engine;
	struct netlink *netlink;
	struct link *link;
	struct load *config;
	struct names *names;
	struct reload_hooks hooks;
	void (*on_news)(void *context); /* of `deadline`, or of names to look up */
	void *context;

	enum reload_state state;
	nanos deadline;	   /* when to call reload_on_time; NANOS_NEVER: not at all */
	struct load other; /* the new file; once it is the interface's, the old one */
	/* The rest is private. */
	struct reload_voice voice;
	struct reload_wish wish;
	struct feed feed;
	struct watch feed_watch;
	struct reload_plan plan;
};

/* Zero but for what it works on. */
void reload_init(struct reload *reload);

/* Why none can begin now, a sentence without an end; NULL: one can. */
const char *reload_is_busy(const struct reload *reload);

/*
 * Begins; `voice` hears the end of it, maybe at once: VERB_OK, VERB_FAILED or
 * VERB_CONFIG, with all as it was, and why. A dry one ends with VERB_OK too; only
 * it has a line then for what would be different.
 */
void reload_begin(
	struct reload *reload, const struct reload_wish *wish, const struct reload_voice *voice);

/* What was done stays. VERB_OK; VERB_FAILED: there is nothing to confirm. */
int reload_confirm(struct reload *reload);

void reload_on_time(struct reload *reload, nanos boottime);

/* The interface ends: so does this, whatever it was about. Wipes and frees all. */
void reload_abandon(struct reload *reload);

#endif
