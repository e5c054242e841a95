#include "fuzz/fuzz.h"

#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "unit/test.h"

/* ---------------------------------------------------------------- the input */

const uint8_t *input_take(struct input *in, size_t *len)
{
	const uint8_t *taken = in->bytes;
	if (*len > in->len)
		*len = in->len;
	in->bytes += *len;
	in->len -= *len;
	return taken;
}

void input_fill(struct input *in, void *out, size_t len)
{
	size_t got = len;
	const uint8_t *taken = input_take(in, &got);
	memset(out, 0, len);
	if (got)
		memcpy(out, taken, got);
}

uint8_t input_u8(struct input *in)
{
	uint8_t byte;
	input_fill(in, &byte, 1);
	return byte;
}

uint16_t input_u16(struct input *in)
{
	uint16_t low = input_u8(in);
	return (uint16_t)(low | input_u8(in) << 8);
}

uint64_t input_u64(struct input *in)
{
	uint8_t bytes[8];
	input_fill(in, bytes, sizeof bytes);
	return load_le64(bytes);
}

bool input_spoil(struct input *in, uint8_t *bytes, size_t len)
{
	size_t offset = input_u16(in), count = input_u8(in);
	const uint8_t *mask = input_take(in, &count);
	uint8_t changed = 0;
	for (size_t i = 0; i < count && offset + i < len; i++) {
		bytes[offset + i] ^= mask[i];
		changed |= mask[i];
	}
	return changed;
}

/* ---------------------------------------------------------------- guards */

void fuzz_guard_burst(const struct burst *burst)
{
	for (uint32_t i = 0; i < burst->count; i++) {
		size_t start = (size_t)i * burst->stride + burst->len[i];
		size_t end =
			i + 1 < burst->count ? (size_t)(i + 1) * burst->stride : burst->capacity;
		ASAN_POISON_MEMORY_REGION(burst->bytes + start, end - start);
	}
}

void fuzz_unguard_burst(const struct burst *burst)
{
	ASAN_UNPOISON_MEMORY_REGION(burst->bytes, burst->capacity);
}

/* ---------------------------------------------------------------- the targets */

static struct fuzz_target *targets;

void fuzz_register(struct fuzz_target *target)
{
	target->next = targets;
	targets = target;
}

const struct fuzz_target *fuzz_find(const char *name)
{
	const struct fuzz_target *target = targets;
	while (target && strcmp(target->name, name))
		target = target->next;
	return target;
}

/* ---------------------------------------------------------------- failures */

void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* What the unit tests' helpers complain with. */
void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
