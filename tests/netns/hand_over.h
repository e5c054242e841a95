#ifndef ADIT_TESTS_HAND_OVER_H
#define ADIT_TESTS_HAND_OVER_H

/* Becomes `command`, with an interface and a listening socket; "-": without. */
_Noreturn void hand_over(const char *tun, const char *path, char **command);

#endif
