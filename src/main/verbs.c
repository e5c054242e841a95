#include "main/verb.h"

#include <stddef.h>
#include <string.h>

#include "text/distance.h"

#define SHORT_VERB_LEN 3 /* "up", "run": half of all short names are near to them */

static const struct verb *const verbs[] = {&verb_up, &verb_down, &verb_run, &verb_reload,
	&verb_confirm, &verb_diff, &verb_show, &verb_route, &verb_export, &verb_check, &verb_strip,
	&verb_genkey, &verb_genpsk, &verb_pubkey, &verb_help, NULL};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *const *verb = verbs; *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

const char *verb_guess(const char *word)
{
	static const struct {
		const char *word, *meant;
	} others[] = {
		{"status", "show"},
		{"start", "up"},
		{"stop", "down"},
		{"restart", "down"},
		{"list", "show"},
		{"ls", "show"},
		{"version", "--version"},
		{"info", "show"},
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!strcmp(word, others[i].word))
			return others[i].meant;
	for (const struct verb *const *verb = verbs; *verb; verb++) {
		size_t len = strlen((*verb)->name);
		if (len > SHORT_VERB_LEN &&
			distance_of(word, strlen(word), (*verb)->name, len) <= DISTANCE_NEAR)
			return (*verb)->name;
	}
	return NULL;
}

const struct verb *const *verb_list(void)
{
	return verbs;
}
