#include "main/show_wish.h"

#include <stdio.h>
#include <string.h>

#include "main/load.h"
#include "text/addrtext.h"
#include "text/view_print.h"

#define SECONDS_MAX    86400 /* between two pictures */
#define SELECTORS_SIZE 256   /* bytes of all their names */

static bool refuse(const char *word, const char *why)
{
	fprintf(stderr,
		"adit show: \"%.64s\": %s\n"
		"usage: adit show [NAME | all] [--drops | --json] [--show-keys] "
		"[--watch[=SECONDS]]\n"
		"       adit show NAME | all SELECTOR [--watch[=SECONDS]]\n"
		"       adit show interfaces\n",
		word, why);
	return false;
}

static bool take_form(struct show_wish *wish, const char *option, enum show_form form)
{
	if (wish->form != SHOW_PRETTY && wish->form != form)
		return refuse(option, "not together with the one before");
	wish->form = form;
	return true;
}

static bool take_interval(struct show_wish *wish, const char *option)
{
	const char *equals = strchr(option, '=');
	uint64_t seconds = 1;
	if (equals &&
		(!addrtext_read_decimal(&seconds, equals + 1, strlen(equals + 1), SECONDS_MAX) ||
			!seconds))
		return refuse(option, "not a number of seconds from 1 to 86400");
	wish->interval = seconds * NANOS_PER_SECOND;
	return true;
}

static bool take_option(struct show_wish *wish, const char *option)
{
	if (!strcmp(option, "--drops"))
		return take_form(wish, option, SHOW_DROPS);
	if (!strcmp(option, "--json"))
		return take_form(wish, option, SHOW_JSON);
	if (!strcmp(option, "--watch") || !strncmp(option, "--watch=", strlen("--watch=")))
		return take_interval(wish, option);
	if (strcmp(option, "--show-keys"))
		return refuse(option, "no such option");
	wish->wants_keys = true;
	return true;
}

static bool take_selector(struct show_wish *wish, const char *word)
{
	char names[SELECTORS_SIZE];
	struct out out;
	wish->selector = view_selector_find(word);
	if (wish->selector >= 0)
		return take_form(wish, word, SHOW_SELECTED);
	refuse(word, "no such selector");
	out_init_fixed(&out, names, sizeof names);
	view_print_selectors(&out);
	fprintf(stderr, "SELECTOR is one of: %s\n", names);
	return false;
}

static bool take_name(struct show_wish *wish, const char *word)
{
	struct load load;
	if (!load_find(&load, word))
		return false;
	memcpy(wish->name, load.name, sizeof wish->name);
	return true;
}

static bool take_words(struct show_wish *wish, const char *name, const char *selector)
{
	wish->is_all = !name || !strcmp(name, "all");
	if (name && !strcmp(name, "interfaces"))
		return selector ? refuse(selector, "nothing goes with \"interfaces\"")
				: take_form(wish, name, SHOW_NAMES);
	if (!wish->is_all && !take_name(wish, name))
		return false;
	return !selector || take_selector(wish, selector);
}

bool show_wish_parse(struct show_wish *wish, int argc, char **argv)
{
	const char *words[2] = {NULL, NULL};
	size_t count = 0;
	*wish = (struct show_wish){0};
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] == '-' && !take_option(wish, argv[i]))
			return false;
		if (argv[i][0] == '-')
			continue;
		if (count == 2)
			return refuse(argv[i], "NAME and SELECTOR stand there already");
		words[count++] = argv[i];
	}
	return take_words(wish, words[0], words[1]);
}
