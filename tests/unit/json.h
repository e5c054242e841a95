/*
 * Just enough JSON to read files of test vectors: a value is the text it was
 * written as, nothing is allocated but the file. Malformed text reads as absent
 * values, so a test that counts its cases notices.
 */
#ifndef ADIT_TESTS_JSON_H
#define ADIT_TESTS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_FILE_MAX (4u << 20) /* bytes */

struct json { /* from the first character of a value to behind the last; both NULL: absent */
	const char *at, *end;
};

/* The folder of the vector files: ADIT_VECTORS, or ../shared/vectors. */
const char *vectors_folder(void);

/*
 * Reads folder/name whole; the caller frees *text when done with *root. false
 * when there is no such file; one too long or unreadable fails the running test.
 */
bool vectors_read(const char *name, char **text, struct json *root);

/* The member of an object with this name. */
struct json json_member(struct json object, const char *name);

/*
 * Goes through an array: `rest` begins as the array itself and shrinks. The item
 * is absent at the end. In an object names and values come in turn.
 */
struct json json_next(struct json *rest);

/* Whether the value is this string, which has nothing to escape. */
bool json_is(struct json value, const char *string);

/* A number without sign, fraction or exponent; UINT64_MAX: it is something else. */
uint64_t json_number(struct json value);

/* Decodes a string of hex digits; SIZE_MAX: it is something else, or does not fit. */
size_t json_hex(struct json value, uint8_t *out, size_t max);

#endif
