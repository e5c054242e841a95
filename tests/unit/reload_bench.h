/*
 * For tests of main/reload.h: a reload without a supervisor. The engine is the test
 * itself, at the other end of a channel; the link is of no device and left alone.
 */
#ifndef ADIT_TESTS_RELOAD_BENCH_H
#define ADIT_TESTS_RELOAD_BENCH_H

#include "main/reload.h"

/* Of its own: what other tests left in freed memory is not ours. */
#define PRIVATE_KEY "cMkWr0Bf3uYZ7eQ1xJ9sVtD5aLhN2iPgOwK4RbT8m2s="
#define KEY	    "[Interface]\nPrivateKey = " PRIVATE_KEY "\nListenPort = 7\n"

#define ONE  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define TWO  "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PEER "[Peer]\nPublicKey = " ONE "\nAllowedIPs = 10.0.0.1/32\n"
#define MORE "[Peer]\nPublicKey = " TWO "\nAllowedIPs = 10.0.0.2/32\nEndpoint = two.example:5\n"
#define TIME (60 * NANOS_PER_SECOND)

/* Set operations as the engine gets them. */
#define Z24	 "000000000000000000000000000000000000000000000000000000000000"
#define SELECT_1 "public_key=0100" Z24 "\n"
#define SELECT_2 "public_key=0200" Z24 "\n"

struct reload_bench {
	struct loop loop;
	struct engine_link engine_link;
	struct load config;
	struct names names;
	struct netlink netlink;
	struct link link_set;
	struct hook_queue hooks;
	struct name_servers servers;
	bool has_hooks, has_servers;
	struct reload reload;
	int engine, feed; /* its end of the channel, and of the reload's feed */
	char words[4096]; /* what was said: "L " lines, "M " mistakes, "R " remarks */
	int status;	  /* -1: not finished */
	unsigned news;
};
extern struct reload_bench bench;
extern const struct reload_voice bench_voice;

/* An interface whose file, wg0.conf in the current folder, says this. */
bool bench_begin(const char *text);
void bench_end(void);
bool bench_write_file(const char *text);

/* Begins a reload of wg0.conf and goes as far as it goes without an answer. */
void bench_ask(bool is_dry, uint32_t confirm_seconds);

/* Takes the connection that the engine was given. */
bool bench_is_connected(void);

/* Whether this is what the engine heard since the last time; what it says. */
bool bench_hears(const char *expected);
void bench_answer(const char *text);

/* It is asked what it is doing; it has KEY and PEER, and more. */
bool bench_asks_state(void);
void bench_answer_state(const char *more);

#endif
