/*
 * Randomness from the kernel, as the interface that the core takes. Nothing is
 * buffered, so nothing can repeat after a fork or be found in memory later.
 * Any thread.
 */
#ifndef ADIT_IO_ENTROPY_H
#define ADIT_IO_ENTROPY_H

#include "crypto/rng.h"

/*
 * An rng over getrandom(2), which waits at early boot until the kernel's pool is
 * ready. Where the kernel gives none the program ends with a message: there is
 * nothing sensible to do without randomness.
 */
struct rng entropy_rng(void);

#endif
