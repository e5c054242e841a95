/*
 * Going to the background: the caller's process waits until the interface is
 * ready, or has failed, and exits with that outcome; the rest goes on in a
 * session of its own. Messages go to the terminal until then, to syslog after.
 */
#ifndef ADIT_MAIN_BACKGROUND_H
#define ADIT_MAIN_BACKGROUND_H

struct background {
	int fd; /* to the waiting process; -1: nobody waits */
};

/*
 * Forks. Returns in the child only, which keeps no descriptor but 0-2 and the two
 * of `keep` (-1: none): whatever else the caller had open is not the daemon's. 0,
 * or -errno in the caller.
 */
int background_start(struct background *background, const int keep[static 2]);

/* Lets the waiting process exit with `status`; from now on there is no terminal. */
void background_release(struct background *background, int status);

/* Nothing on 0, 1 and 2 any more, and messages to syslog. */
void background_leave_terminal(void);

#endif
