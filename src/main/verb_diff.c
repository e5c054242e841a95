#include <stdio.h>

#include "main/door.h"
#include "main/knock_config.h"
#include "main/verb.h"

static int run(int argc, char **argv)
{
	(void)argc;
	int status = knock_about_config("diff", argv[0]);
	if (status == DOOR_SAME)
		fprintf(stderr, "no differences\n");
	return status;
}

const struct verb verb_diff = {
	.name = "diff",
	.arguments = "NAME|FILE",
	.summary = "what reload would change",
	.help = "Prints the lines that `adit reload` would print, and changes nothing. Exits as\n"
		"diff(1) does: with 0 when there is no difference, with 1 when there is one, with "
		"2\n"
		"or more when it cannot be told.",
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run,
};
