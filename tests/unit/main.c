#include "unit/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/secret.h"

static struct test *tests, **tests_end = &tests;
static bool has_failed, has_skipped;

void test_register(struct test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("%s:%d: ", file, line);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	has_failed = true;
}

void test_fail_bytes(const char *file, int line, const char *what, const void *expected,
	const void *got, size_t len)
{
	const uint8_t *e = expected, *g = got;
	size_t first = 0;
	while (first < len && e[first] == g[first])
		first++;
	test_fail(file, line, "%s: %zu bytes, first difference at %zu", what, len, first);
	size_t end = first + 32 < len ? first + 32 : len;
	printf("  expected ");
	for (size_t i = first; i < end; i++)
		printf("%02x", e[i]);
	printf("\n  got      ");
	for (size_t i = first; i < end; i++)
		printf("%02x", g[i]);
	putchar('\n');
}

void test_skip(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("skipped: ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	has_skipped = true;
}

static bool is_chosen(const struct test *test, char **substrings, int count)
{
	for (int i = 0; i < count; i++)
		if (strstr(test->name, substrings[i]) || strstr(test->file, substrings[i]))
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	long expected = -1;
	bool list = false;
	int first = 1;
	for (; first < argc && argv[first][0] == '-'; first++) {
		if (!strcmp(argv[first], "--list"))
			list = true;
		else if (!strcmp(argv[first], "--expect") && first + 1 < argc)
			expected = strtol(argv[++first], NULL, 10);
	}
	if (!crypto_init()) {
		printf("libsodium does not start: the system gives no randomness\n");
		return 1;
	}
	long passed = 0, failed = 0, skipped = 0;
	for (struct test *test = tests; test; test = test->next) {
		if (!is_chosen(test, argv + first, argc - first))
			continue;
		if (list) {
			printf("%s\t%s\n", test->file, test->name);
			continue;
		}
		has_failed = has_skipped = false;
		test->run();
		if (has_failed)
			printf("FAILED %s (%s)\n", test->name, test->file);
		fflush(stdout);
		failed += has_failed;
		skipped += has_skipped && !has_failed;
		passed += !has_failed && !has_skipped;
	}
	if (list)
		return 0;
	long ran = passed + failed + skipped;
	if (expected >= 0 && ran != expected) {
		printf("%ld tests ran, %ld expected\n", ran, expected);
		failed++;
	}
	printf("%ld passed, %ld failed", passed, failed);
	printf(skipped ? ", %ld skipped\n" : "\n", skipped);
	return failed != 0;
}
