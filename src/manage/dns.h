/*
 * The link's name servers: told to systemd-resolved where it runs, else to
 * resolvconf(8), and taken back from the same one. /etc/resolv.conf itself is
 * theirs and never touched here. What is set is noted in a file, so that it is
 * found and undone after a death without an end.
 *
 * This waits for programs: manage/dns_process.h does it in a process of its own.
 */
#ifndef ADIT_MANAGE_DNS_H
#define ADIT_MANAGE_DNS_H

#include <stdbool.h>

#include "io/messages.h"
#include "manage/dns_way.h"

#define DNS_TEXT_MAX MESSAGES_TEXT_MAX /* bytes of an explanation, its end included */

extern const struct dns_system dns_usual_system;

/*
 * Whether it could be set, asked before anything is touched; if not, `why` says
 * what is missing and what would help. Runs no program. True where there
 * is nothing to set.
 */
bool dns_is_possible(const struct dns_system *system, const struct to_dns *wanted,
	char why[static DNS_TEXT_MAX]);

/* Whether a note says that something is set, maybe by an earlier life. */
bool dns_is_noted(const struct dns_system *system, const char *interface);

/*
 * Sets what is wanted in place of what was set; undoes it where no server is
 * wanted. 0 and what was done in `text`, or -errno and why not: then nothing is set.
 */
int dns_set(const struct dns_system *system, const struct to_dns *wanted,
	char text[static DNS_TEXT_MAX]);

/*
 * Undoes what is noted. 0, and "" when there was nothing; or -errno and why not. Where
 * the program is not there any more, a warning in `text` and no note are all that is left.
 */
int dns_undo(
	const struct dns_system *system, const char *interface, char text[static DNS_TEXT_MAX]);

/*
 * The same of an earlier life, which must not hold up this one: where it cannot be
 * undone, the note goes all the same, and `text` is a warning that says what may be left.
 */
void dns_undo_leftover(
	const struct dns_system *system, const char *interface, char text[static DNS_TEXT_MAX]);

#endif
