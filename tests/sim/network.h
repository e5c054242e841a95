/*
 * The virtual network: a heap of datagrams in flight, ordered by the time of
 * their arrival, and the weather that decides what becomes of each. A datagram
 * remembers who really sent it and whether it was delivered before, which is
 * what the invariants are judged by.
 *
 * Addresses: every node has a home per epoch, and roaming means the next epoch;
 * even epochs are IPv4, odd ones IPv6. Two on, the port is another, and mostly
 * the address is the same; from 0 to 4 it is the other way round.
 */
#ifndef ADIT_SIM_NETWORK_H
#define ADIT_SIM_NETWORK_H

#include "device/device.h"
#include "sim/dice.h"
#include "sim/node.h"

#define CAPTURED_MAX 64
#define HELD_AFTER   (5 * NANOS_PER_SECOND) /* a delay beyond it is "held" */

enum fault {
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER,
	FAULT_CORRUPT,
	FAULT_TRUNCATE,
	FAULT_HOLD, /* arrives minutes later */
	FAULT_MARK, /* a router marks it: congestion */
	FAULT_WEATHER_COUNT,
	FAULT_CUT = FAULT_WEATHER_COUNT, /* lost in a partition */
	FAULT_JAM,			 /* arrives with all others, when a jam is over */
	FAULT_FORGERY,			 /* made, or replayed, by a stranger */
	FAULT_FLOOD,
	FAULT_COUNT
};

struct weather {
	nanos delay_min, delay_max;
	uint32_t permille[FAULT_WEATHER_COUNT]; /* of the datagrams */
};

struct datagram {
	uint32_t references;
	uint32_t from, to, epoch; /* nodes; the sender's home when it was sent */
	uint32_t delivered_life;  /* of its sender at the receiver; 0: not delivered yet */
	struct tai64n stamp;	  /* of an initiation */
	uint8_t tos;
	uint32_t len;
	uint8_t bytes[];
};

struct flight {
	nanos at;
	uint64_t order;
	struct datagram *datagram;
	enum fault damage; /* FAULT_CORRUPT, FAULT_TRUNCATE, or neither */
	bool is_marked;
};

struct network {
	struct flight *heap;
	size_t count, capacity;
	uint64_t order;
	struct weather weather;
	bool is_cut[NODES_MAX][NODES_MAX];
	bool takes_hybrids; /* a man in the middle takes each hybrid initiation away */
	nanos jam_end;	    /* nothing arrives before it */
	struct datagram *captured[CAPTURED_MAX]; /* delivered ones, for strangers to replay */
};

struct world;

struct endpoint network_home(uint32_t node, uint32_t epoch);
/* false: nobody's home. */
bool network_find_home(const struct endpoint *endpoint, uint32_t *node, uint32_t *epoch);

/* Sends what a device gave out; takes the burst. */
void network_send(struct world *w, struct node *node, struct device_send *send);

/* Delivers what has arrived by now. */
void network_step(struct world *w);
nanos network_deadline(const struct network *network);

/* Between two nodes, both ways. */
void network_cut(struct world *w, uint32_t a, uint32_t b, bool is_cut);

/* Fair weather and no cuts from now on; what is still in flight from before is lost. */
void network_clear(struct world *w);

/* Copies a datagram with a bit flipped or its end cut off; returns the length. */
uint32_t network_damage(
	struct dice *dice, enum fault damage, const uint8_t *bytes, uint32_t len, uint8_t *out);

void network_wipe(struct network *network);

#endif
