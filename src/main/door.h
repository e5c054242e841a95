/*
 * What comes in at the supervisor's own socket, and by SIGHUP: reload, confirm and
 * diff, and who hears of them. Requests, see main/admin.h:
 *
 *   reload [confirm=SECONDS] [path=FILE]     diff [path=FILE]     confirm
 *
 * FILE is the rest of the line, an absolute path; without it, the file that the
 * interface has.
 */
#ifndef ADIT_MAIN_DOOR_H
#define ADIT_MAIN_DOOR_H

#include "main/admin.h"
#include "main/reload.h"

#define DOOR_SAME      0 /* the status of diff, as diff(1)'s */
#define DOOR_DIFFERENT 1
#define DOOR_TROUBLE   2 /* could not be told */

struct door {
	struct reload reload; /* reload_init is the supervisor's */
	struct admin admin;
	const char *interface;
	bool is_ready;		     /* the interface is up, and not about to end */
	struct admin_client *client; /* for whom the reload is; NULL: gone, or nobody */
	bool is_diff, has_lines;     /* what the client asked, and whether there were any */
};

/* Listens. 0 or -errno: then there is still SIGHUP. */
int door_open(struct door *door, struct loop *loop, const char *directory, const char *interface);

/* The interface is up: from now on there is something to reload. */
void door_begin(struct door *door);

/* It is about to end: whatever is under way is given up. */
void door_end(struct door *door);

/* After door_end. Harmless when repeated. */
void door_close(struct door *door);

/* Reloads the file that the interface has, and tells the log. */
void door_on_hangup(struct door *door);

#endif
