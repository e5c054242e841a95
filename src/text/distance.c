#include "text/distance.h"

#include <limits.h>

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned d[DISTANCE_WORD_MAX + 1][DISTANCE_WORD_MAX + 1];
	if (a_len > DISTANCE_WORD_MAX || b_len > DISTANCE_WORD_MAX)
		return UINT_MAX;
	for (unsigned i = 0; i <= a_len; i++) {
		for (unsigned j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = i + j;
				continue;
			}
			char x = to_lower(a[i - 1]), y = to_lower(b[j - 1]);
			d[i][j] =
				min(d[i - 1][j - 1] + (x != y), 1 + min(d[i - 1][j], d[i][j - 1]));
			if (i > 1 && j > 1 && x == to_lower(b[j - 2]) && y == to_lower(a[i - 2]))
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_len][b_len];
}
