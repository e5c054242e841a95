#include "io/tuner.h"

#include "io/log.h"
#include "unit/test.h"

TEST(tuner_threads)
{
	static const struct {
		uint32_t wished, cpus, expected;
	} rows[] = {
		{0, 1, 1},
		{0, 2, 1},
		{0, 3, 2},
		{0, 4, 3},
		{0, 8, 7},
		{0, 9, 8},
		{0, 10, 8},
		{0, 256, 8},
		{1, 64, 1},
		{4, 2, 4},
		{64, 1, 64},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tuning tuning = TUNING_USUAL;
		tuning.threads = rows[i].wished;
		CHECK_EQ(rows[i].expected, tuner_threads(&tuning, rows[i].cpus));
	}
	CHECK(tuner_cpus() >= 1);
}
