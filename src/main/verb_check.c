#include <stdio.h>

#include "main/load.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	struct load load;
	(void)argc;
	if (!load_find(&load, argv[0]))
		return VERB_USAGE;
	int status = load_read(&load, load_say_on_stderr);
	if (status)
		return status;
	status = load_check(&load);
	if (status == VERB_OK)
		printf("%s: %zu peer%s, %s\n", load.path, load.conf.change.peer_count,
			load.conf.change.peer_count == 1 ? "" : "s",
			load.conf.warning_count ? "usable, see the warnings" : "no errors");
	load_wipe(&load);
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.arguments = "NAME|FILE",
	.summary = "say what is wrong with a configuration",
	.help = "Reads /etc/wireguard/NAME.conf, or FILE, and prints every error and warning with\n"
		"line and column, and what `adit up` would refuse. Exits with 0 if it can be "
		"used,\n"
		"with 3 if not.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};
