/*
 * The tunnel's link as wg-quick(8) sets it up: MTU, addresses, up, routes for the
 * AllowedIPs, and what a default route takes. Declarative: what is set is kept in a
 * struct link, and link_apply takes the system from there to what is wanted, by the
 * least steps (manage/link_plan.h), all of them or none; up is from nothing, down is
 * to nothing, a reload is what is between. What is in both is not touched, so a
 * connection through it notices nothing. Not here: creating the device (io/), DNS.
 *
 * With a kill switch every route has a guard, a route to nowhere that only counts
 * when the device is gone. It is there before the link comes up, and goes after it.
 * What does not go with the device is found again when adit was killed, see
 * manage/link_leftovers.h: the first link_apply takes it over as what is set, so
 * what was closed stays closed until the tunnel carries.
 */
#ifndef ADIT_MANAGE_LINK_H
#define ADIT_MANAGE_LINK_H

#include "manage/link_state.h"
#include "manage/netlink.h"

#define LINK_WHY_MAX	  512  /* bytes of an explanation, its end included */
#define LINK_MTU_IPV6_MIN 1280 /* [RFC 8200 5] */

/* What is set; all zero before the first link_apply. */
struct link {
	uint32_t ifindex;    /* 0: the device is gone */
	char name[IFNAMSIZ]; /* "": nothing is known yet */
	struct link_state found, state;
};

/* Told of each change, a line without its end: "~ mtu 1420 -> 1380", "+ route 10.0.0.0/8". */
struct link_report {
	void (*say)(void *context, const char *line);
	void *context;
};

/*
 * Whether the settings can be done at all, asked before anything is touched; if
 * not, `why` says what is wrong and what would be right.
 */
bool link_is_possible(const struct link_settings *settings, char why[static LINK_WHY_MAX]);

/*
 * Makes what is wanted true, and tells `report` (may be NULL) what was changed,
 * once all of it is. On failure everything is as before, `why` tells what went
 * wrong, and -errno is returned. The device may be set up by others beside us:
 * what of ours they took away is not put back, unless manage/link_look.h has noticed,
 * and not missed when it is to go.
 */
int link_apply(struct link *link, struct netlink *n, const struct link_settings *wanted,
	const struct link_report *report, char why[static LINK_WHY_MAX]);

/* What link_apply would report, without doing it; the system is asked, not touched. */
int link_diff(const struct link *link, struct netlink *n, const struct link_settings *wanted,
	const struct link_report *report, char why[static LINK_WHY_MAX]);

/* To nothing, whatever of it is still there, and forgets. */
void link_down(struct link *link, struct netlink *n);

/*
 * After a start that failed: to nothing, but guards that an earlier life left stay
 * as the first link_apply found them. Forgets.
 */
void link_restore(struct link *link, struct netlink *n);

/* The mark, and table, of its default route; 0: it has none. */
uint32_t link_mark(const struct link *link);

/* Whether there are guards: whoever forgets the link then leaves its traffic blocked. */
bool link_is_guarded(const struct link *link);

/* The device is gone, or has left the namespace, and with it what was set on it. */
void link_lose_device(struct link *link);

/* Forgets without touching. */
void link_forget(struct link *link);

#endif
