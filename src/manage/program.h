/*
 * Another program, run without a shell and waited for, but not for long: with a
 * fixed environment, no descriptor of ours, no signal blocked or ignored, in a
 * session of its own, which ends as a whole when its time is over. For a process
 * that may wait.
 */
#ifndef ADIT_MANAGE_PROGRAM_H
#define ADIT_MANAGE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_FOLDERS                                                                            \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /* and its PATH */
#define PROGRAM_INPUT_MAX  8192 /* bytes; less than what a pipe holds */
#define PROGRAM_OUTPUT_MAX 512	/* bytes that are kept, the end included */

/* The first of the folders, with colons between, that has it. */
bool program_find(char path[static PATH_MAX], const char *folders, const char *name);

/*
 * Runs the program at `path` with argv, ended by NULL, and `input` on stdin (NULL:
 * /dev/null). `output` gets the beginning of what it prints on stdout and stderr,
 * in one line; what else it prints is read and forgotten. A program that it leaves
 * behind is not waited for. Its exit status, 128 + the signal that ended it,
 * -ETIMEDOUT: it was killed after so many seconds; other -errno: it was not started.
 */
int program_run(const char *path, const char *const *argv, const char *input, unsigned seconds,
	char output[static PROGRAM_OUTPUT_MAX]);

#endif
