/*
 * A key on stdout or stdin, in base64.
 */
#ifndef ADIT_MAIN_KEY_IO_H
#define ADIT_MAIN_KEY_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "text/keytext.h"

/* Warns on stderr, as wg(8) does, when a secret is about to go to a file that others can read. */
void key_warn_if_readable(void);

/* An enum verb_exit. */
int key_print(const uint8_t key[static KEYTEXT_KEY_LEN]);

/* The key on stdin, with blanks around it at most. false: there is none. */
bool key_read(uint8_t key[static KEYTEXT_KEY_LEN]);

#endif
