/*
 * Whether a text is JSON, to the letter of RFC 8259: json.h reads on where it is not.
 */
#ifndef ADIT_TESTS_JSON_STRICT_H
#define ADIT_TESTS_JSON_STRICT_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_STRICT_DEPTH_MAX 64 /* deeper is not right */

/* One value, blanks around it, nothing else; no check of UTF-8. */
bool json_is_right(const char *text, size_t len);

#endif
