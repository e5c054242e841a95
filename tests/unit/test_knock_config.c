#include "main/knock_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
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

static bool keeps_links(void)
{
	char line[ADMIN_LINE_MAX], expected[ADMIN_LINE_MAX], endless[ADMIN_LINE_MAX];
	REQUIRE(!mkdir("store", 0700) && !fclose(fopen("store/wg0.conf", "w")));
	REQUIRE(!symlink("store/wg0.conf", "wg0.conf") && !symlink("store", "now"));
	static const char *const paths[] = {"wg0.conf", "./wg0.conf", "now/wg0.conf"};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		snprintf(expected, sizeof expected, "diff path=%s/%s", folder_path, paths[i]);
		REQUIRE(knock_config_line(line, "diff", paths[i]) && !strcmp(expected, line));
	}
	REQUIRE(knock_config_line(line, "diff", "/a/../b") && !strcmp("diff path=/a/../b", line));
	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = 0;
	REQUIRE(!knock_config_line(line, "diff", endless) && errno == ENAMETOOLONG);
	REQUIRE(!chdir("/") && knock_config_line(line, "diff", "b"));
	REQUIRE(!strcmp("diff path=/b", line));
	return true;
}

/* The supervisor reads this path again: a link may lead to another file by then. */
TEST(knock_config_keeps_links_in_a_path)
{
	folder_run(keeps_links);
}
