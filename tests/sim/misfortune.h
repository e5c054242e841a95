/*
 * What happens to machines, networks and administrators, and that all is well
 * soon after it is over.
 */
#ifndef ADIT_SIM_MISFORTUNE_H
#define ADIT_SIM_MISFORTUNE_H

#include "sim/world.h"

enum misfortune {
	MISFORTUNE_CUT,
	MISFORTUNE_JAM, /* then all arrives at once */
	MISFORTUNE_LINK_DOWN,
	MISFORTUNE_ROAM,
	MISFORTUNE_SUSPEND,
	MISFORTUNE_BOOTTIME, /* jumps ahead */
	MISFORTUNE_REALTIME, /* jumps ahead or back, years perhaps */
	MISFORTUNE_RESTART,
	MISFORTUNE_AMNESIA, /* a restart without the state */
	MISFORTUNE_FLOOD,
	MISFORTUNE_MEMORY,
	MISFORTUNE_PRIVATE_KEY, /* changes; the others learn of it later */
	MISFORTUNE_PRESHARED_KEY,
	MISFORTUNE_REMOVED,
	MISFORTUNE_NETWORKS, /* move from peer to peer */
	MISFORTUNE_MISLED,   /* the endpoint is set to a wrong one */
	MISFORTUNE_KEEPALIVE,
	MISFORTUNE_MTU,
	MISFORTUNE_SOURCES, /* the routes change */
	MISFORTUNE_COUNT
};

/* It befalls node `a`, and `b` where it takes two. */
void misfortune_strike(struct world *w, enum misfortune what, uint32_t a, uint32_t b);

/* Ends all that ever struck: fair weather, and the configuration as it is wanted. */
void misfortune_heal(struct world *w);

/* One or two happen under traffic; after they are over data must flow again in time. */
void misfortune_any(struct world *w);

/*
 * From now on, and while traffic flows between `a` and `b`, which are well: it
 * arrives in time wherever the sender knows where to send.
 */
void misfortune_expect_recovery(struct world *w, uint32_t a, uint32_t b);

#endif
