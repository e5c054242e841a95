#include "text/out.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

#define FIRST_CAPACITY	   256
#define DECIMAL_DIGITS_MAX 20

void out_init(struct out *out, size_t max)
{
	*out = (struct out){.max = max};
}

void out_init_fixed(struct out *out, char *bytes, size_t size)
{
	*out = (struct out){.bytes = bytes, .capacity = size, .max = size};
	bytes[0] = 0;
}

void out_wipe(struct out *out)
{
	if (out->bytes)
		secret_wipe(out->bytes, out->capacity);
	free(out->bytes);
	out_init(out, out->max);
}

void out_clear(struct out *out)
{
	if (out->bytes)
		secret_wipe(out->bytes, out->len);
	out->len = 0;
	out->has_failed = false;
}

const char *out_string(const struct out *out)
{
	return out->bytes ? out->bytes : "";
}

/* Not by realloc, which would leave secrets behind in the old place. */
static bool grow(struct out *out, size_t needed)
{
	size_t capacity = out->capacity ? out->capacity : FIRST_CAPACITY;
	while (capacity < needed && capacity < out->max)
		capacity = capacity > out->max / 2 ? out->max : 2 * capacity;
	if (capacity > out->max)
		capacity = out->max;
	if (capacity <= out->capacity)
		return false;
	char *bytes = malloc(capacity);
	if (!bytes)
		return false;
	if (out->bytes) {
		memcpy(bytes, out->bytes, out->len);
		secret_wipe(out->bytes, out->capacity);
		free(out->bytes);
	}
	bytes[out->len] = 0;
	out->bytes = bytes;
	out->capacity = capacity;
	return true;
}

void out_add(struct out *out, const void *bytes, size_t len)
{
	if (out->has_failed || len == 0)
		return;
	size_t room = out->capacity ? out->capacity - 1 - out->len : 0;
	if (len > room && len < out->max && grow(out, out->len + len + 1))
		room = out->capacity - 1 - out->len;
	if (len > room) {
		out->has_failed = true;
		len = room;
	}
	if (len == 0)
		return;
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
	out->bytes[out->len] = 0;
}

void out_add_text(struct out *out, const char *text)
{
	out_add(out, text, strlen(text));
}

void out_add_repeated(struct out *out, char c, size_t count)
{
	for (; count && !out->has_failed; count--)
		out_add(out, &c, 1);
}

void out_add_decimal(struct out *out, uint64_t value)
{
	char digits[DECIMAL_DIGITS_MAX];
	size_t first = sizeof digits;
	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	out_add(out, digits + first, sizeof digits - first);
}

char out_printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

void out_add_quoted(struct out *out, const char *text, size_t len)
{
	size_t shown = len < OUT_QUOTED_MAX ? len : OUT_QUOTED_MAX;
	out_add_text(out, "\"");
	for (size_t i = 0; i < shown; i++)
		out_add_repeated(out, out_printable(text[i]), 1);
	out_add_text(out, shown < len ? "...\"" : "\"");
}
