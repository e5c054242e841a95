/*
 * The fuzz targets' frame. A target is a file fuzz_NAME.c with FUZZ(NAME): it reads
 * its input from front to back and REQUIREs what must hold, whatever the input was.
 * A world of devices is built anew for each input, so that one file is enough to
 * see a failure again. One program holds all targets:
 *
 *   libfuzzer.c   runs the target that the variable FUZZ_TARGET names, for libFuzzer
 *   replay.c      runs the files of the corpora; any compiler, no libFuzzer
 */
#ifndef ADIT_TESTS_FUZZ_H
#define ADIT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/burst.h"

struct input { /* what is left to read; behind its end come zeros */
	const uint8_t *bytes;
	size_t len;
};

uint8_t input_u8(struct input *in);
uint16_t input_u16(struct input *in); /* little-endian, as all numbers */
uint64_t input_u64(struct input *in);
void input_fill(struct input *in, void *out, size_t len);

/* The next `len` bytes or as many as are left; *len says how many. Points into the input. */
const uint8_t *input_take(struct input *in, size_t *len);

/*
 * Spoils `bytes`, as the input wants: reads an offset (16 bits) and a count (8 bits), then
 * that many bytes, and XORs them in, as far as they are not beyond `len`. true: it changed
 * something.
 */
bool input_spoil(struct input *in, uint8_t *bytes, size_t len);

/*
 * For ASan: what lies behind a datagram in its slot is not to be touched, until the
 * device is done with the burst and the guard is lifted.
 */
void fuzz_guard_burst(const struct burst *burst);
void fuzz_unguard_burst(const struct burst *burst);

struct fuzz_target {
	const char *name;
	void (*run)(struct input *in);
	struct fuzz_target *next;
};

void fuzz_register(struct fuzz_target *target);

/* NULL: no target has this name. */
const struct fuzz_target *fuzz_find(const char *name);

/* What must hold: else the program says so and aborts, which is what libFuzzer waits for. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

#define FUZZ(target_name)                                                                          \
	static void fuzz_##target_name(struct input *in);                                          \
	__attribute__((constructor)) static void register_##target_name(void)                      \
	{                                                                                          \
		static struct fuzz_target target = {#target_name, fuzz_##target_name, NULL};       \
		fuzz_register(&target);                                                            \
	}                                                                                          \
	static void fuzz_##target_name(struct input *in)

#endif
