#include "main/knock_config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "main/admin.h"
#include "main/knock.h"
#include "main/load.h"
#include "main/verb.h"

bool knock_config_line(char line[static ADMIN_LINE_MAX], const char *request, const char *path)
{
	char folder[PATH_MAX] = "";
	if (*path != '/' && !getcwd(folder, sizeof folder))
		return false;
	const char *slash = *path != '/' && strcmp(folder, "/") ? "/" : "";
	int len = snprintf(line, ADMIN_LINE_MAX, "%s path=%s%s%s", request, folder, slash, path);
	if (len < ADMIN_LINE_MAX)
		return true;
	errno = ENAMETOOLONG;
	return false;
}

static int knock_about_file(const char *request, const struct load *load)
{
	char line[ADMIN_LINE_MAX];
	if (access(load->path, F_OK) || !knock_config_line(line, request, load->path)) {
		fprintf(stderr, "adit: %s: %s\n", load->path, strerror(errno));
		return VERB_CONFIG;
	}
	return knock(ADMIN_DIRECTORY, load->name, line);
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
