#include "main/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/tun.h"
#include "main/inherited.h"
#include "main/load.h"
#include "main/supervisor.h"
#include "main/verb.h"

#define ALLOW_HOOKS "--allow-hooks"
#define FOREGROUND  "WG_PROCESS_FOREGROUND"

/* `[--allow-hooks] NAME|FILE`, in any order. The latter; NULL: said why. */
static const char *read_arguments(int argc, char **argv, bool *allow_hooks)
{
	const char *word = NULL;
	*allow_hooks = false;
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], ALLOW_HOOKS)) {
			*allow_hooks = true;
		} else if (argv[i][0] == '-' || word) {
			fprintf(stderr, "adit: \"%s\" is too much here: %s\n", argv[i],
				word ? "one interface at a time"
				     : "the only option is " ALLOW_HOOKS);
			return NULL;
		} else {
			word = argv[i];
		}
	}
	if (!word)
		fprintf(stderr, "adit: the NAME or the FILE of a configuration is missing\n");
	return word;
}

int launch_config(int argc, char **argv, bool is_background)
{
	struct load load;
	struct inherited inherited;
	bool allow_hooks;
	const char *word = read_arguments(argc, argv, &allow_hooks);
	if (!word || !load_find(&load, word) || !inherited_take(&inherited))
		return VERB_USAGE;
	if (inherited.tun >= 0 && strcmp(inherited.tun_name, load.name)) {
		fprintf(stderr,
			"adit: " INHERITED_TUN " is the interface %s, but the configuration is for "
			"%s: rename one of them\n",
			inherited.tun_name, load.name);
		return VERB_USAGE;
	}
	struct supervisor_options options = {.is_background = is_background,
		.allow_hooks = allow_hooks,
		.tun = inherited.tun,
		.listener = inherited.listener};
	memcpy(options.name, load.name, sizeof options.name);
	memcpy(options.path, load.path, sizeof options.path);
	return supervisor_run(&options);
}

/* A mistyped verb must not become an interface; who really wants that name says so. */
static bool is_meant(const char *name)
{
	const char *guess = verb_guess(name);
	if (guess)
		fprintf(stderr,
			"adit: \"%s\" is no verb; did you mean \"%s\"? (adit -f %s makes an "
			"interface of that name)\n",
			name, guess, name);
	return !guess;
}

/* false: said why. */
static bool read_foreground(bool *is_foreground)
{
	const char *text = getenv(FOREGROUND);
	if (!text || !*text || !strcmp(text, "0"))
		return true;
	if (strcmp(text, "1")) {
		fprintf(stderr,
			"adit: " FOREGROUND " is \"%.32s\"; it must be 1, for the foreground, or "
			"not be set\n",
			text);
		return false;
	}
	*is_foreground = true;
	return true;
}

int launch_bare(const char *name, bool is_foreground)
{
	struct inherited inherited;
	if (name[0] == '-') {
		fprintf(stderr, "adit: \"%s\" is no option; adit help lists all\n", name);
		return VERB_USAGE;
	}
	if (!tun_name_is_valid(name)) {
		fprintf(stderr,
			"adit: \"%s\" is neither a verb nor a name for an interface (at most 15 "
			"characters, no blank or slash); adit help lists the verbs\n",
			name);
		return VERB_USAGE;
	}
	if (!read_foreground(&is_foreground) || (!is_foreground && !is_meant(name)) ||
		!inherited_take(&inherited))
		return VERB_USAGE;
	struct supervisor_options options = {.is_background = !is_foreground,
		.tun = inherited.tun,
		.listener = inherited.listener};
	/* The interface that is handed over has a name already. */
	snprintf(options.name, sizeof options.name, "%s",
		inherited.tun >= 0 ? inherited.tun_name : name);
	return supervisor_run(&options);
}
