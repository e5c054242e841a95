#include "main/admin.h"
#include "main/knock.h"
#include "main/load.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	struct load load;
	(void)argc;
	if (!load_find(&load, argv[0]))
		return VERB_USAGE;
	return knock(ADMIN_DIRECTORY, load.name, "confirm");
}

const struct verb verb_confirm = {
	.name = "confirm",
	.arguments = "NAME|FILE",
	.summary = "keep what reload --confirm has changed",
	.help = "Ends the wait that `adit reload --confirm` began: nothing is rolled back.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};
