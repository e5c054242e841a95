/*
 * A reload: from what runs to what a file says now, by the least change, all of it
 * or nothing. Read and check, nothing is touched; ask the engine what it is doing;
 * take the difference; go the steps of main/reload_steps.h. Only then the file is
 * the interface's.
 *
 * With a time to confirm within, the way back is kept, and gone by itself.
 *
 * Nothing here waits but in the loop. One reload at a time. Of keys, it holds the
 * new file's and the engine's until the change is made, and the way back's until
 * that is confirmed or gone.
 */
#ifndef ADIT_MAIN_RELOAD_H
#define ADIT_MAIN_RELOAD_H

#include "main/load.h"
#include "main/reload_hooks.h"
#include "main/reload_steps.h"

#define RELOAD_CONFIRM_MAX (24 * 60 * 60) /* seconds */

enum reload_state {
	RELOAD_NONE,
	RELOAD_ASKED, /* the engine, for what it is doing */
	RELOAD_CHANGING,
	RELOAD_UNCONFIRMED, /* done; it waits to be confirmed */
	RELOAD_GOING_BACK,  /* not confirmed */
};

struct reload_wish {
	const char *path;	  /* of the file; NULL: that of the last one */
	bool is_dry;		  /* say what would change, and change nothing */
	uint32_t confirm_seconds; /* 0: for good */
};

/* The supervisor's, all of it. */
struct reload_world {
	struct loop *loop;
	struct engine_link *engine;
	struct netlink *netlink;
	struct link *link;
	struct load *config;
	struct names *names;
	struct hook_queue *hooks;
	bool *has_hooks;
	struct name_servers *servers;
	bool *has_servers;
	const struct dns_system *dns_system;
	bool allow_hooks;		/* whoever may write the file */
	void (*on_news)(void *context); /* of `deadline`, or of names to look up */
	void *context;
};

struct reload {
	struct reload_world world;
	enum reload_state state;
	nanos deadline;	   /* when to call reload_on_time; NANOS_NEVER: not at all */
	struct load other; /* the new file; once it is the interface's, the old one */
	/* The rest is private. */
	struct reload_voice voice;
	struct reload_wish wish;
	struct reload_hooks hooks;
	struct reload_servers servers;
	struct reload_feed feed;
	struct reload_steps steps;
	struct reload_plan plan;
};

/* Must stay at its address until reload_abandon. */
void reload_init(struct reload *reload, const struct reload_world *world);

/* Why none can begin now, a sentence without an end; NULL: one can. */
const char *reload_is_busy(const struct reload *reload);

/*
 * Begins; `voice` hears the end of it, maybe at once: VERB_OK, VERB_FAILED or
 * VERB_CONFIG, with all as it was, and why. A dry one ends with VERB_OK too; only
 * if there is a difference it has lines.
 */
void reload_begin(
	struct reload *reload, const struct reload_wish *wish, const struct reload_voice *voice);

/* What was done stays. VERB_OK; VERB_FAILED: there is nothing to confirm. */
int reload_confirm(struct reload *reload);

/* `deadline` may have come, or something about names is new. */
void reload_on_time(struct reload *reload, nanos boottime);

/* The name servers are set, or not: 0 or -errno. */
void reload_on_servers(struct reload *reload, int error);

/* The interface ends: so does this, whatever it was about. Wipes and frees all. */
void reload_abandon(struct reload *reload);

#endif
