/*
 *   probe udp-search NS-A NS-B ADDRESS-A ADDRESS-B SIZE MS
 *   probe udp-rate NS-A NS-B ADDRESS-A ADDRESS-B SIZE MS RATE
 *   probe rtt NS-A NS-B ADDRESS-A ADDRESS-B MS INTERVAL-US
 *   probe peers SEED COUNT
 *   probe handshakes NS ADDRESS SERVER PORT KEY SEED COUNT MESSAGES
 *   probe primitives MS
 */
#include "bench/probe/probe.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *arguments;
	int count;
	void (*run)(char **words);
} commands[] = {
	{"udp-search", "NS-A NS-B ADDRESS-A ADDRESS-B SIZE MS", 6, udp_search},
	{"udp-rate", "NS-A NS-B ADDRESS-A ADDRESS-B SIZE MS RATE", 7, udp_rate},
	{"rtt", "NS-A NS-B ADDRESS-A ADDRESS-B MS INTERVAL-US", 6, rtt_measure},
	{"peers", "SEED COUNT", 2, shake_print_peers},
	{"handshakes", "NS ADDRESS SERVER PORT KEY SEED COUNT MESSAGES", 8, shake_measure},
	{"primitives", "MS", 1, primitives_measure},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

int main(int argc, char **argv)
{
	for (size_t i = 0; i < COMMANDS && argc > 1; i++)
		if (!strcmp(argv[1], commands[i].name) && argc == commands[i].count + 2) {
			commands[i].run(argv + 2);
			return 0;
		}
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "%s probe %s %s\n", i ? "      " : "usage:", commands[i].name,
			commands[i].arguments);
	return 2;
}
