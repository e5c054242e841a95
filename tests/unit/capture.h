/*
 * What the program says on stderr. For a sandbox's child: stderr stays taken.
 */
#ifndef ADIT_TESTS_CAPTURE_H
#define ADIT_TESTS_CAPTURE_H

#include <stdbool.h>

/* From here on stderr is a pipe, and the log begins anew: LOG_LEVEL (NULL: none) and its name. */
bool capture_begin(const char *level, const char *name);

/* What was written since the last call, "" for nothing; valid until the next one. */
const char *captured(void);

#endif
