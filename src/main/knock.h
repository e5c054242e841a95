/*
 * The other side of main/admin.h: a verb asks the supervisor of an interface, and
 * prints what it says.
 */
#ifndef ADIT_MAIN_KNOCK_H
#define ADIT_MAIN_KNOCK_H

/*
 * Sends `request`, a line without its newline, prints the answer as it comes, and
 * returns its status. VERB_NOT_RUNNING, VERB_FAILED: there is no supervisor, or it
 * ended before it answered; then that was printed.
 */
int knock(const char *directory, const char *interface, const char *request);

#endif
