#include "main/launch.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	return launch_config(argc, argv, true);
}

const struct verb verb_up = {
	.name = "up",
	.arguments = "[--allow-hooks] NAME|FILE",
	.summary = "bring the interface up, in the background",
	.help = "Reads /etc/wireguard/NAME.conf, or FILE, which must be called NAME.conf. Creates "
		"the\n"
		"interface NAME, gives the daemon its keys and peers, sets addresses, MTU and "
		"routes,\n"
		"and returns when all is ready. On any error nothing is left behind. Messages go "
		"to\n"
		"syslog afterwards. `adit down NAME` ends it.\n"
		"With --allow-hooks commands of the configuration run although others than root\n"
		"could have written them.\n"
		"Exits with 3 if the configuration has errors, is missing or cannot be read.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run,
};
