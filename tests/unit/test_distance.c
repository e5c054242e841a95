#include "unit/test.h"

#include <limits.h>

#include "text/distance.h"

TEST(distance_counts_the_least_edits)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"MTU", "mtu", 0},
		{"show", "shows", 1},
		{"show", "how", 1},
		{"show", "shoe", 1},
		{"show", "shwo", 1},
		{"show", "hsow", 1},
		{"show", "hswo", 2},
		{"abcd", "badc", 2},
		{"show", "down", 3},
		{"kitten", "sitting", 3},
		{"abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstuvw", 1},
		{"abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvwx", UINT_MAX},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t a = strlen(rows[i].a), b = strlen(rows[i].b);
		CHECK_EQ(rows[i].distance, distance_of(rows[i].a, a, rows[i].b, b));
		CHECK_EQ(rows[i].distance, distance_of(rows[i].b, b, rows[i].a, a));
	}
}
