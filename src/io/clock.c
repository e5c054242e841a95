#include "io/clock.h"

#include <time.h>

/* With 32 bits the clock would stand still from 2038 on, and no handshake be accepted. */
_Static_assert(sizeof(time_t) == 8, "32-bit systems: -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64");

static nanos read_one(clockid_t id)
{
	struct timespec t = {0};
	clock_gettime(id, &t); /* cannot fail for these clocks with a valid pointer */
	return t.tv_sec < 0 ? 0 : (nanos)t.tv_sec * NANOS_PER_SECOND + (nanos)t.tv_nsec;
}

struct now clock_read(void)
{
	return (struct now){
		.boottime = read_one(CLOCK_BOOTTIME), .realtime = read_one(CLOCK_REALTIME)};
}
