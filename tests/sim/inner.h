/*
 * Inner packets: real IPv4 and IPv6 packets whose every byte follows from the
 * packet's id, and the ledger of all that were ever offered. So a packet that
 * comes out of a tunnel can be compared with what went in, byte for byte.
 */
#ifndef ADIT_SIM_INNER_H
#define ADIT_SIM_INNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip.h"

#define INNER_LEN_MIN 48 /* an IPv6 header and the id */
#define INNER_LEN_MAX 1500

struct inner {
	uint16_t len;
	uint8_t from, to;   /* nodes: who sends it, and to whom its device routes it */
	uint8_t claims;	    /* the network of its source */
	uint8_t to_network; /* and of its destination */
	uint8_t tos;
	bool is_v6;
	bool is_forbidden; /* nobody gets it, or its source is not the sender's: so things stood */
	bool is_delivered;
	bool is_congested; /* a router marked it on the way */
};

struct ledger {
	struct inner *inners; /* the id is the place */
	size_t count, capacity;
	uint64_t salt;
	uint64_t delivered_count, forbidden_count;
};

/* Returns the new packet's id. */
uint64_t ledger_add(struct ledger *ledger, const struct inner *inner);

void ledger_wipe(struct ledger *ledger);

/* Writes the packet of this id, but with this TOS: inners[id].len bytes. */
void ledger_build(const struct ledger *ledger, uint64_t id, uint8_t tos, uint8_t *out);

/* The id that a packet carries; false when it is none of ours. */
bool ledger_read_id(const struct ledger *ledger, const uint8_t *packet, size_t len, uint64_t *id);

/* Of a host in a network, see admin.h. */
struct ip_address inner_address(uint32_t network, bool is_v6, uint8_t host);

#endif
