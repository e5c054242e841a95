/*
 * sim [--seed N] [--seeds N] [--hours H] [--only SCENARIO] [--verbose] [--list]
 *
 * Without options: every scenario with its seeds, forty seeds of any weather,
 * and a day. With --seed N: one run, of "weather" unless --only says otherwise.
 * --hours 0 leaves out the long run. --verbose prints what happens.
 */
#include "sim/scenario.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_DEFAULT	 40
#define HOURS_DEFAULT	 24
#define REAL_SECONDS_MAX 60 /* of one run, which should take one or two */

struct options {
	const char *program, *only;
	uint64_t seed; /* 0: all */
	uint32_t seeds, hours;
	bool is_verbose;
};

struct totals {
	uint32_t passed, failed;
	struct counts counts;
};

static void add_counts(struct counts *sum, const struct counts *counts)
{
	sum->handshakes += counts->handshakes;
	sum->offered += counts->offered;
	sum->delivered += counts->delivered;
	sum->datagrams += counts->datagrams;
	for (int i = 0; i < FAULT_COUNT; i++)
		sum->faults[i] += counts->faults[i];
}

static void report_failure(
	const struct options *options, const struct scenario *scenario, const struct world *w)
{
	printf("FAIL %s, seed %llu, at %.6f s: %s\n", scenario->name, (unsigned long long)w->seed,
		(double)w->time / NANOS_PER_SECOND, w->why);
	printf("     replay: %s --only %s --seed %llu", options->program, scenario->name,
		(unsigned long long)w->seed);
	if (options->hours != HOURS_DEFAULT)
		printf(" --hours %u", options->hours);
	printf(" --verbose\n");
}

static char stuck[160]; /* what to say when a run does not come to its end */

static void on_alarm(int signal)
{
	(void)signal;
	_exit(write(STDOUT_FILENO, stuck, strlen(stuck)) < 0 ? 3 : 1);
}

static void run_one(const struct options *options, const struct scenario *scenario, uint64_t seed,
	struct totals *totals)
{
	struct world *w = world_create(seed, options->is_verbose);
	w->hours = options->hours;
	snprintf(stuck, sizeof stuck, "FAIL %s, seed %llu: an endless loop in the device\n",
		scenario->name, (unsigned long long)seed);
	alarm(REAL_SECONDS_MAX + options->hours);
	scenario->run(w);
	world_close(w);
	alarm(0);
	if (w->is_broken) {
		totals->failed++;
		report_failure(options, scenario, w);
	} else {
		totals->passed++;
	}
	add_counts(&totals->counts, &w->counts);
	world_destroy(w);
}

/* How many seeds of this scenario the options want. */
static uint32_t seeds_wanted(const struct options *options, const struct scenario *scenario)
{
	if (options->only && strcmp(options->only, scenario->name))
		return 0;
	if (options->seed && !options->only && strcmp(scenario->name, "weather"))
		return 0;
	if (options->seed)
		return 1;
	if (!strcmp(scenario->name, "days") && !options->hours)
		return 0;
	return scenario->seeds ? scenario->seeds : options->seeds;
}

static void print_totals(const struct totals *totals)
{
	static const char *const names[FAULT_COUNT] = {"lost", "duplicated", "reordered",
		"corrupted", "truncated", "held back", "cut off", "forged"};
	const struct counts *c = &totals->counts;
	printf("%llu handshakes, %llu datagrams, %llu of %llu packets delivered\nfaults:",
		(unsigned long long)c->handshakes, (unsigned long long)c->datagrams,
		(unsigned long long)c->delivered, (unsigned long long)c->offered);
	for (int i = 0; i < FAULT_COUNT; i++)
		printf("%s %llu %s", i ? "," : "", (unsigned long long)c->faults[i], names[i]);
	printf("\n%u passed, %u failed\n", totals->passed, totals->failed);
}

static int run_all(const struct options *options)
{
	struct totals totals = {0};
	uint32_t expected = 0;
	for (size_t i = 0; i < scenario_count; i++) {
		uint32_t seeds = seeds_wanted(options, &scenarios[i]);
		expected += seeds;
		for (uint32_t n = 0; n < seeds; n++)
			run_one(options, &scenarios[i], options->seed ? options->seed : n + 1,
				&totals);
	}
	if (!expected)
		printf("no scenario is called \"%s\"; --list shows them\n", options->only);
	print_totals(&totals);
	return totals.failed || !expected || totals.passed + totals.failed != expected;
}

static void print_list(void)
{
	for (size_t i = 0; i < scenario_count; i++)
		printf("%-20s %s\n", scenarios[i].name, scenarios[i].claim);
}

static bool read_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && *out <= max)
		return true;
	fprintf(stderr, "sim: \"%s\" is not a number from 0 to %llu\n", text,
		(unsigned long long)max);
	return false;
}

/* false: bad usage. */
static bool read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'n'},
		{"hours", required_argument, NULL, 'h'},
		{"only", required_argument, NULL, 'o'},
		{"verbose", no_argument, NULL, 'v'},
		{"list", no_argument, NULL, 'l'},
		{0},
	};
	uint64_t number = 0;
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (strchr("snh", c) &&
			!read_number(optarg, c == 's' ? UINT64_MAX : 1000000, &number))
			return false;
		switch (c) {
		case 's': options->seed = number; break;
		case 'n': options->seeds = (uint32_t)number; break;
		case 'h': options->hours = (uint32_t)number; break;
		case 'o': options->only = optarg; break;
		case 'v': options->is_verbose = true; break;
		case 'l': print_list(); exit(0);
		default: return false;
		}
	}
	return optind == argc;
}

int main(int argc, char **argv)
{
	struct options options = {
		.program = argv[0], .seeds = SEEDS_DEFAULT, .hours = HOURS_DEFAULT};
	if (!read_options(&options, argc, argv)) {
		fprintf(stderr,
			"usage: %s [--seed N] [--seeds N] [--hours H] [--only SCENARIO] "
			"[--verbose] [--list]\n",
			argv[0]);
		return 2;
	}
	if (!crypto_init()) {
		fprintf(stderr, "%s: libsodium does not start\n", argv[0]);
		return 2;
	}
	signal(SIGALRM, on_alarm);
	return run_all(&options);
}
