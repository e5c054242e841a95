#include "manage/source_mark.h"

#include "unit/sandbox.h"

static bool on_and_off(void)
{
	bool is_on = true;
	REQUIRE(source_mark_get(&is_on) == 0 && !is_on);
	REQUIRE(source_mark_set(true) == 0);
	REQUIRE(source_mark_get(&is_on) == 0 && is_on);
	REQUIRE(source_mark_set(false) == 0);
	REQUIRE(source_mark_get(&is_on) == 0 && !is_on);
	return true;
}

TEST(source_mark_of_the_namespace)
{
	sandbox_run(on_and_off);
}
