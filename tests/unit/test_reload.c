#include "main/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/clock.h"
#include "main/verb.h"
#include "text/keytext.h"
#include "text/reconcile.h"
#include "unit/capture.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

#define KEY                                                                                        \
	"[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"                 \
	"ListenPort = 7\n"
#define ONE  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TWO  "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PEER "[Peer]\nPublicKey = " ONE "\nAllowedIPs = 10.0.0.1/32\n"
#define MORE "[Peer]\nPublicKey = " TWO "\nAllowedIPs = 10.0.0.2/32\nEndpoint = two.example:5\n"
#define TIME (60 * NANOS_PER_SECOND)

/* Set operations as the engine gets them. */
#define Z24	 "000000000000000000000000000000000000000000000000000000000000"
#define SELECT_1 "public_key=0100" Z24 "\n"
#define SELECT_2 "public_key=0200" Z24 "\n"

static struct loop loop;
static struct engine_link engine_link;
static struct load config;
static struct names names;
static struct netlink netlink;
static struct link link_set; /* of no device: left alone */
static struct hook_queue hooks;
static bool has_hooks, has_servers;
static struct name_servers servers;
static struct reload reload;
static int engine, feed; /* its end of the channel, and of the reload's feed */
static char words[4096];
static int status; /* -1: not finished */
static unsigned news;

static void say(void *context, enum reload_words kind, const char *text)
{
	static const char *const marks[] = {
		[RELOAD_LINE] = "L ", [RELOAD_MISTAKE] = "M ", [RELOAD_REMARK] = "R "};
	size_t len = strlen(words);
	(void)context;
	if (strstr(text, "in another network namespace")) /* said of a link that is no more */
		return;
	snprintf(words + len, sizeof words - len, "%s%s%s", marks[kind], text,
		kind == RELOAD_REMARK ? "\n" : "");
}

static void finish(void *context, int final_status)
{
	(void)context;
	if (status != -1)
		abort(); /* finished twice */
	status = final_status;
}

static void on_news(void *context)
{
	(void)context;
	news++;
}

static bool write_file(const char *text)
{
	unlink("wg0.conf");
	FILE *file = fopen("wg0.conf", "w");
	return file && !chmod("wg0.conf", 0600) && fputs(text, file) >= 0 && !fclose(file);
}

static void print(const char *text)
{
	(void)text;
}

static bool begin(const char *text)
{
	int ends[2];
	REQUIRE(capture_begin("error", "wg0") && loop_init(&loop) == 0 && channel_pair(ends) == 0);
	engine_link.process.channel = ends[0];
	engine = ends[1];
	feed = -1;
	REQUIRE(write_file(text) && load_find(&config, "./wg0.conf"));
	REQUIRE(load_read(&config, print) == 0 && names_add_all(&names, &config.conf) == 0);
	reconcile_forget_secrets(&config.conf.change);
	const struct reload_world world = {
		.loop = &loop,
		.engine = &engine_link,
		.netlink = &netlink,
		.link = &link_set,
		.config = &config,
		.names = &names,
		.hooks = &hooks,
		.has_hooks = &has_hooks,
		.servers = &servers,
		.has_servers = &has_servers,
		.dns_system = &dns_usual_system,
		.on_news = on_news,
	};
	reload_init(&reload, &world);
	return true;
}

static void end(void)
{
	reload_abandon(&reload);
	hook_queue_stop(&hooks);
	names_free(&names);
	load_wipe(&config);
	loop_wipe(&loop);
	close(feed);
	close(engine);
	close(engine_link.process.channel);
}

static const struct reload_voice voice = {say, finish, NULL};

static void ask(bool is_dry, uint32_t confirm_seconds)
{
	struct reload_wish wish = {.is_dry = is_dry, .confirm_seconds = confirm_seconds};
	words[0] = 0;
	status = -1;
	reload_begin(&reload, &wish, &voice);
	loop_settle(&loop);
}

/* Takes the connection that the engine was given. */
static bool is_connected(void)
{
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	if (channel_receive(engine, &message, sizeof message, fds, &count) != 1)
		return false;
	close(feed);
	feed = fds[0];
	return message.kind == TO_ENGINE_CONTROL && count == 1;
}

