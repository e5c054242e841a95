#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/knock_config.h"
#include "main/reload.h"
#include "main/verb.h"
#include "text/addrtext.h"

/* "60", "60s", "5m" or "1h" in seconds; 0: something else, or out of range. */
static uint32_t read_duration(const char *text)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	size_t len = strlen(text);
	uint32_t factor = 1;
	uint64_t count;
	for (size_t i = 0; len && i < sizeof units / sizeof *units; i++)
		if (text[len - 1] == units[i].unit) {
			factor = units[i].seconds;
			len--;
			break;
		}
	bool ok = addrtext_read_decimal(&count, text, len, RELOAD_CONFIRM_MAX / factor);
	return ok ? (uint32_t)count * factor : 0;
}

static int usage(const char *word, const char *why)
{
	fprintf(stderr, "adit reload: \"%s\": %s\nusage: adit reload %s\n", word, why,
		verb_reload.arguments);
	return VERB_USAGE;
}

static int run(int argc, char **argv)
{
	const char *word = NULL;
	uint32_t seconds = 0;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--confirm")) {
			seconds = i + 1 < argc ? read_duration(argv[++i]) : 0;
			if (!seconds)
				return usage(argv[i], "expected a time like 60s or 5m, of at "
						      "most a day");
		} else if (argv[i][0] == '-') {
			return usage(argv[i], "no such option");
		} else if (word) {
			return usage(argv[i], "one NAME or FILE is enough");
		} else {
			word = argv[i];
		}
	}
	if (!word)
		return usage("", "NAME or FILE is missing");
	char verb[64];
	snprintf(verb, sizeof verb, seconds ? "reload confirm=%u" : "reload", seconds);
	return knock_about_config(verb, word);
}

const struct verb verb_reload = {
	.name = "reload",
	.arguments = "[--confirm TIME] NAME|FILE",
	.summary = "take over what has changed in the configuration",
	.help = "Reads the configuration of the running interface again, or FILE in its place, "
		"and\n"
		"changes what is different: peers, keys, port, addresses, routes, MTU, name "
		"servers.\n"
		"What is not, goes on undisturbed. Prints a line for each change. On any error all "
		"is\n"
		"as it was. Commands (PostUp and so on) do not run; changed ones count the next "
		"time.\n"
		"\n"
		"With --confirm: all is rolled back when TIME (60s, 5m) is over, unless `adit "
		"confirm`\n"
		"comes before: for changes of the link by which one is connected.",
	.min_arguments = 1,
	.max_arguments = 3,
	.run = run,
};
