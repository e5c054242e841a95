#include "main/door.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "main/verb.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static struct loop loop;
static struct door door;
static struct engine_link engine; /* of no process: it takes no question */
static struct load config;
static struct link link_set;
static struct hook_queue hooks;
static bool has_hooks, has_servers;
static struct name_servers servers;

static void on_news(void *context)
{
	(void)context;
}

static bool begin(void)
{
	REQUIRE(capture_begin("info", "wg0") && loop_init(&loop) == 0);
	engine.process.channel = -1;
	config = (struct load){.name = "wg0", .path = "/none/wg0.conf", .fd = -1};
	door = (struct door){0};
	const struct reload_world world = {
		.loop = &loop,
		.engine = &engine,
		.link = &link_set,
		.config = &config,
		.hooks = &hooks,
		.has_hooks = &has_hooks,
		.servers = &servers,
		.has_servers = &has_servers,
		.dns_system = &dns_usual_system,
		.on_news = on_news,
	};
	reload_init(&door.reload, &world);
	REQUIRE(door_open(&door, &loop, "adit", "wg0") == 0);
	return true;
}

static void end(void)
{
	door_end(&door);
	door_close(&door);
	door_close(&door);
	loop_wipe(&loop);
}

static bool answers(const char *request, const char *expected)
{
	char text[2048];
	int fd = control_connect("adit", "wg0");
	REQUIRE(fd >= 0 && send(fd, request, strlen(request), 0) == (ssize_t)strlen(request));
	loop_settle(&loop);
	ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	loop_settle(&loop);
	if (!strcmp(expected, text))
		return true;
	test_fail(__FILE__, __LINE__, "%s answered by\n%s", request, text);
	return false;
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && !fclose(file);
}

#define NOT_READY  "2adit: wg0: it is just starting or ending\n="
#define NO_REQUEST "2adit: wg0: it does not understand this request\n=2\n"
#define NO_FILE	   "2adit: /none/wg0.conf: No such file or directory\n="

static bool grammar(void)
{
	REQUIRE(begin());
	REQUIRE(answers("reload\n", NOT_READY "1\n") && answers("diff\n", NOT_READY "2\n"));
	REQUIRE(answers("confirm\n", NOT_READY "1\n"));
	door_begin(&door);
	static const char *const rows[] = {"\n", "reload \n", "reload confirm=0\n",
		"reload confirm=86401\n", "reload confirm=\n", "reload confirm=1x\n",
		"reload path=relative\n", "reload path=/a confirm=\t5\n", "reloads\n", "diffs\n",
		"diff confirm=x\n", "confirm now\n", "RELOAD\n"};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		REQUIRE(strchr(rows[i], '\t') ? answers(rows[i], "")
					      : answers(rows[i], NO_REQUEST));
	REQUIRE(answers("confirm\n", "2adit: wg0: no reload waits to be confirmed\n=1\n"));
	REQUIRE(answers("reload\n", NO_FILE "3\n") && answers("diff\n", NO_FILE "3\n"));
	REQUIRE(answers("reload confirm=86400\n", NO_FILE "3\n"));
	REQUIRE(answers("reload confirm=1 path=/a b/wg0.conf\n",
		"2adit: /a b/wg0.conf: No such file or directory\n=3\n"));
	door_end(&door);
	REQUIRE(answers("reload\n", NOT_READY "1\n"));
	end();
	return true;
}

TEST(door_understands_a_few_requests)
{
	folder_run(grammar);
}

static bool mistakes(void)
{
	char request[256];
	REQUIRE(begin() && write_file("wg0.conf", "[Interface]\nMTU = x\n"));
	door_begin(&door);
	snprintf(request, sizeof request, "diff path=%s/wg0.conf\n", folder_path);
	int fd = control_connect("adit", "wg0");
	REQUIRE(fd >= 0 && send(fd, request, strlen(request), 0) > 0);
	loop_settle(&loop);
	char text[2048] = "", expected[256];
	REQUIRE(recv(fd, text, sizeof text - 1, MSG_DONTWAIT) > 0);
	snprintf(expected, sizeof expected, "2%s/wg0.conf:2:7: error: MTU: ", folder_path);
	REQUIRE(strstr(text, expected) && strstr(text, "\n2  MTU = x\n"));
	REQUIRE(strstr(text, "\n=3\n"));
	close(fd);
	end();
	return true;
}

TEST(door_shows_the_mistakes_of_a_file)
{
	folder_run(mistakes);
}

static bool hangup(void)
{
	REQUIRE(begin());
	door_on_hangup(&door);
	REQUIRE(!strcmp("wg0: it is just starting or ending: nothing is reloaded\n", captured()));
	door_begin(&door);
	door_on_hangup(&door);
	REQUIRE(!strcmp("adit: /none/wg0.conf: No such file or directory\n"
			"wg0: the reload failed\n",
		captured()));
	/* an engine that takes no question */
	REQUIRE(write_file("wg0.conf", "[Interface]\n"));
	snprintf(config.path, sizeof config.path, "%s/wg0.conf", folder_path);
	door_on_hangup(&door);
	REQUIRE(strstr(captured(), "wg0: the engine does not take a question: "));
	end();
	return true;
}

TEST(door_reloads_at_a_hangup)
{
	folder_run(hangup);
}
