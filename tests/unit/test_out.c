#include "unit/test.h"

#include "text/out.h"

TEST(out_grows_to_its_limit_and_not_beyond)
{
	struct out out;
	out_init(&out, 1000);
	CHECK_STR("", out_string(&out));
	for (unsigned i = 0; i < 999; i++)
		out_add(&out, &"0123456789"[i % 10], 1);
	CHECK_EQ(999, out.len);
	CHECK_EQ(false, out.has_failed);
	CHECK_EQ(0, out.bytes[999]);
	for (unsigned i = 0; i < 999; i++)
		CHECK_EQ('0' + i % 10, out.bytes[i]);
	out_add(&out, "x", 1);
	CHECK_EQ(true, out.has_failed);
	CHECK_EQ(999, out.len);
	out_wipe(&out);
	CHECK(!out.bytes && !out.has_failed && out.max == 1000);
}

TEST(out_fails_for_good)
{
	struct out out;
	char text[8];
	out_init_fixed(&out, text, sizeof text);
	CHECK_STR("", text);
	out_add_text(&out, "12345");
	out_add_text(&out, "67890");
	CHECK_EQ(true, out.has_failed);
	CHECK_STR("1234567", text);
	out_add_text(&out, "");
	out_add_text(&out, "x");
	CHECK_STR("1234567", text);
	out_clear(&out);
	CHECK_EQ(false, out.has_failed);
	for (unsigned i = 0; i < sizeof text; i++)
		CHECK_EQ(0, text[i]);
	out_add_text(&out, "1234567");
	CHECK_EQ(false, out.has_failed);
}

TEST(out_a_limit_of_one_holds_nothing)
{
	struct out out;
	char text[1] = {'x'};
	out_init_fixed(&out, text, 1);
	out_add_text(&out, "");
	CHECK_EQ(false, out.has_failed);
	out_add_text(&out, "a");
	CHECK_EQ(true, out.has_failed);
	CHECK_STR("", out_string(&out));
}

TEST(out_takes_much_at_once)
{
	static char much[100000];
	struct out out;
	memset(much, 'm', sizeof much);
	out_init(&out, sizeof much + 1);
	out_add(&out, much, sizeof much);
	CHECK_EQ(false, out.has_failed);
	CHECK_EQ(sizeof much, out.len);
	CHECK_MEM(much, out.bytes, sizeof much);
	out_wipe(&out);
	out_init(&out, sizeof much);
	out_add(&out, much, sizeof much);
	CHECK_EQ(true, out.has_failed);
	out_wipe(&out);
}

TEST(out_decimals)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT32_MAX, "4294967295"},
		{UINT64_MAX, "18446744073709551615"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		struct out out;
		out_init_fixed(&out, text, sizeof text);
		out_add_decimal(&out, rows[i].value);
		CHECK_STR(rows[i].text, text);
	}
}

TEST(out_quotes_nothing_that_a_terminal_would_obey)
{
	char text[128];
	struct out out;
	out_init_fixed(&out, text, sizeof text);
	out_add_quoted(&out, "a \x1b[2J\t~\x7f\xc3\xbc\0z", 13);
	CHECK_STR("\"a ?[2J?~????z\"", text);
}

TEST(out_quotes_at_most_64_characters)
{
	char expected[80], text[128], long_one[65];
	struct out out;
	memset(long_one, 'q', sizeof long_one);
	memset(expected, 'q', sizeof expected);
	expected[0] = '"';
	strcpy(expected + 65, "\"");
	out_init_fixed(&out, text, sizeof text);
	out_add_quoted(&out, long_one, 64);
	CHECK_STR(expected, text);
	strcpy(expected + 65, "...\"");
	out_clear(&out);
	out_add_quoted(&out, long_one, 65);
	CHECK_STR(expected, text);
}
