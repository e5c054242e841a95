#include "unit/reload_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/channel.h"
#include "text/keytext.h"
#include "text/reconcile.h"
#include "unit/capture.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

struct reload_bench bench;

static void say(void *context, enum reload_words kind, const char *text)
{
	static const char *const marks[] = {
		[RELOAD_LINE] = "L ", [RELOAD_MISTAKE] = "M ", [RELOAD_REMARK] = "R "};
	size_t len = strlen(bench.words);
	(void)context;
	if (strstr(text, "in another network namespace")) /* said of a link that is no more */
		return;
	snprintf(bench.words + len, sizeof bench.words - len, "%s%s%s", marks[kind], text,
		kind == RELOAD_REMARK ? "\n" : "");
}

static void finish(void *context, int final_status)
{
	(void)context;
	if (bench.status != -1)
		abort(); /* finished twice */
	bench.status = final_status;
}

static void on_news(void *context)
{
	(void)context;
	bench.news++;
}

bool bench_write_file(const char *text)
{
	unlink("wg0.conf");
	FILE *file = fopen("wg0.conf", "w");
	return file && !chmod("wg0.conf", 0600) && fputs(text, file) >= 0 && !fclose(file);
}

static void print(const char *text)
{
	(void)text;
}

bool bench_begin(const char *text)
{
	int ends[2];
	REQUIRE(capture_begin("error", "wg0") && loop_init(&bench.loop) == 0 &&
		channel_pair(ends) == 0);
	bench.engine_link.process.channel = ends[0];
	bench.engine = ends[1];
	bench.feed = -1;
	REQUIRE(bench_write_file(text) && load_find(&bench.config, "./wg0.conf"));
	REQUIRE(load_read(&bench.config, print) == 0 &&
		names_add_all(&bench.names, &bench.config.conf) == 0);
	reconcile_forget_secrets(&bench.config.conf.change);
	const struct reload_world world = {
		.loop = &bench.loop,
		.engine = &bench.engine_link,
		.netlink = &bench.netlink,
		.link = &bench.link_set,
		.config = &bench.config,
		.names = &bench.names,
		.hooks = &bench.hooks,
		.has_hooks = &bench.has_hooks,
		.servers = &bench.servers,
		.has_servers = &bench.has_servers,
		.dns_system = &dns_usual_system,
		.on_news = on_news,
	};
	reload_init(&bench.reload, &world);
	return true;
}

void bench_end(void)
{
	reload_abandon(&bench.reload);
	hook_queue_stop(&bench.hooks);
	names_free(&bench.names);
	load_wipe(&bench.config);
	loop_wipe(&bench.loop);
	close(bench.feed);
	close(bench.engine);
	close(bench.engine_link.process.channel);
}

const struct reload_voice bench_voice = {say, finish, NULL};

void bench_ask(bool is_dry, uint32_t confirm_seconds)
{
	struct reload_wish wish = {.is_dry = is_dry, .confirm_seconds = confirm_seconds};
	bench.words[0] = 0;
	bench.status = -1;
	reload_begin(&bench.reload, &wish, &bench_voice);
	loop_settle(&bench.loop);
}

bool bench_is_connected(void)
{
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	if (channel_receive(bench.engine, &message, sizeof message, fds, &count) != 1)
		return false;
	close(bench.feed);
	bench.feed = fds[0];
	return message.kind == TO_ENGINE_CONTROL && count == 1;
}

bool bench_hears(const char *expected)
{
	static char text[65536];
	ssize_t n = read(bench.feed, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	if (!strcmp(expected, text))
		return true;
	test_fail(__FILE__, __LINE__, "the engine heard\n%s", text);
	return false;
}

void bench_answer(const char *text)
{
	if (write(bench.feed, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	loop_settle(&bench.loop);
}

void bench_answer_state(const char *more)
{
	char hex[KEYTEXT_HEX_LEN + 1], text[2048];
	uint8_t key[KEYTEXT_KEY_LEN];
	if (!keytext_read_base64(key, PRIVATE_KEY, KEYTEXT_BASE64_LEN))
		abort();
	keytext_write_hex(hex, key);
	snprintf(text, sizeof text,
		"private_key=%s\nlisten_port=7\n" SELECT_1
		"endpoint=192.0.2.9:9\nallowed_ip=10.0.0.1/32\n%serrno=0\n\n",
		hex, more);
	bench_answer(text);
}

bool bench_asks_state(void)
{
	REQUIRE(bench_is_connected() && bench_hears("get=1\n\n"));
	return true;
}