static bool hears(const char *expected)
{
	static char text[65536];
	ssize_t n = read(feed, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	if (!strcmp(expected, text))
		return true;
	test_fail(__FILE__, __LINE__, "the engine heard\n%s", text);
	return false;
}

static void answer(const char *text)
{
	if (write(feed, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	loop_settle(&loop);
}

/* What an engine with KEY and PEER answers. */
static void answer_state(const char *more)
{
	char hex[KEYTEXT_HEX_LEN + 1], text[2048];
	uint8_t key[KEYTEXT_KEY_LEN];
	if (!keytext_read_base64(key, "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", 44))
		abort();
	keytext_write_hex(hex, key);
	snprintf(text, sizeof text,
		"private_key=%s\nlisten_port=7\n" SELECT_1
		"endpoint=192.0.2.9:9\nallowed_ip=10.0.0.1/32\n%serrno=0\n\n",
		hex, more);
	answer(text);
}

static bool asks_state(void)
{
	REQUIRE(is_connected() && hears("get=1\n\n"));
	return true;
}

static bool nothing_new(void)
{
	REQUIRE(begin(KEY PEER));
	ask(false, 0);
	REQUIRE(status == -1 && reload_is_busy(&reload) && asks_state());
	answer_state("");
	REQUIRE(status == VERB_OK && !strcmp("", words) && hears(""));
	REQUIRE(!reload_is_busy(&reload) && news);
	end();
	return true;
}

TEST(reload_of_the_same_file_does_nothing)
{
	folder_run(nothing_new);
}

static bool changes(void)
{
	REQUIRE(begin(KEY PEER));
	REQUIRE(write_file(KEY "ListenPort = 8\n" PEER "PersistentKeepalive = 5\n" MORE));
	ask(true, 0);
	REQUIRE(asks_state());
	answer_state("");
	REQUIRE(status == VERB_OK && hears("") && names.count == 0);
	char lines[sizeof words];
	strcpy(lines, words);
	REQUIRE(!strcmp("L ~ listen port 7 -> 8\n"
			"~ persistent keepalive of peer " ONE ": off -> 5 s\n"
			"+ peer " TWO ", allowed ips 10.0.0.2/32\n"
			"+ endpoint of peer " TWO ": two.example:5\n",
		words));
	ask(false, 0);
	REQUIRE(asks_state());
	answer_state("");
	REQUIRE(status == -1 && names.count == 0 && config.conf.change.peer_count == 1);
	REQUIRE(hears("set=1\nlisten_port=8\n" SELECT_1
		      "update_only=true\npersistent_keepalive_interval=5\n" SELECT_2
		      "allowed_ip=10.0.0.2/32\n\n"));
	answer("errno=0\n\n");
	REQUIRE(status == VERB_OK && !strcmp(lines, words));
	REQUIRE(config.conf.change.peer_count == 2 && names.count == 1);
	REQUIRE(!strcmp("two.example", names.names[0].host));
	/* of keys only the engine has any now */
	static const struct private_key none;
	REQUIRE(!memcmp(&none, &config.conf.change.private_key, sizeof none));
	end();
	return true;
}

TEST(reload_changes_what_is_different)
{
	folder_run(changes);
}

static bool refuses(void)
{
	REQUIRE(begin(KEY PEER) && write_file(KEY "ListenPort = 8\n" PEER MORE));
	ask(false, 0);
	REQUIRE(asks_state());
	answer_state("");
	answer("errno=-98\n\n");
	REQUIRE(status == VERB_FAILED && names.count == 0 && config.conf.change.peer_count == 1);
	REQUIRE(!strcmp("R cannot listen on UDP port 8: Address already in use\n"
			"R all is as it was\n",
		words));
	/* another reason; then an engine that says nothing, or nonsense */
	REQUIRE(write_file(KEY PEER MORE));
	ask(false, 0);
	REQUIRE(asks_state());
	answer_state("");
	answer("errno=-12\n\n");
	REQUIRE(status == VERB_FAILED && strstr(words, "Cannot allocate memory"));
	ask(false, 0);
	REQUIRE(asks_state());
	answer("what?\n\n");
	REQUIRE(status == VERB_FAILED && strstr(words, "does not say what it is doing"));
	ask(false, 0);
	REQUIRE(asks_state());
	answer_state("");
	close(feed);
	feed = -1;
	loop_settle(&loop);
	REQUIRE(status == VERB_FAILED && strstr(words, "refused the change: Conn"));
	close(engine);
	engine = -1;
	ask(false, 0);
	REQUIRE(status == VERB_FAILED && strstr(words, "does not take a question"));
	REQUIRE(!reload_is_busy(&reload) && config.conf.change.peer_count == 1);
	end();
	return true;
}

TEST(reload_is_refused_and_nothing_is_changed)
{
	folder_run(refuses);
}

static bool mistakes(void)
{
	REQUIRE(begin(KEY PEER) && write_file(KEY "MTU = x\n" PEER));
	ask(false, 0);
	REQUIRE(status == VERB_CONFIG && !strncmp(words, "M ./wg0.conf:4:7: error: MTU: ", 30));
	REQUIRE(!is_connected() && !reload_is_busy(&reload));
	unlink("wg0.conf");
	ask(false, 0);
	REQUIRE(status == VERB_FAILED && strstr(words, "No such file"));
	REQUIRE(mkfifo("wg0.conf", 0600) == 0);
	ask(false, 0);
	REQUIRE(status == VERB_FAILED && strstr(words, "is not a file"));
	/* the folder belongs to root, but its parent's parent is anybody's */
	REQUIRE(write_file(KEY "PostUp = true\n" PEER) && chmod("wg0.conf", 0666) == 0);
	ask(false, 0);
	REQUIRE(status == VERB_CONFIG && strstr(words, "has commands to run"));
	REQUIRE(hooks.process.pid <= 0 && !has_hooks);
	end();
	return true;
}

TEST(reload_of_a_file_with_mistakes_touches_nothing)
{
	folder_run(mistakes);
}

static bool one_at_a_time(void)
{
	REQUIRE(begin(KEY PEER));
	ask(false, 0);
	REQUIRE(asks_state() && status == -1);
	struct reload_wish wish = {0};
	words[0] = 0;
	reload_begin(&reload, &wish, &voice);
	REQUIRE(status == VERB_FAILED && !strcmp("R another reload is under way\n", words));
	status = -1;
	reload_abandon(&reload); /* the first is told too */
	REQUIRE(status == VERB_FAILED && strstr(words, "the interface ends"));
	REQUIRE(!reload_is_busy(&reload));
	reload_abandon(&reload);
	end();
	return true;
}

TEST(reload_one_at_a_time)
{
	folder_run(one_at_a_time);
}

#define PSK "PresharedKey = AwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static bool reload_unconfirmed(void)
{
	REQUIRE(write_file(KEY PEER PSK MORE));
	ask(false, 60);
	REQUIRE(asks_state());
	answer_state("");
	REQUIRE(hears("set=1\n" SELECT_1 "update_only=true\npreshared_key=0300" Z24 "\n" SELECT_2
		      "allowed_ip=10.0.0.2/32\n\n"));
	answer("errno=0\n\n");
	REQUIRE(status == VERB_OK && names.count == 1 && config.conf.change.peer_count == 2);
	REQUIRE(strstr(words, "it is rolled back in 60 s, unless \"adit confirm wg0\" comes"));
	nanos now = clock_read().boottime;
	REQUIRE(reload.deadline > now && reload.deadline <= now + TIME);
	return true;
}

static bool comes_back(void)
{
	REQUIRE(begin(KEY PEER) && reload_unconfirmed());
	reload_on_time(&reload, reload.deadline - 1);
	REQUIRE(!is_connected());
	ask(false, 0);
	REQUIRE(status == VERB_FAILED && strstr(words, "waits to be confirmed"));
	reload_on_time(&reload, reload.deadline);
	REQUIRE(reload.deadline == NANOS_NEVER && is_connected());
	REQUIRE(hears("set=1\n" SELECT_2 "remove=true\n" SELECT_1
		      "update_only=true\npreshared_key=0000" Z24 "\n\n"));
	ask(false, 0);
	REQUIRE(status == VERB_FAILED && strstr(words, "under way"));
	answer("errno=0\n\n");
	REQUIRE(!reload_is_busy(&reload) && names.count == 0);
	REQUIRE(config.conf.change.peer_count == 1 && reload.deadline == NANOS_NEVER);
	REQUIRE(reload_confirm(&reload) == VERB_FAILED);
	/* an engine that does not follow leaves the old file in force all the same */
	REQUIRE(reload_unconfirmed());
	reload_on_time(&reload, reload.deadline);
	REQUIRE(is_connected());
	captured();
	answer("errno=-12\n\n");
	REQUIRE(strstr(captured(), "the engine could not be set back: Cannot allocate memory"));
	REQUIRE(!reload_is_busy(&reload) && config.conf.change.peer_count == 1);
	end();
	return true;
}

TEST(reload_comes_back_unless_confirmed)
{
	folder_run(comes_back);
}

static bool confirms(void)
{
	REQUIRE(begin(KEY PEER) && reload_confirm(&reload) == VERB_FAILED);
	REQUIRE(reload_unconfirmed() && reload_confirm(&reload) == VERB_OK);
	REQUIRE(reload.deadline == NANOS_NEVER && !reload.plan.back.peers);
	REQUIRE(config.conf.change.peer_count == 2);
	/* an end before it is confirmed is just an end */
	REQUIRE(write_file(KEY PEER));
	ask(false, 60);
	REQUIRE(asks_state());
	answer_state("preshared_key=0300" Z24 "\n" SELECT_2);
	answer("errno=0\n\n");
	REQUIRE(status == VERB_OK);
	status = -1;
	reload_abandon(&reload);
	REQUIRE(status == -1 && !is_connected());
	end();
	return true;
}

TEST(reload_stays_when_confirmed)
{
	folder_run(confirms);
}

static bool first_hooks(void)
{
	REQUIRE(begin(KEY PEER) && write_file(KEY "PostDown = true\n" PEER));
	hooks.context = &hooks;
	ask(true, 0); /* who only asks starts no process */
	REQUIRE(asks_state() && hooks.process.pid <= 0);
	answer_state("");
	REQUIRE(status == VERB_OK && !strcmp("L + PostDown true\n", words));
	ask(false, 0);
	REQUIRE(hooks.process.pid > 0 && asks_state());
	reload_abandon(&reload);
	REQUIRE(hooks.process.pid <= 0 && hooks.context == &hooks && !has_hooks);
	ask(false, 0);
	REQUIRE(asks_state());
	answer_state("");
	REQUIRE(status == VERB_OK && hooks.process.pid > 0 && has_hooks);
	end();
	return true;
}

TEST(reload_brings_the_first_hooks)
{
	folder_run(first_hooks);
}
