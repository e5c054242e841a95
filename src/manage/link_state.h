/*
 * What is set on a link, or is to be, as a set of items: addresses, routes, ...
 * and an MTU. Pure: nothing is asked of the system or done to it. Which steps
 * lead from one state to another: manage/link_plan.h.
 */
#ifndef ADIT_MANAGE_LINK_STATE_H
#define ADIT_MANAGE_LINK_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define LINK_ITEM_MAX 96 /* bytes of an item as text, its end included */

enum link_table { LINK_TABLE_AUTO, LINK_TABLE_OFF, LINK_TABLE_NUMBER };

/* What a configuration asks for; the arrays belong to the caller. */
struct link_settings {
	uint32_t ifindex;
	const struct ip_prefix *addresses; /* with their host bits, the primary ones first */
	size_t address_count;
	const struct ip_prefix *allowed_ips; /* of all peers, in any order, repetitions allowed */
	size_t allowed_ip_count;
	const struct ip_address *endpoints; /* of the peers, for an automatic MTU */
	size_t endpoint_count;
	uint32_t fwmark; /* of our own packets; not 0 where link_needs_mark */
	uint32_t mtu;	 /* 0: automatic */
	enum link_table table;
	uint32_t table_number; /* with LINK_TABLE_NUMBER */
	bool kill_switch;
};

/* What only the system tells. */
struct link_facts {
	uint32_t mtu;	       /* to be in force */
	bool sets_source_mark; /* src_valid_mark is to be set, where it matters, and put back */
};

/* In the order in which a link is set up. */
enum link_kind {
	LINK_FIREWALL,	  /* manage/firewall.h; with the addresses of the state it is part of */
	LINK_SOURCE_MARK, /* manage/source_mark.h */
	LINK_RULES,	  /* of a family: what is not marked takes a table of its own */
	LINK_GUARD,	  /* the kill switch's route to nowhere, for a prefix, in a table */
	LINK_MTU,	  /* in steps only */
	LINK_ADDRESS,
	LINK_UP,
	LINK_ROUTE, /* for a prefix, in a table */
};

struct link_item {
	enum link_kind kind;
	struct ip_prefix prefix; /* GUARD, ROUTE: without host bits; ADDRESS; RULES: its family */
	uint32_t number;	 /* GUARD, ROUTE: the table; FIREWALL, RULES: mark and table; MTU */
};

struct link_state {
	struct link_item *items; /* in the order in which to set them; none twice */
	size_t count, capacity;
	uint32_t mtu;
};

/* By kind, number and prefix, of prefixes the longest first; as qsort(3) wants it. */
int link_item_compare(const struct link_item *a, const struct link_item *b);

/* "route 10.0.0.0/8". */
void link_item_write(char text[static LINK_ITEM_MAX], const struct link_item *item);

/* Whether AllowedIPs of the family mean the machine's default route; of either one. */
bool link_has_default(const struct link_settings *settings, enum ip_family family);
bool link_needs_mark(const struct link_settings *settings);

/*
 * The settings as a state [wg-quick(8)]: routes longest prefix first, a default
 * route in the table of the mark, and in the main table none for what the prefix of
 * an address covers; but with a kill switch all, for each has to be guarded. false:
 * no memory. link_state_wipe is the caller's in any case.
 */
bool link_state_want(struct link_state *out, const struct link_settings *settings,
	const struct link_facts *facts);

/* One item more, at the end. false: no memory. */
bool link_state_add(struct link_state *state, const struct link_item *item);

/* The first of a kind; NULL: there is none. */
const struct link_item *link_state_find(const struct link_state *state, enum link_kind kind);

void link_state_wipe(struct link_state *state);

#endif
