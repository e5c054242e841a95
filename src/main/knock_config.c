#include "main/knock_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "main/admin.h"
#include "main/knock.h"
#include "main/load.h"
#include "main/verb.h"

/* The supervisor has another current folder. */
static int knock_about_file(const char *request, const struct load *load)
{
	char line[ADMIN_LINE_MAX];
	char *path = realpath(load->path, NULL);
	int len = path ? snprintf(line, sizeof line, "%s path=%s", request, path) : -1;
	if (!path)
		fprintf(stderr, "adit: %s: %s\n", load->path, strerror(errno));
	free(path);
	return len < 0 || len >= (int)sizeof line ? VERB_CONFIG
						  : knock(ADMIN_DIRECTORY, load->name, line);
}

int knock_about_config(const char *request, const char *word)
{
	struct load load;
	if (!load_find(&load, word))
		return VERB_USAGE;
	if (!strcmp(load.name, word))
		return knock(ADMIN_DIRECTORY, load.name, request);
	return knock_about_file(request, &load);
}
