#include "main/launch.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	return launch_config(argc, argv, false);
}

const struct verb verb_run = {
	.name = "run",
	.arguments = "[--allow-hooks] NAME|FILE",
	.summary = "what up does, in the foreground, for systemd",
	.help = "Does what up does, but stays in the foreground with its messages on stderr, "
		"until\n"
		"SIGTERM, SIGINT, `adit down` or the end of the interface. Tells systemd when the\n"
		"interface is ready (Type=notify).\n"
		"With --allow-hooks commands of the configuration run although others than root\n"
		"could have written them.\n"
		"Exits with 3 if the configuration has errors, is missing or cannot be read.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run,
};
