/*
 * What the interfaces that run now say of themselves, and what the kernel says of
 * their links. Complaints are whole lines for people, added to a struct out, so
 * that they can be printed where they do not spoil a screen.
 */
#ifndef ADIT_MAIN_RUNNING_H
#define ADIT_MAIN_RUNNING_H

#include <net/if.h>
#include <stddef.h>

#include "text/out.h"
#include "text/view.h"
#include "text/view_print.h"

struct running { /* names, in the order in which the folder has them, as wg(8) lists them */
	char (*names)[IFNAMSIZ];
	size_t count, capacity;
};

/*
 * Every name that a control socket has; not all of them need be alive. Names that no
 * interface can have are left out. false: no memory. running_free is the caller's.
 */
bool running_list(struct running *running);
void running_free(struct running *running);

/* Whether somebody listens there now. */
bool running_is_alive(const char *name);

/*
 * Asks for the state; stop_fd as in struct ask_limits. An enum verb_exit; only with
 * VERB_OK is view_wipe the caller's. What is wrong goes to `complaints`, but for an
 * interrupted question.
 */
int running_view(const char *name, struct view *view, int stop_fd, struct out *complaints);

/* The name of an interface by its index, as view_style wants it; valid until the next call. */
const char *running_zone_name(uint32_t scope_id);

/*
 * The link of that name in this network namespace; all zero when there is none, or
 * the kernel does not tell. running_link_free is the caller's.
 */
void running_link(const char *name, struct view_link *link);
void running_link_free(struct view_link *link);

#endif
