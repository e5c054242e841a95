#include <poll.h>
#include <stdlib.h>

#include "io/channel.h"
#include "io/engine.h"
#include "io/log.h"
#include "io/messages.h"
#include "io/process.h"
#include "unit/test.h"

#define PATIENCE_MS 10000 /* a loaded machine is no failure; a hang is */

static struct process engine; /* the test is its supervisor */

static bool tell(const struct to_engine *message)
{
	return !channel_send(engine.channel, message, sizeof *message, NULL, 0);
}

/* What the engine says next. */
static uint32_t next_kind(void)
{
	struct from_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	struct pollfd readable = {.fd = engine.channel, .events = POLLIN};
	poll(&readable, 1, PATIENCE_MS);
	int got = channel_receive(engine.channel, &message, sizeof message, fds, &fd_count);
	return got == 1 && from_engine_is_valid(&message, fd_count) ? message.kind : 0;
}

TEST(engine_tells_its_sources_when_more_are_wanted)
{
	struct to_engine routes = {.kind = TO_ENGINE_ROUTES}, ping = {.kind = TO_ENGINE_PING};
	setenv("LOG_LEVEL", "silent", 1);
	log_init("");
	CHECK_EQ(0, process_start(&engine, "engine", engine_run, NULL, NULL, 0));
	unsetenv("LOG_LEVEL");
	log_init("");
	CHECK(tell(&routes));
	CHECK_EQ(FROM_ENGINE_SOURCES, next_kind());
	routes.sources.is_last = 1;
	CHECK(tell(&routes) && tell(&ping));
	CHECK_EQ(FROM_ENGINE_PONG, next_kind());
	CHECK_EQ(0, process_finish(&engine));
}
