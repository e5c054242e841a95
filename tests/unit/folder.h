/*
 * For tests that leave files behind: a fresh folder for each, removed with all
 * that is in it, however the test ends.
 */
#ifndef ADIT_TESTS_FOLDER_H
#define ADIT_TESTS_FOLDER_H

#include <stdbool.h>

/* As sandbox_run_child, with the fresh folder (0755, under /tmp) as the current one. */
void folder_run(bool (*body)(void));

/* Its path, inside a body. */
extern char folder_path[64];

#endif
