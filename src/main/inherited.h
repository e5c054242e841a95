/*
 * Descriptors that a caller hands over by their numbers in the environment, as it
 * does to other userspace implementations of WireGuard: an open TUN, and a socket
 * that listens for control connections. Checked before anything starts, for a
 * number that means something else would be read and written as if it were a TUN.
 */
#ifndef ADIT_MAIN_INHERITED_H
#define ADIT_MAIN_INHERITED_H

#include <net/if.h>
#include <stdbool.h>

#define INHERITED_TUN	   "WG_TUN_FD"
#define INHERITED_LISTENER "WG_UAPI_FD"

struct inherited {
	int tun, listener; /* closed on exec; -1: not handed over */
	char tun_name[IFNAMSIZ];
};

/*
 * Reads the variables and removes them from the environment: what we start, commands
 * of the configuration among it, gets neither. false: said on stderr what is wrong.
 */
bool inherited_take(struct inherited *out);

#endif
