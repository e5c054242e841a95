/*
 * The unit tests' frame. TEST(name) defines and registers a test; CHECK and its
 * relatives note a failure and leave the test. One program holds all tests:
 *
 *   unit [--expect N] [--list] [SUBSTRING ...]
 *
 * With --expect the number of tests run must be N, so that a test which is no
 * longer linked cannot vanish unnoticed.
 */
#ifndef ADIT_TESTS_TEST_H
#define ADIT_TESTS_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct test {
	const char *name, *file;
	void (*run)(void);
	struct test *next;
};

void test_register(struct test *test);
void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void test_fail_bytes(const char *file, int line, const char *what, const void *expected,
	const void *got, size_t len);
/* Says why a test cannot run here; it counts as skipped, not as passed. */
void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define TEST(name)                                                                                 \
	static void test_##name(void);                                                             \
	__attribute__((constructor)) static void register_##name(void)                             \
	{                                                                                          \
		static struct test test = {#name, __FILE__, test_##name, NULL};                    \
		test_register(&test);                                                              \
	}                                                                                          \
	static void test_##name(void)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			test_fail(__FILE__, __LINE__, "%s", #condition);                           \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* Integers: expected first. */
#define CHECK_EQ(expected, got)                                                                    \
	do {                                                                                       \
		uint64_t expected_ = (uint64_t)(expected), got_ = (uint64_t)(got);                 \
		if (expected_ != got_) {                                                           \
			test_fail(__FILE__, __LINE__, "%s: expected %" PRIu64 ", got %" PRIu64,    \
				#got, expected_, got_);                                            \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define CHECK_STR(expected, got)                                                                   \
	do {                                                                                       \
		const char *expected_ = (expected), *got_ = (got);                                 \
		if (strcmp(expected_, got_)) {                                                     \
			test_fail(__FILE__, __LINE__, "%s:\n  expected \"%s\"\n  got      \"%s\"", \
				#got, expected_, got_);                                            \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define CHECK_MEM(expected, got, len)                                                              \
	do {                                                                                       \
		const void *expected_ = (expected), *got_ = (got);                                 \
		if (memcmp(expected_, got_, (len))) {                                              \
			test_fail_bytes(__FILE__, __LINE__, #got, expected_, got_, (len));         \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* 0..15, or -1. */
int test_hex_digit(char c);
/* Decodes hex digits (spaces allowed) into out; the length must fit exactly. */
void test_hex(uint8_t *out, size_t len, const char *hex);
#define HEX(array, hex) test_hex((array), sizeof(array), (hex))

#endif
