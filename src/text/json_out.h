/*
 * JSON [RFC 8259] into a struct out, piece by piece: the commas, the indents and
 * the escapes. One item a line, indented by tabs. Nothing is built in memory but
 * the text. Who calls it sees to it that every begin has its end; deeper than
 * JSON_OUT_DEPTH_MAX is refused: out->has_failed.
 *
 * A name is NULL in an array, and for the outermost value. Strings may be any bytes:
 * what is not UTF-8 becomes U+FFFD.
 */
#ifndef ADIT_TEXT_JSON_OUT_H
#define ADIT_TEXT_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/out.h"

#define JSON_OUT_DEPTH_MAX 16

struct json_out {
	struct out *out; /* the caller's */
	size_t depth;
	bool has_items[JSON_OUT_DEPTH_MAX + 1]; /* at each depth: the next one needs a comma */
};

void json_out_init(struct json_out *json, struct out *out);

void json_out_begin_object(struct json_out *json, const char *name);
void json_out_end_object(struct json_out *json);
void json_out_begin_array(struct json_out *json, const char *name);
void json_out_end_array(struct json_out *json);

void json_out_text(struct json_out *json, const char *name, const char *text, size_t len);
void json_out_decimal(struct json_out *json, const char *name, uint64_t value);
void json_out_bool(struct json_out *json, const char *name, bool value);

/* After the outermost value: ends its line. */
void json_out_finish(struct json_out *json);

#endif
