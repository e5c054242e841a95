#include "main/reload.h"

#include <sys/stat.h>
#include <unistd.h>

#include "main/verb.h"
#include "text/keytext.h"
#include "unit/folder.h"
#include "unit/freed.h"
#include "unit/reload_bench.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

static bool nothing_new(void)
{
	REQUIRE(bench_begin(KEY PEER));
	bench_ask(false, 0);
	REQUIRE(bench.status == -1 && reload_is_busy(&bench.reload) && bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK && !strcmp("", bench.words) && bench_hears(""));
	REQUIRE(!reload_is_busy(&bench.reload) && bench.news);
	bench_end();
	return true;
}

TEST(reload_of_the_same_file_does_nothing)
{
	folder_run(nothing_new);
}

static bool changes(void)
{
	REQUIRE(bench_begin(KEY PEER));
	REQUIRE(bench_write_file(KEY "ListenPort = 8\n" PEER "PersistentKeepalive = 5\n" MORE));
	bench_ask(true, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK && bench_hears("") && bench.names.count == 0);
	char lines[sizeof bench.words];
	strcpy(lines, bench.words);
	REQUIRE(!strcmp("L ~ listen port 7 -> 8\n"
			"~ persistent keepalive of peer " ONE ": off -> 5 s\n"
			"+ peer " TWO ", allowed ips 10.0.0.2/32\n"
			"+ endpoint of peer " TWO ": two.example:5\n",
		bench.words));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == -1 && bench.names.count == 0 &&
		bench.config.conf.change.peer_count == 1);
	REQUIRE(bench_hears("set=1\nlisten_port=8\n" SELECT_1
			    "update_only=true\npersistent_keepalive_interval=5\n" SELECT_2
			    "post_quantum=default\nallowed_ip=10.0.0.2/32\n\n"));
	bench_answer("errno=0\n\n");
	REQUIRE(bench.status == VERB_OK && !strcmp(lines, bench.words));
	REQUIRE(bench.config.conf.change.peer_count == 2 && bench.names.count == 1);
	REQUIRE(!strcmp("two.example", bench.names.names[0].host));
	/* of keys only the engine has any now */
	static const struct private_key none;
	REQUIRE(!memcmp(&none, &bench.config.conf.change.private_key, sizeof none));
	bench_end();
	return true;
}

TEST(reload_changes_what_is_different)
{
	folder_run(changes);
}

static bool refuses(void)
{
	REQUIRE(bench_begin(KEY PEER) && bench_write_file(KEY "ListenPort = 8\n" PEER MORE));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	bench_answer("errno=-98\n\n");
	REQUIRE(bench.status == VERB_FAILED && bench.names.count == 0 &&
		bench.config.conf.change.peer_count == 1);
	REQUIRE(!strcmp("R cannot listen on UDP port 8: Address already in use\n"
			"R all is as it was\n",
		bench.words));
	/* another reason; then an engine that says nothing, or nonsense */
	REQUIRE(bench_write_file(KEY PEER MORE));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	bench_answer("errno=-12\n\n");
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "Cannot allocate memory"));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer("what?\n\n");
	REQUIRE(bench.status == VERB_FAILED &&
		strstr(bench.words, "does not say what it is doing"));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	close(bench.feed);
	bench.feed = -1;
	loop_settle(&bench.loop);
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "refused the change: Conn"));
	close(bench.engine);
	bench.engine = -1;
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "does not take a question"));
	REQUIRE(!reload_is_busy(&bench.reload) && bench.config.conf.change.peer_count == 1);
	bench_end();
	return true;
}

TEST(reload_is_refused_and_nothing_is_changed)
{
	folder_run(refuses);
}

