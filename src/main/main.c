/*
 * The command line: `adit VERB ...`, or `adit [-f] IFNAME`, the way wg-quick and
 * others start a userspace implementation.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/kem.h"
#include "crypto/secret.h"
#include "main/launch.h"
#include "main/verb.h"

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return !strcmp(word, a) || !strcmp(word, b);
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (is_one_of(argv[i], "--help", "-h"))
			return verb_help.run(1, (char *[]){(char *)verb->name});
	if (argc >= verb->min_arguments && argc <= verb->max_arguments)
		return verb->run(argc, argv);
	fprintf(stderr, "adit %s: %s\nusage: adit %s %s\n", verb->name,
		argc < verb->min_arguments ? "an argument is missing" : "too many arguments",
		verb->name, verb->arguments);
	return VERB_USAGE;
}

/* Whoever closed one of 0-2 would else have the next descriptor written to as stderr. */
static void open_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_descriptors();
	if (!crypto_init()) {
		fprintf(stderr, "adit: libsodium does not start on this machine\n");
		return VERB_FAILED;
	}
	if (!kem_self_test()) {
		fprintf(stderr, "adit: ML-KEM-768 gives wrong answers on this machine\n");
		return VERB_FAILED;
	}
	if (argc < 2)
		return verb_help.run(0, argv) ? VERB_FAILED : VERB_USAGE;
	if (is_one_of(argv[1], "--version", "-V")) {
		printf("adit %s\n", ADIT_VERSION);
		return VERB_OK;
	}
	if (is_one_of(argv[1], "--help", "-h"))
		return verb_help.run(0, argv);
	const struct verb *verb = verb_find(argv[1]);
	if (verb)
		return run_verb(verb, argc - 2, argv + 2);
	bool is_foreground = is_one_of(argv[1], "-f", "--foreground");
	int names = argc - 1 - is_foreground;
	if (names == 0) {
		fprintf(stderr, "adit %s: an interface's name is missing\n", argv[1]);
		return VERB_USAGE;
	}
	if (names != 1) {
		const char *guess = verb_guess(argv[1]);
		fprintf(stderr, "adit: \"%s\" is no verb; %s%s%sadit help lists them\n", argv[1],
			guess ? "did you mean \"" : "", guess ? guess : "", guess ? "\"? " : "");
		return VERB_USAGE;
	}
	return launch_bare(argv[1 + is_foreground], is_foreground);
}
