/*
 * Whether memory still holds a secret when it is freed: the linker puts our free
 * before the system's (--wrap, see the Makefile).
 */
#ifndef ADIT_TESTS_FREED_H
#define ADIT_TESTS_FREED_H

#include <stddef.h>

/* From now on, every block that is freed is searched for these bytes, which stay the caller's. */
void freed_watch(const void *secret, size_t len);

/* Ends that; how many blocks held them. */
size_t freed_end(void);

#endif
