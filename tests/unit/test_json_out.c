#include "unit/test.h"

#include "text/json_out.h"
#include "unit/json_strict.h"

static void check_text(const char *expected, const char *text, size_t len)
{
	char bytes[256];
	struct out out;
	struct json_out json;
	out_init_fixed(&out, bytes, sizeof bytes);
	json_out_init(&json, &out);
	json_out_text(&json, NULL, text, len);
	CHECK_STR(expected, bytes);
	CHECK(json_is_right(bytes, out.len));
}

TEST(json_out_escapes)
{
	static const struct {
		const char *text, *escaped;
	} rows[] = {
		{"", "\"\""},
		{"wg0", "\"wg0\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"\n\t\x1f \x7f~", "\"\\u000a\\u0009\\u001f \\u007f~\""},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
			"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
		/* first and last of each length */
		{"\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\""},
		{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
			"\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""},
		{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
		/* not UTF-8: alone, cut short, too long a form, a surrogate, beyond the last */
		{"\x80", "\"\\ufffd\""},
		{"\xff"
		 "a",
			"\"\\ufffda\""},
		{"\xc3", "\"\\ufffd\""},
		{"\xc3"
		 "a",
			"\"\\ufffda\""},
		{"\xe2\x82"
		 "a",
			"\"\\ufffd\\ufffda\""},
		{"\xc1\xbf", "\"\\ufffd\\ufffd\""},
		{"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
		{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
		{"\xf0\x9f\x98\xc0", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_text(rows[i].escaped, rows[i].text, strlen(rows[i].text));
	check_text("\"a\\u0000b\"", "a\0b", 3);
	check_text("\"\\ufffd\"", "\xc3\xa9", 1); /* its rest is not ours to read */
}

TEST(json_out_structure)
{
	char bytes[256];
	struct out out;
	struct json_out json;
	out_init_fixed(&out, bytes, sizeof bytes);
	json_out_init(&json, &out);
	json_out_begin_object(&json, NULL);
	json_out_begin_array(&json, "a\"");
	json_out_decimal(&json, NULL, 0);
	json_out_decimal(&json, NULL, UINT64_MAX);
	json_out_begin_object(&json, NULL);
	json_out_end_object(&json);
	json_out_end_array(&json);
	json_out_begin_array(&json, "b");
	json_out_end_array(&json);
	json_out_bool(&json, "c", true);
	json_out_bool(&json, "d", false);
	json_out_text(&json, "e", "f", 1);
	json_out_end_object(&json);
	json_out_finish(&json);
	CHECK_STR("{\n\t\"a\\\"\": [\n\t\t0,\n\t\t18446744073709551615,\n\t\t{}\n\t],\n"
		  "\t\"b\": [],\n\t\"c\": true,\n\t\"d\": false,\n\t\"e\": \"f\"\n}\n",
		bytes);
	CHECK(json_is_right(bytes, out.len));
}

TEST(json_out_refuses_the_bottomless)
{
	char bytes[1024];
	struct out out;
	struct json_out json;
	out_init_fixed(&out, bytes, sizeof bytes);
	json_out_init(&json, &out);
	for (size_t i = 0; i < JSON_OUT_DEPTH_MAX; i++)
		json_out_begin_array(&json, NULL);
	CHECK(!out.has_failed);
	for (size_t i = 0; i < 100; i++)
		json_out_begin_array(&json, NULL);
	for (size_t i = 0; i < JSON_OUT_DEPTH_MAX + 100; i++)
		json_out_end_array(&json);
	CHECK(out.has_failed);
	CHECK_EQ(0, json.depth);
}

/* What judges our JSON knows what is none. */
TEST(json_strict_knows_right_from_wrong)
{
	static const char *const right[] = {"0", " [ ] ", "{}", "[1,2]", "{\"a\":[{}]}", "-1.5e+7",
		"true", "\"\\u00e9\\n\"", "[null,false]"};
	static const char *const wrong[] = {"", "[", "]", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":}",
		"{a:1}", "{\"a\":1,}", "[1}", "01", "1.", "\"", "\"\n\"", "\"\\x\"", "\"\\u12\"",
		"tru", "1 2", "{\"a\":1 \"b\":2}", ",", "[,1]", "[[]"};
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!json_is_right(right[i], strlen(right[i])))
			test_fail(__FILE__, __LINE__, "refused: %s", right[i]);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (json_is_right(wrong[i], strlen(wrong[i])))
			test_fail(__FILE__, __LINE__, "taken: %s", wrong[i]);
}
