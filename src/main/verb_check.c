#include <stdio.h>
#include <string.h>

#include "main/load.h"
#include "main/verb.h"

static void print_count(size_t count, const char *what)
{
	printf("%zu %s%s", count, what, count == 1 ? "" : "s");
}

/* What there is to say at the end, and whether it can be used. */
static int conclude(const struct load *load, size_t peers, int status, bool is_strict)
{
	printf("%s: ", load->path);
	if (load->error_count)
		print_count(load->error_count, "error");
	else
		print_count(peers, "peer");
	if (load->warning_count) {
		printf(", ");
		print_count(load->warning_count, "warning");
	}
	bool is_too_strict = !status && is_strict && load->warning_count;
	printf("; %s\n", status		       ? "cannot be used"
			 : is_too_strict       ? "refused, for with --strict warnings are errors"
			 : load->warning_count ? "usable"
					       : "no errors");
	return is_too_strict ? VERB_CONFIG : status;
}

static int check(const char *word, bool is_strict)
{
	struct load load;
	if (!load_find(&load, word))
		return VERB_USAGE;
	load.is_check = true;
	int status = load_read(&load, load_say_on_stderr);
	size_t peers = load.conf.change.peer_count;
	bool is_read = status == VERB_OK;
	if (is_read)
		status = load_check(&load, false);
	if (status == VERB_OK || status == VERB_CONFIG)
		status = conclude(&load, peers, status, is_strict);
	if (is_read)
		load_wipe(&load);
	return status;
}

static int run(int argc, char **argv)
{
	const char *word = NULL;
	bool is_strict = false;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--strict"))
			is_strict = true;
		else if (argv[i][0] != '-' && !word)
			word = argv[i];
		else
			word = "";
	}
	if (word && *word)
		return check(word, is_strict);
	fprintf(stderr, "usage: adit check %s\n", verb_check.arguments);
	return VERB_USAGE;
}

const struct verb verb_check = {
	.name = "check",
	.arguments = "[--strict] NAME|FILE",
	.summary = "say what is wrong with a configuration",
	.help = "Reads /etc/wireguard/NAME.conf, or FILE, and prints every error and warning with\n"
		"line and column, and what `adit up` would refuse. Exits with 0 if it can be "
		"used,\n"
		"with 3 if not, also where it is missing; with --strict also with 3 if there is a\n"
		"warning.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run,
};
