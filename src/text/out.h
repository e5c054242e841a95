/*
 * A growable text to write into, with one failure flag instead of a check at
 * each step: after no memory or the limit all further writing is ignored, and
 * the writer asks once, at the end. May hold secrets: everything is wiped before
 * it is freed. Always ends with a zero byte, not counted. Not thread-safe.
 */
#ifndef ADIT_TEXT_OUT_H
#define ADIT_TEXT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out {
	char *bytes; /* NULL until something is written; then with a zero at the end */
	size_t len, capacity, max;
	bool has_failed; /* something is missing at the end */
};

/* Grows up to `max` bytes, the zero at the end included. Owned by the caller: out_wipe. */
void out_init(struct out *out, size_t max);

/*
 * Writes into `size` bytes (at least 1) of the caller's, who keeps them: no
 * out_wipe. What does not fit is cut off, and has_failed set.
 */
void out_init_fixed(struct out *out, char *bytes, size_t size);

/* Wipes and frees; it is then empty and usable again. */
void out_wipe(struct out *out);

/* Wipes what was written and keeps the memory for the next; has_failed is reset. */
void out_clear(struct out *out);

/* Never NULL. */
const char *out_string(const struct out *out);

void out_add(struct out *out, const void *bytes, size_t len);
void out_add_text(struct out *out, const char *text);
void out_add_repeated(struct out *out, char c, size_t count);
void out_add_decimal(struct out *out, uint64_t value);

/*
 * In double quotes what somebody else wrote: at most OUT_QUOTED_MAX bytes of it,
 * then "...", and ? for each byte that is not printable ASCII.
 */
#define OUT_QUOTED_MAX 64
void out_add_quoted(struct out *out, const char *text, size_t len);

/* c itself, or ? when a terminal might act on it or show it with another width. */
char out_printable(char c);

#endif
