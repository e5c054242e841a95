#include "main/verb.h"

#include <stddef.h>
#include <string.h>

static const struct verb *const verbs[] = {&verb_up, &verb_down, &verb_run, &verb_show, &verb_check,
	&verb_genkey, &verb_genpsk, &verb_pubkey, &verb_help, NULL};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *const *verb = verbs; *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

const struct verb *const *verb_list(void)
{
	return verbs;
}
