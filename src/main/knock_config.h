/*
 * Asking the supervisor of an interface about a configuration, given as NAME or
 * FILE.
 */
#ifndef ADIT_MAIN_KNOCK_CONFIG_H
#define ADIT_MAIN_KNOCK_CONFIG_H

#include <stdbool.h>

#include "main/admin.h"

/*
 * The request about a file, without the newline. The path is made absolute, for the supervisor has
 * another current folder, and no link in it is resolved: the supervisor keeps it, and
 * the link may lead elsewhere tomorrow. false: see errno.
 */
bool knock_config_line(char line[static ADMIN_LINE_MAX], const char *request, const char *path);

/*
 * Sends `request`, with the file's path where `word` is one, as main/door.h wants
 * it. Prints what there is to say; the status.
 */
int knock_about_config(const char *request, const char *word);

#endif
