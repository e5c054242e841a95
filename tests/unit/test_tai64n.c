#include "unit/test.h"

#include "noise/limits.h"
#include "noise/tai64n.h"

/* A realtime and the stamp that it gives. 2^24 ns are 16,777,216 ns; 59 * 2^24 = 989,855,744. */
static const struct {
	nanos realtime;
	const char *stamp;
} instants[] = {
	{0, "400000000000000a 00000000"},
	{(1u << 24) - 1, "400000000000000a 00000000"},
	{1u << 24, "400000000000000a 01000000"},
	{(1u << 24) + 1, "400000000000000a 01000000"},
	{(2u << 24) - 1, "400000000000000a 01000000"},
	{UINT64_C(989855743), "400000000000000a 3a000000"},
	{UINT64_C(989855744), "400000000000000a 3b000000"},
	{UINT64_C(999999999), "400000000000000a 3b000000"},
	{UINT64_C(1000000000), "400000000000000b 00000000"},
	/* 2023-11-14 22:13:20 UTC */
	{UINT64_C(1700000000) * NANOS_PER_SECOND, "400000006553f10a 00000000"},
	{UINT64_C(1700000000) * NANOS_PER_SECOND + 500000000, "400000006553f10a 1d000000"},
	/* what 32 bits of seconds cannot say */
	{(UINT64_C(1) << 32) * NANOS_PER_SECOND, "400000010000000a 00000000"},
	/* the last instant that nanos can say: 18,446,744,073.709551615 s */
	{UINT64_MAX, "400000044b82fa13 2a000000"},
};

TEST(tai64n_counts_from_1970_and_cuts_the_nanoseconds)
{
	for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
		struct tai64n expected, got = tai64n_from_realtime(instants[i].realtime);
		HEX(expected.bytes, instants[i].stamp);
		CHECK_MEM(expected.bytes, got.bytes, TAI64N_LEN);
	}
}

TEST(tai64n_reads_back_what_the_cut_left)
{
	for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
		struct tai64n stamp = tai64n_from_realtime(instants[i].realtime);
		nanos back = tai64n_to_realtime(&stamp);
		CHECK(back <= instants[i].realtime);
		CHECK(instants[i].realtime - back < STAMP_WHITENING_NS);
		CHECK_EQ(0, back % NANOS_PER_SECOND % STAMP_WHITENING_NS);
	}
}

TEST(tai64n_to_realtime_saturates)
{
	static const struct {
		const char *stamp;
		nanos realtime;
	} rows[] = {
		{"0000000000000000 00000000", 0},
		{"4000000000000009 3b9ac9ff", 0}, /* a moment before the epoch */
		{"400000000000000a 00000000", 0},
		{"400000000000000a 3b9ac9ff", 999999999},
		{"400000000000000a ffffffff",
			UINT32_MAX}, /* no clock's, but somebody may send it */
		{"400000044b82fa13 00000000", UINT64_C(18446744073000000000)},
		{"400000044b82fa13 2a4ae5fe", UINT64_MAX - 1},
		{"400000044b82fa13 2a4ae5ff", UINT64_MAX},
		{"400000044b82fa13 2a4ae600", NANOS_NEVER},
		{"400000044b82fa14 00000000", NANOS_NEVER},
		{"ffffffffffffffff ffffffff", NANOS_NEVER},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tai64n stamp;
		HEX(stamp.bytes, rows[i].stamp);
		CHECK_EQ(rows[i].realtime, tai64n_to_realtime(&stamp));
	}
}

TEST(tai64n_next_is_the_smallest_whitened_stamp_after)
{
	static const struct {
		const char *stamp, *next;
	} rows[] = {
		{"400000000000000a 00000000", "400000000000000a 01000000"},
		{"400000000000000a 00000001",
			"400000000000000a 01000000"}, /* not ours: not whitened */
		{"400000000000000a 00ffffff", "400000000000000a 01000000"},
		{"400000000000000a 01000000", "400000000000000a 02000000"},
		{"400000000000000a 3a000000", "400000000000000a 3b000000"},
		{"400000000000000a 3affffff", "400000000000000a 3b000000"},
		{"400000000000000a 3b000000", "400000000000000b 00000000"},
		{"400000000000000a 3b9ac9ff", "400000000000000b 00000000"},
		{"400000000000000a ffffffff", "400000000000000b 00000000"},
		{"40000000ffffffff 3b000000", "4000000100000000 00000000"},
		{"ffffffffffffffff 3a000000", "ffffffffffffffff 3b000000"},
		{"ffffffffffffffff 3b000000", "ffffffffffffffff 3b000000"}, /* the last of all */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tai64n stamp, expected;
		HEX(stamp.bytes, rows[i].stamp);
		HEX(expected.bytes, rows[i].next);
		struct tai64n next = tai64n_next(&stamp);
		CHECK_MEM(expected.bytes, next.bytes, TAI64N_LEN);
	}
}

/* Successors of a stamp are the stamps of the clock, one whitening step after the other. */
TEST(tai64n_next_agrees_with_the_clock)
{
	struct tai64n stamp = tai64n_from_realtime(0);
	for (nanos second = 0; second < 3; second++) {
		for (nanos ns = 0; ns < NANOS_PER_SECOND; ns += STAMP_WHITENING_NS) {
			struct tai64n clock = tai64n_from_realtime(second * NANOS_PER_SECOND + ns);
			CHECK_MEM(clock.bytes, stamp.bytes, TAI64N_LEN);
			struct tai64n next = tai64n_next(&stamp);
			CHECK(tai64n_is_after(&next, &stamp));
			stamp = next;
		}
	}
}

TEST(tai64n_is_after_is_strict_and_big_endian)
{
	static const char *ascending[] = {
		"0000000000000000 00000000", /* what a peer starts with: before every stamp */
		"0000000000000000 00000001",
		"400000000000000a 00000000",
		"400000000000000a 000000ff",
		"400000000000000a 01000000",
		"400000000000000b 00000000",
		"400000000000010a 00000000",
		"800000000000000a 00000000",
		"ffffffffffffffff ffffffff",
	};
	size_t count = sizeof ascending / sizeof *ascending;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			struct tai64n a, b;
			HEX(a.bytes, ascending[i]);
			HEX(b.bytes, ascending[j]);
			CHECK_EQ(i > j, tai64n_is_after(&a, &b));
		}
	}
}
