/*
 * JSON of any structure and any strings: it is JSON to the letter, and a string means
 * what was put in, but for what is not UTF-8.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "text/json_out.h"
#include "unit/json_strict.h"
#include "unit/test.h"

#define TEXT_MAX  (1u << 20)
#define ITEMS_MAX 200

/* By arithmetic: the code point, and how many bytes it takes; 0: this is no UTF-8. */
static size_t decode(const uint8_t *text, size_t len, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t bytes = *text < 0x80 ? 1 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
	if ((*text >= 0x80 && *text < 0xc0) || *text >= 0xf8 || bytes > len)
		return 0;
	*point = bytes == 1 ? *text : *text & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (text[i] & 63);
	}
	bool is_surrogate = *point >= 0xd800 && *point < 0xe000;
	return *point < least[bytes] || *point > 0x10ffff || is_surrogate ? 0 : bytes;
}

/* The next code point of a string written by json_out. */
static uint32_t read_point(const char **at)
{
	uint32_t point = 0;
	const uint8_t *text = (const uint8_t *)*at;
	if (*text != '\\') {
		*at += decode(text, 4, &point);
		return point;
	}
	if (text[1] != 'u') {
		*at += 2;
		return text[1];
	}
	for (int i = 2; i < 6; i++)
		point = point << 4 | (uint32_t)test_hex_digit((char)text[i]);
	*at += 6;
	return point;
}

static void check_string(const uint8_t *text, size_t len)
{
	struct out out;
	struct json_out json;
	out_init(&out, TEXT_MAX);
	json_out_init(&json, &out);
	json_out_text(&json, NULL, (const char *)text, len);
	REQUIRE(!out.has_failed && json_is_right(out.bytes, out.len));
	const char *at = out.bytes + 1;
	while (len) {
		uint32_t expected = 0xfffd;
		size_t used = decode(text, len, &expected);
		REQUIRE(read_point(&at) == (used ? expected : 0xfffd));
		used += !used;
		text += used;
		len -= used;
	}
	REQUIRE(at == out.bytes + out.len - 1);
	out_wipe(&out);
}

/* Opens and closes as the input says, then closes what is open. */
static void check_structure(struct input *in)
{
	struct out out;
	struct json_out json;
	char open[JSON_OUT_DEPTH_MAX + 1] = "[";
	size_t depth = 1;
	out_init(&out, TEXT_MAX);
	json_out_init(&json, &out);
	json_out_begin_array(&json, NULL);
	for (int i = 0; i < ITEMS_MAX && depth; i++) {
		uint8_t choice = in->len ? input_u8(in) : 5;
		char text[] = {(char)input_u8(in), 0};
		const char *name = open[depth - 1] == '{' ? text : NULL;
		if (choice % 8 == 0 && depth < JSON_OUT_DEPTH_MAX) {
			json_out_begin_object(&json, name);
			open[depth++] = '{';
		} else if (choice % 8 == 1 && depth < JSON_OUT_DEPTH_MAX) {
			json_out_begin_array(&json, name);
			open[depth++] = '[';
		} else if (choice % 8 == 2) {
			json_out_text(&json, name, text, 1);
		} else if (choice % 8 == 3) {
			json_out_decimal(&json, name, input_u64(in));
		} else if (choice % 8 == 4) {
			json_out_bool(&json, name, choice > 127);
		} else if (open[--depth] == '{') {
			json_out_end_object(&json);
		} else {
			json_out_end_array(&json);
		}
	}
	REQUIRE(depth || json_is_right(out.bytes, out.len));
	out_wipe(&out);
}

FUZZ(json_out)
{
	check_string(in->bytes, in->len);
	check_structure(in);
}
