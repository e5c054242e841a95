/*
 * Programs for tests that run programs: shell scripts in the current folder,
 * which folder_run makes.
 */
#ifndef ADIT_TESTS_PROGRAMS_H
#define ADIT_TESTS_PROGRAMS_H

#include <stdbool.h>

/* FOLDER/NAME, a script of that text; the folder is made where it is missing. */
bool programs_make(const char *folder, const char *name, const char *script);

/* What a file of the current folder says; "none" where there is none. Until the next call. */
const char *programs_read(const char *file);

#endif
