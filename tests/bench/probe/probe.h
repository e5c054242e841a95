/*
 * The measuring half of the benchmarks: one program that holds both ends of a
 * conversation, each on a socket of its own namespace, so that sender and receiver
 * share one clock and nothing has to be agreed on over the network. It knows no
 * tunnel: what lies between the two addresses is the script's business.
 *
 * Every subcommand prints one line of numbers, in the order its comment says.
 */
#ifndef ADIT_BENCH_PROBE_H
#define ADIT_BENCH_PROBE_H

#include <netinet/in.h>
#include <stdint.h>

#include "base/nanos.h"
#include "crypto/rng.h"

struct probe_ends { /* two sockets, connected to each other */
	int a, b;
};

/* What each datagram begins with. */
struct probe_stamp {
	uint64_t run; /* a late datagram of the run before counts nowhere */
	uint64_t seq;
	uint64_t sent; /* clock_ns() */
};

_Noreturn void probe_give_up(const char *what);
uint64_t probe_number(const char *text);

nanos probe_clock(void);
void probe_sleep_until(nanos then);

/* A datagram socket in the namespace of that name, bound there; the thread stays in it. */
int probe_open(const char *ns, const char *address, struct sockaddr_in *own);

/* words: NS-A NS-B ADDRESS-A ADDRESS-B */
struct probe_ends probe_open_ends(char **words);

/* Numbers that a seed determines: keys for the bench, secret to nobody. */
struct rng probe_rng(uint64_t *state);

/* The subcommands; `words` are what stands behind their name. */
void udp_search(char **words);
void udp_rate(char **words);
void rtt_measure(char **words);
void shake_print_peers(char **words);
void shake_measure(char **words);
void primitives_measure(char **words);

#endif
