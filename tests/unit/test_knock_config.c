#include "main/knock_config.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"

/* Of an interface that nobody has; that a path arrives is tests/netns/test_reload.sh's. */
static bool asks(void)
{
	REQUIRE(capture_begin(NULL, ""));
	REQUIRE(knock_about_config("diff", "no such name") == VERB_USAGE);
	REQUIRE(strstr(captured(), "is not a name for an interface"));
	REQUIRE(knock_about_config("diff", "adit-no-such-i") == VERB_NOT_RUNNING);
	REQUIRE(!strcmp("adit: adit-no-such-i is not running\n", captured()));
	REQUIRE(knock_about_config("diff", "./none.conf") == VERB_CONFIG);
	REQUIRE(!strcmp("adit: ./none.conf: No such file or directory\n", captured()));
	REQUIRE(!fclose(fopen("adit-no-such-i.conf", "w")));
	REQUIRE(knock_about_config("diff", "./adit-no-such-i.conf") == VERB_NOT_RUNNING);
	return true;
}

TEST(knock_config_takes_a_name_or_a_file)
{
	folder_run(asks);
}
