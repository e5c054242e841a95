#include "unit/test.h"

#include "peer/drop.h"

TEST(drop_reasons_have_names_of_their_own)
{
	for (int i = 0; i < DROP_REASON_COUNT; i++) {
		const char *name = drop_reason_name((enum drop_reason)i);
		const char *meaning = drop_reason_meaning((enum drop_reason)i);
		CHECK(name && *name && meaning && *meaning);
		/* names are keys of an output: one word */
		CHECK_EQ(strlen(name), strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-"));
		for (int k = 0; k < i; k++) {
			CHECK(strcmp(name, drop_reason_name((enum drop_reason)k)) != 0);
			CHECK(strcmp(meaning, drop_reason_meaning((enum drop_reason)k)) != 0);
		}
	}
	CHECK_STR("type", drop_reason_name(DROP_TYPE));
	CHECK_STR("tun", drop_reason_name(DROP_TUN_ERROR));
	CHECK_STR("outer: unknown message type", drop_reason_meaning(DROP_TYPE));
}
