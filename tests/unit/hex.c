#include "unit/test.h"

#include <stdlib.h>

int test_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void test_hex(uint8_t *out, size_t len, const char *hex)
{
	size_t digits = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		int v = test_hex_digit(*hex);
		if (v < 0 || digits == 2 * len)
			abort();
		out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] << 4 | v : v);
		digits++;
	}
	if (digits != 2 * len)
		abort();
}
