/*
 * Keys that a configuration does not hold but names: PrivateKeyFile and
 * PresharedKeyFile, and systemd's credentials. Reads them into the change; whatever
 * is wrong becomes a diagnostic at the place where the file is named. The memory
 * that held the text of a key is wiped. Never waits: no pipes, no devices.
 */
#ifndef ADIT_MAIN_KEY_FILE_H
#define ADIT_MAIN_KEY_FILE_H

#include <stdbool.h>

#include "text/conf.h"

#define KEY_FILE_MAX 256 /* bytes of a key and the white space around it */

/*
 * Reads all of conf->key_files. Paths that do not begin at the root are looked for
 * in the folder of `conf_path`, "@name" in $CREDENTIALS_DIRECTORY. Without that
 * directory a credential is an error, but a warning if `is_check`: a look at a file
 * from outside of its service can not tell more. false: no memory.
 */
bool key_files_read(struct conf *conf, const char *conf_path, bool is_check);

#endif
