#include <stdio.h>

#include "main/verb.h"

static void print_list(void)
{
	printf("adit: a WireGuard-compatible tunnel\n\n");
	for (const struct verb *const *verb = verb_list(); *verb; verb++)
		printf("  adit %-6s %-21s %s\n", (*verb)->name, (*verb)->arguments,
			(*verb)->summary);
	printf("  adit [-f] IFNAME                  an interface to be configured with wg(8)\n"
	       "  adit --version\n\n"
	       "NAME stands for /etc/wireguard/NAME.conf; FILE is a path that ends in NAME.conf.\n"
	       "adit help VERB tells more, adit(8) and adit.conf(5) all.\n");
}

static int run(int argc, char **argv)
{
	if (argc == 0) {
		print_list();
		return VERB_OK;
	}
	const struct verb *verb = verb_find(argv[0]);
	if (!verb) {
		fprintf(stderr, "adit help: there is no verb \"%s\"; adit help lists them\n",
			argv[0]);
		return VERB_USAGE;
	}
	printf("adit %s%s%s\n\n%s\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
		verb->help);
	return VERB_OK;
}

const struct verb verb_help = {
	.name = "help",
	.arguments = "[VERB]",
	.summary = "this list, or what a verb does",
	.help = "Lists the verbs, or tells what one of them does, as `adit VERB --help` does, too.",
	.max_arguments = 1,
	.run = run,
};