static bool mistakes(void)
{
	REQUIRE(bench_begin(KEY PEER) && bench_write_file(KEY "MTU = x\n" PEER));
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_CONFIG &&
		!strncmp(bench.words, "M ./wg0.conf:4:7: error: MTU: ", 30));
	REQUIRE(!bench_is_connected() && !reload_is_busy(&bench.reload));
	unlink("wg0.conf");
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_CONFIG && strstr(bench.words, "No such file"));
	REQUIRE(mkfifo("wg0.conf", 0600) == 0);
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "is not a file"));
	/* the folder belongs to root, but its parent's parent is anybody's */
	REQUIRE(bench_write_file(KEY "PostUp = true\n" PEER) && chmod("wg0.conf", 0666) == 0);
	bench_ask(false, 0);
	REQUIRE(bench.status == VERB_CONFIG && strstr(bench.words, "has commands to run"));
	REQUIRE(bench.hooks.process.pid <= 0 && !bench.has_hooks);
	bench_end();
	return true;
}

TEST(reload_of_a_file_with_mistakes_touches_nothing)
{
	folder_run(mistakes);
}

static bool one_at_a_time(void)
{
	REQUIRE(bench_begin(KEY PEER));
	bench_ask(false, 0);
	REQUIRE(bench_asks_state() && bench.status == -1);
	struct reload_wish wish = {0};
	bench.words[0] = 0;
	reload_begin(&bench.reload, &wish, &bench_voice);
	REQUIRE(bench.status == VERB_FAILED &&
		!strcmp("R another reload is under way\n", bench.words));
	bench.status = -1;
	reload_abandon(&bench.reload); /* the first is told too */
	REQUIRE(bench.status == VERB_FAILED && strstr(bench.words, "the interface ends"));
	REQUIRE(!reload_is_busy(&bench.reload));
	reload_abandon(&bench.reload);
	bench_end();
	return true;
}

TEST(reload_one_at_a_time)
{
	folder_run(one_at_a_time);
}

/* Nothing that was freed on the way held the private key, as bytes or as text. */
static bool forgets(void)
{
	static const char base64[] = PRIVATE_KEY;
	uint8_t key[KEYTEXT_KEY_LEN];
	char hex[KEYTEXT_HEX_LEN + 1];
	REQUIRE(keytext_read_base64(key, base64, KEYTEXT_BASE64_LEN));
	keytext_write_hex(hex, key);
	const struct {
		const void *bytes;
		size_t len;
	} forms[] = {{key, sizeof key}, {base64, KEYTEXT_BASE64_LEN}, {hex, KEYTEXT_HEX_LEN}};
	REQUIRE(bench_begin(KEY PEER) && bench_write_file(KEY PEER MORE));
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		freed_watch(forms[i].bytes, forms[i].len);
		bench_ask(i == 0, i == 1 ? 60 : 0);
		REQUIRE(bench_asks_state());
		bench_answer_state(i == 2 ? SELECT_2 "allowed_ip=10.0.0.2/32\n" : "");
		if (i == 1) {
			bench_answer("errno=0\n\n");
			REQUIRE(reload_confirm(&bench.reload) == VERB_OK);
		}
		REQUIRE(bench.status == VERB_OK && freed_end() == 0);
	}
	bench_end();
	return true;
}

TEST(reload_forgets_its_secrets)
{
	folder_run(forgets);
}

static bool first_hooks(void)
{
	REQUIRE(bench_begin(KEY PEER) && bench_write_file(KEY "PostDown = true\n" PEER));
	bench.hooks.context = &bench.hooks;
	bench_ask(true, 0); /* who only asks starts no process */
	REQUIRE(bench_asks_state() && bench.hooks.process.pid <= 0);
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK && !strcmp("L + PostDown true\n", bench.words));
	bench_ask(false, 0);
	REQUIRE(bench.hooks.process.pid > 0 && bench_asks_state());
	reload_abandon(&bench.reload);
	REQUIRE(bench.hooks.process.pid <= 0 && bench.hooks.context == &bench.hooks &&
		!bench.has_hooks);
	bench_ask(false, 0);
	REQUIRE(bench_asks_state());
	bench_answer_state("");
	REQUIRE(bench.status == VERB_OK && bench.hooks.process.pid > 0 && bench.has_hooks);
	bench_end();
	return true;
}

TEST(reload_brings_the_first_hooks)
{
	folder_run(first_hooks);
}
