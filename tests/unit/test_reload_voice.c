#include "main/reload_voice.h"

#include <stdio.h>

#include "unit/capture.h"
#include "unit/sandbox.h"

static char heard[2048];

static void say(void *context, enum reload_words kind, const char *text)
{
	(void)context;
	snprintf(heard, sizeof heard, "%d %s", kind, text);
}

static bool voices(void)
{
	static char endless[4096];
	const struct reload_voice voice = {.say = say};
	REQUIRE(capture_begin("error", "wg0"));
	reload_voice_remark(&voice, "port %u", 7u);
	snprintf(endless, sizeof endless, "%d port 7", RELOAD_REMARK);
	REQUIRE(!strcmp(endless, heard));
	memset(endless, 'x', sizeof endless - 1);
	reload_voice_remark(&voice, "%s", endless);
	REQUIRE(strlen(heard) > 1000 && strlen(heard) < 1100);
	/* the log is interested in remarks alone, nobody in nothing */
	reload_voice_log.say(NULL, RELOAD_LINE, "~ mtu 1 -> 2\n");
	reload_voice_log.say(NULL, RELOAD_REMARK, "alas");
	reload_voice_log.finish(NULL, 1);
	REQUIRE(!strcmp("wg0: alas\n", captured()));
	reload_voice_remark(&reload_voice_nobody, "alas");
	reload_voice_nobody.finish(NULL, 1);
	REQUIRE(!strcmp("", captured()));
	return true;
}

TEST(reload_voice_says_to_whom_it_belongs)
{
	sandbox_run_child(voices);
}
