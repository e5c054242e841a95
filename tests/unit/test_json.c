#include "unit/json.h"

#include <stdlib.h>

#include "unit/test.h"

static struct json of(const char *text)
{
	return (struct json){text, text + strlen(text)};
}

TEST(json_reader)
{
	struct json root =
		of("{ \"a{\" : \"x\\\"]\", \"n\": 518, \"list\": [ 1, {\"k\": []}, \"\" ],\n"
		   " \"hex\":\"00fF7a\", \"odd\":\"abc\", \"neg\": -1}");
	CHECK(json_is(json_member(root, "a{"), "x\\\"]"));
	CHECK(!json_is(json_member(root, "a{"), "x"));
	CHECK_EQ(518, json_number(json_member(root, "n")));
	CHECK_EQ(UINT64_MAX, json_number(json_member(root, "neg")));
	CHECK_EQ(UINT64_MAX, json_number(json_member(root, "hex")));
	CHECK(!json_member(root, "x").at && !json_member(root, "k").at &&
		!json_member(root, "").at);
	CHECK_EQ(UINT64_MAX, json_number(json_member(root, "x")));

	struct json rest = json_member(root, "list");
	CHECK_EQ(1, json_number(json_next(&rest)));
	struct json inner = json_member(json_next(&rest), "k");
	CHECK(inner.at && !json_next(&inner).at);
	CHECK(json_is(json_next(&rest), ""));
	CHECK(!json_next(&rest).at && !json_next(&rest).at);

	uint8_t bytes[3];
	CHECK_EQ(3, json_hex(json_member(root, "hex"), bytes, 3));
	CHECK_MEM("\x00\xff\x7a", bytes, 3);
	CHECK_EQ(SIZE_MAX, json_hex(json_member(root, "hex"), bytes, 2));
	CHECK_EQ(SIZE_MAX, json_hex(json_member(root, "odd"), bytes, 3));
	CHECK_EQ(SIZE_MAX, json_hex(json_member(root, "x"), bytes, 3));
	CHECK_EQ(SIZE_MAX, json_hex(of("\"zz\""), bytes, 3));
}

/* Cut anywhere, the text gives absent values, and nothing behind its end is read. */
TEST(json_truncated)
{
	static const char text[] = "{\"a\": {\"b\": [1, \"\\\"\", {}]}, \"c\": \"12\"}";
	for (size_t len = 0; len < sizeof text - 1; len++) {
		char *copy = malloc(len + (len == 0)); /* the sanitizer guards its end */
		memcpy(copy, text, len);
		struct json root = {copy, copy + len};
		struct json c = json_member(root, "c");
		CHECK(!c.at || (len >= sizeof text - 5 && c.end <= copy + len));
		struct json b = json_member(json_member(root, "a"), "b");
		for (struct json item; item = json_next(&b), item.at;)
			CHECK(item.end <= copy + len);
		free(copy);
	}
}
