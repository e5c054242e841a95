/*
 * The single reader of the clocks. Everything else is handed a struct now.
 * Any thread.
 */
#ifndef ADIT_IO_CLOCK_H
#define ADIT_IO_CLOCK_H

#include "base/nanos.h"

/* CLOCK_BOOTTIME and CLOCK_REALTIME; a wall clock before 1970 reads as 0. Cannot fail. */
struct now clock_read(void);

#endif
