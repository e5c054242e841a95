#include "main/supervisor.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	(void)argc;
	return supervisor_run_config(argv[0], false);
}

const struct verb verb_run = {
	.name = "run",
	.arguments = "NAME|FILE",
	.summary = "what up does, in the foreground, for systemd",
	.help = "Does what up does, but stays in the foreground with its messages on stderr, "
		"until\n"
		"SIGTERM, SIGINT, `adit down` or the end of the interface. Tells systemd when the\n"
		"interface is ready (Type=notify).",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};
