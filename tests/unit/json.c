#include "unit/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

const char *vectors_folder(void)
{
	const char *folder = getenv("ADIT_VECTORS");
	return folder ? folder : "../shared/vectors";
}

static FILE *open_vectors(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", vectors_folder(), name);
	return fopen(path, "r");
}

bool vectors_read(const char *name, char **text, struct json *root)
{
	FILE *file = open_vectors(name);
	if (!file)
		return false;
	*text = malloc(JSON_FILE_MAX);
	size_t len = *text ? fread(*text, 1, JSON_FILE_MAX, file) : 0;
	if (len == 0 || len == JSON_FILE_MAX)
		test_fail(__FILE__, __LINE__, "%s: empty, unreadable, or %u bytes and more", name,
			JSON_FILE_MAX);
	*root = (struct json){*text, *text + len};
	fclose(file);
	return true;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static const char *skip_filler(const char *at, const char *end)
{
	while (at < end && is_one_of(*at, " \t\r\n,:"))
		at++;
	return at;
}

static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

static const char *skip_word(const char *at, const char *end)
{
	while (at < end && !is_one_of(*at, " \t\r\n,:\"{}[]"))
		at++;
	return at;
}

static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;
	do {
		at = skip_filler(at, end);
		if (at == end)
			return end;
		if (*at == '"') {
			at = skip_string(at, end);
		} else if (is_one_of(*at, "{[")) {
			depth++;
			at++;
		} else if (is_one_of(*at, "}]")) {
			depth -= depth > 0;
			at++;
		} else {
			at = skip_word(at, end);
		}
	} while (depth > 0);
	return at;
}

struct json json_next(struct json *rest)
{
	const char *at = skip_filler(rest->at, rest->end);
	/* only the array itself begins with its bracket; what is left begins behind an item */
	if (at < rest->end && at == rest->at && is_one_of(*at, "{["))
		at = skip_filler(at + 1, rest->end);
	if (at == rest->end || is_one_of(*at, "}]"))
		return (struct json){0};
	struct json item = {at, skip_value(at, rest->end)};
	rest->at = item.end;
	return item;
}

struct json json_member(struct json object, const char *name)
{
	while (object.at) {
		struct json found = json_next(&object);
		struct json value = json_next(&object);
		if (!value.at || json_is(found, name))
			return value;
	}
	return (struct json){0};
}

bool json_is(struct json value, const char *string)
{
	size_t len = strlen(string);
	return value.at && (size_t)(value.end - value.at) == len + 2 && *value.at == '"' &&
	       !memcmp(value.at + 1, string, len);
}

uint64_t json_number(struct json value)
{
	uint64_t n = 0;
	for (const char *at = value.at; at < value.end; at++) {
		if (*at < '0' || *at > '9' || n > UINT64_MAX / 10 - 1)
			return UINT64_MAX;
		n = n * 10 + (uint64_t)(*at - '0');
	}
	return value.at ? n : UINT64_MAX;
}

size_t json_hex(struct json value, uint8_t *out, size_t max)
{
	size_t digits = value.at ? (size_t)(value.end - value.at) : 1;
	if (digits % 2 || digits < 2 || *value.at != '"' || (digits - 2) / 2 > max)
		return SIZE_MAX;
	for (size_t i = 0; i < (digits - 2) / 2; i++) {
		int high = test_hex_digit(value.at[2 * i + 1]);
		int low = test_hex_digit(value.at[2 * i + 2]);
		if (high < 0 || low < 0)
			return SIZE_MAX;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (digits - 2) / 2;
}
