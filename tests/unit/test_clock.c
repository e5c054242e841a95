#include "unit/test.h"

#include <time.h>

#include "io/clock.h"

static nanos direct(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (nanos)t.tv_sec * 1000000000 + (nanos)t.tv_nsec;
}

TEST(clock_reads_both_clocks)
{
	nanos boot = direct(CLOCK_BOOTTIME), real = direct(CLOCK_REALTIME);
	struct now now = clock_read();
	CHECK(now.boottime >= boot && now.boottime <= direct(CLOCK_BOOTTIME));
	/* the wall clock may be set meanwhile, but hardly by a minute */
	CHECK(now.realtime + 60 * NANOS_PER_SECOND > real);
	CHECK(now.realtime < real + 60 * NANOS_PER_SECOND);
}

TEST(clock_moves_on)
{
	struct now first = clock_read(), now = first;
	for (int i = 0; i < 1000000 && now.boottime == first.boottime; i++) {
		struct now next = clock_read();
		CHECK(next.boottime >= now.boottime);
		now = next;
	}
	CHECK(now.boottime > first.boottime);
}
