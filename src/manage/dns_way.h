/*
 * Who takes care of name servers on this machine, found out without running
 * anything. Inside manage/ only; manage/dns.h talks to who was found.
 */
#ifndef ADIT_MANAGE_DNS_WAY_H
#define ADIT_MANAGE_DNS_WAY_H

#include <limits.h>
#include <stdbool.h>

#include "io/messages.h"

#define DNS_RECORD_MAX 128 /* bytes of a record's name, its end included */

/* Where things are; tests have others. */
struct dns_system {
	const char *programs;	     /* folders with colons between */
	const char *resolved_socket; /* where systemd-resolved listens, since systemd 247 */
	const char *interface_order; /* of Debian's resolvconf */
	unsigned seconds;	     /* that a program may take */
	const char *notes;	     /* folder for notes of what is set: INTERFACE.dns */
};

enum dns_manager { DNS_NOBODY, DNS_RESOLVED, DNS_RESOLVCONF };

struct dns_way {
	enum dns_manager manager;
	char program[PATH_MAX];	     /* resolvectl or resolvconf */
	char record[DNS_RECORD_MAX]; /* the interface, as resolvconf is to sort it */
};

/*
 * Resolved when it runs in our network namespace and there is a resolvectl, else a
 * real resolvconf. DNS_NOBODY: `why` says what is missing and what would help.
 */
void dns_way_find(struct dns_way *out, const struct dns_system *system, const char *interface,
	char why[static MESSAGES_TEXT_MAX]);

/*
 * resolved runs, and serves the network namespace that we are in. /run is often
 * shared with another namespace, where the same index is another interface.
 */
bool dns_way_has_resolved(const struct dns_system *system);

#endif
