/*
 * sim [--seeds N] [--hours H] [--kept FILE] [--only SCENARIO] [--seed N] [--verbose] [--list]
 *
 * Runs what failed once (the lines "SCENARIO SEED" of FILE), then every scenario
 * with its seeds, N seeds of any weather, and H hours of two machines' life. With
 * --seed N: one run, of "weather" unless --only says otherwise. --verbose prints
 * what happens.
 */
#include "sim/scenario.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_DEFAULT	 200
#define SEEDS_MAX	 100000000
#define HOURS_DEFAULT	 24
#define REAL_SECONDS_MAX 60 /* of one run, which should take one or two */
#define FAILURES_MAX	 20 /* more are no news */

struct options {
	const char *program, *only, *kept;
	uint64_t seed; /* 0: all */
	uint32_t seeds, hours;
	bool is_verbose;
};

struct totals {
	uint32_t passed, failed;
	struct counts counts;
};

/* ------------------------------------------------------------------ one run */

static void add_counts(struct counts *sum, const struct counts *counts)
{
	sum->handshakes += counts->handshakes;
	sum->offered += counts->offered;
	sum->delivered += counts->delivered;
	sum->datagrams += counts->datagrams;
	sum->cookies += counts->cookies;
	sum->misfortunes += counts->misfortunes;
	sum->recoveries += counts->recoveries;
	sum->time += counts->time;
	for (int i = 0; i < FAULT_COUNT; i++)
		sum->faults[i] += counts->faults[i];
}

static char stuck[160]; /* what to say when a run does not come to its end */

static void on_alarm(int signal)
{
	(void)signal;
	_exit(write(STDOUT_FILENO, stuck, strlen(stuck)) < 0 ? 3 : 1);
}

static void report_failure(
	const struct options *options, const struct scenario *scenario, const struct world *w)
{
	printf("FAIL %s, seed %llu, at %.6f s: %s\n", scenario->name, (unsigned long long)w->seed,
		(double)w->time / NANOS_PER_SECOND, w->why);
	printf("     replay: %s --only %s --seed %llu --hours %u --verbose\n", options->program,
		scenario->name, (unsigned long long)w->seed, options->hours);
	fflush(stdout);
}

static void run_one(const struct options *options, const struct scenario *scenario, uint64_t seed,
	struct totals *totals)
{
	int64_t blocks = memory.blocks;
	struct world *w = world_create(seed, options->is_verbose);
	w->hours = options->hours;
	snprintf(stuck, sizeof stuck, "FAIL %s, seed %llu: an endless loop in the device\n",
		scenario->name, (unsigned long long)seed);
	alarm(REAL_SECONDS_MAX + options->hours);
	scenario->run(w);
	w->counts.time = w->time;
	world_close(w);
	alarm(0);
	bool is_good = !w->is_broken;
	if (!is_good)
		report_failure(options, scenario, w);
	add_counts(&totals->counts, &w->counts);
	world_destroy(w);
	if (is_good && memory.blocks != blocks) {
		printf("FAIL %s, seed %llu: %lld blocks of memory leaked\n", scenario->name,
			(unsigned long long)seed, (long long)(memory.blocks - blocks));
		is_good = false;
	}
	totals->passed += is_good;
	totals->failed += !is_good;
}

static const struct scenario *find_scenario(const char *name)
{
	for (size_t i = 0; i < scenario_count; i++) {
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	}
	return NULL;
}

/* ------------------------------------------------------------------ many */

/* false: the file is not what it should be. */
static bool run_kept(const struct options *options, struct totals *totals)
{
	char line[200], name[32];
	unsigned long long seed;
	FILE *file = fopen(options->kept, "r");
	for (int n = 1; file && fgets(line, sizeof line, file); n++) {
		if (*line == '#' || *line == '\n')
			continue;
		const struct scenario *scenario =
			sscanf(line, "%31s %llu", name, &seed) == 2 ? find_scenario(name) : NULL;
		if (!scenario) {
			fprintf(stderr, "%s:%d: not a scenario and a seed: %s", options->kept, n,
				line);
			fclose(file);
			return false;
		}
		run_one(options, scenario, seed, totals);
	}
	if (!file)
		perror(options->kept);
	else
		fclose(file);
	return file;
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
		"corrupted", "truncated", "held back", "marked", "cut off", "jammed", "forged",
		"flooding"};
	const struct counts *c = &totals->counts;
	printf("%llu virtual hours: %llu handshakes made, %llu cookies, %llu datagrams, "
	       "%llu of %llu packets delivered\n",
		(unsigned long long)(c->time / SECONDS(3600)), (unsigned long long)c->handshakes,
		(unsigned long long)c->cookies, (unsigned long long)c->datagrams,
		(unsigned long long)c->delivered, (unsigned long long)c->offered);
	printf("faults injected: %llu misfortunes (data flowed again in time %llu times), "
	       "%llu allocations failed; datagrams:",
		(unsigned long long)c->misfortunes, (unsigned long long)c->recoveries,
		(unsigned long long)memory.failures);
	for (int i = 0; i < FAULT_COUNT; i++)
		printf("%s %llu %s", i ? "," : "", (unsigned long long)c->faults[i], names[i]);
	printf("\n%u passed, %u failed\n", totals->passed, totals->failed);
}

static int run_all(const struct options *options)
{
	struct totals totals = {0};
	bool ok = !options->kept || run_kept(options, &totals);
	for (size_t i = 0; i < scenario_count && ok; i++) {
		uint32_t seeds = seeds_wanted(options, &scenarios[i]);
		for (uint32_t n = 0; n < seeds && totals.failed < FAILURES_MAX; n++)
			run_one(options, &scenarios[i], options->seed ? options->seed : n + 1,
				&totals);
	}
	print_totals(&totals);
	return !ok || totals.failed || !totals.passed;
}

/* ------------------------------------------------------------------ options */

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

static bool read_scenario(const char *name)
{
	if (find_scenario(name))
		return true;
	fprintf(stderr, "sim: no scenario is called \"%s\"; --list shows them\n", name);
	return false;
}

/* false: bad usage. */
static bool read_options(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'n'},
		{"hours", required_argument, NULL, 'h'},
		{"kept", required_argument, NULL, 'k'},
		{"only", required_argument, NULL, 'o'},
		{"verbose", no_argument, NULL, 'v'},
		{"list", no_argument, NULL, 'l'},
		{0},
	};
	uint64_t number = 0;
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		if (strchr("snh", c) &&
			!read_number(optarg, c == 's' ? UINT64_MAX : SEEDS_MAX, &number))
			return false;
		switch (c) {
		case 's': options->seed = number; break;
		case 'n': options->seeds = (uint32_t)number; break;
		case 'h': options->hours = (uint32_t)number; break;
		case 'k': options->kept = optarg; break;
		case 'o': options->only = optarg; break;
		case 'v': options->is_verbose = true; break;
		case 'l': print_list(); exit(0);
		default: return false;
		}
	}
	return optind == argc && (!options->only || read_scenario(options->only));
}

int main(int argc, char **argv)
{
	struct options options = {
		.program = argv[0], .seeds = SEEDS_DEFAULT, .hours = HOURS_DEFAULT};
	if (!read_options(&options, argc, argv)) {
		fprintf(stderr,
			"usage: %s [--seeds N] [--hours H] [--kept FILE] [--only SCENARIO] "
			"[--seed N] [--verbose] [--list]\n",
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
