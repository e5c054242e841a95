/*
 * Asking the supervisor of an interface about a configuration, given as NAME or
 * FILE.
 */
#ifndef ADIT_MAIN_KNOCK_CONFIG_H
#define ADIT_MAIN_KNOCK_CONFIG_H

/*
 * Sends `request`, with the file's path where `word` is one, as main/door.h wants
 * it. Prints what there is to say; the status.
 */
int knock_about_config(const char *request, const char *word);

#endif
