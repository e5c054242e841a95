#include "unit/test.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "io/channel.h"
#include "main/names.h"
#include "unit/capture.h"
#include "unit/sandbox.h"

#define SECOND NANOS_PER_SECOND

static struct names names;
static int resolver; /* its end of the channel: the test answers */
static struct to_resolver asked;
static int found_result; /* what on_found returns */
static const char *found_host;
static struct endpoint found;

static int on_found(void *context, const struct name *name, const struct endpoint *endpoint)
{
	(void)context;
	found_host = name->host;
	found = *endpoint;
	return found_result;
}

static bool begin(void)
{
	int ends[2];
	REQUIRE(capture_begin(NULL, "wg0") && channel_pair(ends) == 0);
	names = (struct names){.resolver.channel = ends[0], .on_found = on_found};
	resolver = ends[1];
	found_host = NULL;
	found_result = 0;
	return true;
}

/* Whether there is a question for this host, in `asked`. "": none at all. */
static bool is_asked(const char *host)
{
	int fds[CHANNEL_FDS_MAX];
	size_t fd_count;
	int got = channel_receive(resolver, &asked, sizeof asked, fds, &fd_count);
	return *host ? got == 1 && !strcmp(host, asked.host) : got == -EAGAIN;
}

/* Answers the last question with 192.0.2.`byte`, or with the error. */
static bool answer(int error, uint8_t byte, nanos boottime)
{
	struct from_resolver message = {
		.kind = FROM_RESOLVER_RESOLVED,
		.id = asked.id,
		.error = error,
		.count = error ? 0 : 2,
		.endpoints = {{.address = {IP_V4, {192, 0, 2, byte}}, .port = 51820},
			{.address = {IP_V4, {192, 0, 2, 99}}, .port = 51820}},
	};
	return !channel_send(resolver, &message, sizeof message, NULL, 0) &&
	       !names_answer(&names, boottime);
}

static bool add(uint8_t key, const char *host)
{
	struct public_key peer = {{key}};
	return names_add(&names, &peer, host, "51820") == 0;
}

static bool finds(void)
{
	REQUIRE(begin() && names_ask(&names, 0) == NANOS_NEVER && is_asked(""));
	REQUIRE(add(1, "one.example") && add(2, "two.example"));
	REQUIRE(names_ask(&names, 7 * SECOND) == NANOS_NEVER); /* both are under way */
	REQUIRE(is_asked("one.example") && !strcmp("51820", asked.port));
	REQUIRE(answer(0, 1, 8 * SECOND) && found_host && !strcmp("one.example", found_host));
	REQUIRE(found.address.bytes[3] == 1); /* the first that getaddrinfo gives */
	REQUIRE(is_asked("two.example") && answer(0, 2, 8 * SECOND));
	REQUIRE(!strcmp("two.example", found_host) && found.address.bytes[3] == 2);
	REQUIRE(names_ask(&names, 1000 * SECOND) == NANOS_NEVER && is_asked(""));
	REQUIRE(!strcmp("", captured()));
	names_stop(&names);
	return true;
}

TEST(names_are_asked_once_and_found)
{
	sandbox_run_child(finds);
}

static bool retries(void)
{
	static const unsigned waits[] = {5, 10, 20, 40, 60, 60};
	nanos now = 1000 * SECOND;
	REQUIRE(begin() && add(1, "one.example"));
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		char line[128];
		REQUIRE(names_ask(&names, now) == NANOS_NEVER && is_asked("one.example"));
		REQUIRE(answer(EAI_NONAME, 0, now));
		snprintf(line, sizeof line,
			"wg0: endpoint one.example:51820: Name or service not known; trying again "
			"in %u s\n",
			waits[i]);
		REQUIRE(!strcmp(line, captured()));
		nanos next = now + waits[i] * SECOND;
		REQUIRE(names_ask(&names, now) == next && is_asked(""));
		REQUIRE(names_ask(&names, next - 1) == next && is_asked(""));
		now = next;
	}
	/* found, but not taken: asked again too */
	found_result = -EAGAIN;
	names_ask(&names, now);
	REQUIRE(is_asked("one.example") && answer(0, 1, now) && found_host);
	REQUIRE(names_ask(&names, now) == now + 60 * SECOND && is_asked(""));
	found_result = 0;
	names_ask(&names, now + 60 * SECOND);
	REQUIRE(is_asked("one.example") && answer(0, 1, now));
	REQUIRE(names_ask(&names, now + 1000 * SECOND) == NANOS_NEVER && is_asked(""));
	names_stop(&names);
	return true;
}

TEST(names_are_asked_again_later_and_later)
{
	sandbox_run_child(retries);
}

static bool without_resolver(void)
{
	REQUIRE(begin() && add(1, "one.example") && names_ask(&names, 0) == NANOS_NEVER);
	REQUIRE(is_asked("one.example"));
	asked.id++; /* an answer to nothing */
	struct from_resolver message = {.kind = FROM_RESOLVER_RESOLVED, .id = asked.id};
	REQUIRE(channel_send(resolver, &message, sizeof message, NULL, 0) == 0);
	REQUIRE(names_answer(&names, 0) == -EPROTO && !found_host);
	close(resolver);
	REQUIRE(names_answer(&names, 0) == -EPIPE);
	names_stop(&names);
	return true;
}

TEST(names_tell_of_a_resolver_of_no_use)
{
	sandbox_run_child(without_resolver);
}

/* The real one: numbers need no network. */
static bool with_resolver(void)
{
	unsigned before = open_fd_count();
	REQUIRE(begin());
	channel_close_fds(&names.resolver.channel, 1);
	REQUIRE(names_start(&names, false) == 0 && add(1, "::1"));
	REQUIRE(names_ask(&names, 0) == NANOS_NEVER);
	REQUIRE(channel_wait(names.process.channel, POLLIN) == 0 && names_answer(&names, 0) == 0);
	REQUIRE(found_host && found.address.family == IP_V6 && found.port == 51820);
	names_stop(&names);
	close(resolver);
	REQUIRE(!names.names && open_fd_count() == before + 1); /* capture's pipe */
	return true;
}

TEST(names_come_from_a_process)
{
	sandbox_run_child(with_resolver);
}

TEST(names_known_tried_or_open)
{
	const nanos first = NAMES_RETRY_FIRST, never = NANOS_NEVER;
	const struct name fresh = {.wait = first},
			  asked_first = {.wait = first, .id = 1, .next_try = never};
	const struct name found_first = {.wait = first, .next_try = never};
	const struct name failed = {.wait = 2 * first, .next_try = 7};
	const struct name asked_again = {.wait = 2 * first, .id = 2, .next_try = never};
	const struct name found_late = {.wait = 2 * first, .next_try = never};
	const struct {
		struct name a, b;
		enum names_state state;
	} rows[] = {
		{fresh, fresh, NAMES_OPEN},
		{found_first, fresh, NAMES_OPEN},
		{failed, fresh, NAMES_OPEN},
		{found_first, asked_first, NAMES_OPEN},
		{asked_first, asked_again, NAMES_OPEN},
		{failed, found_first, NAMES_TRIED},
		{found_late, asked_again, NAMES_TRIED},
		{failed, asked_again, NAMES_TRIED},
		{found_first, found_late, NAMES_KNOWN},
	};
	struct names none = {0};
	CHECK_EQ(NAMES_KNOWN, names_state(&none));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name both[] = {rows[i].a, rows[i].b};
		struct names some = {.names = both, .count = 2};
		if (names_state(&some) != rows[i].state)
			test_fail(__FILE__, __LINE__, "row %zu", i);
	}
}

static bool unknown(void)
{
	REQUIRE(begin() && add(1, "one.example") && add(2, "two.example"));
	REQUIRE(add(3, "three.example"));
	captured();
	names.names[0].next_try = NANOS_NEVER; /* known */
	names.names[1].next_try = NANOS_NEVER;
	names.names[1].id = 1; /* being looked up */
	names_say_unknown(&names);
	const char *said = captured();
	REQUIRE(!strstr(said, "one.example") && strstr(said, "endpoint two.example:51820 of peer"));
	REQUIRE(strstr(said, "three.example"));
	names_stop(&names);
	close(resolver);
	return true;
}

TEST(names_say_what_is_not_known)
{
	sandbox_run_child(unknown);
}

/* A reload: who keeps its name goes on, who has a new one or is new is asked. */
static bool follows(void)
{
	struct names fresh = {0};
	struct public_key kept = {{2}}, changed = {{1}}, added = {{3}}, gone = {{4}};
	REQUIRE(begin() && add(4, "four.example") && add(2, "two.example") &&
		add(1, "one.example"));
	REQUIRE(names_ask(&names, 0) == NANOS_NEVER && is_asked("four.example"));
	struct to_resolver forgotten = asked;
	REQUIRE(is_asked("two.example"));
	struct to_resolver pending = asked;
	REQUIRE(is_asked("one.example"));
	struct to_resolver outdated = asked;
	REQUIRE(!names_add(&fresh, &added, "three.example", "51820") &&
		!names_add(&fresh, &changed, "one.example", "5") &&
		!names_add(&fresh, &kept, "two.example", "51820"));
	names_follow(&names, &fresh);
	REQUIRE(!fresh.names && fresh.count == 0 && names.count == 3);
	REQUIRE(names_ask(&names, SECOND) == NANOS_NEVER);
	REQUIRE(is_asked("one.example") && !strcmp("5", asked.port));
	REQUIRE(is_asked("three.example") && is_asked(""));
	asked = forgotten; /* nobody waits for it any more */
	found_host = NULL;
	REQUIRE(answer(0, 4, SECOND) && !found_host);
	asked = pending;
	REQUIRE(answer(0, 2, SECOND) && found_host && !strcmp("two.example", found_host));
	asked = outdated; /* of the name that it had */
	found_host = NULL;
	REQUIRE(answer(0, 1, SECOND) && !found_host);
	/* a peer that the engine lost is looked up again, another is not */
	names_forget_answer(&names, &kept);
	names_forget_answer(&names, &gone);
	REQUIRE(names_ask(&names, SECOND) == NANOS_NEVER && is_asked("two.example"));
	REQUIRE(is_asked(""));
	names_follow(&names, &fresh); /* no names any more */
	REQUIRE(names.count == 0 && names_ask(&names, SECOND) == NANOS_NEVER);
	names_stop(&names);
	return true;
}

TEST(names_follow_the_file)
{
	sandbox_run_child(follows);
}

TEST(names_are_those_of_a_file)
{
	static const char text[] = "[Peer]\nPublicKey = "
				   "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				   "[Peer]\nPublicKey = "
				   "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
				   "Endpoint = two.example:7\n";
	struct conf conf;
	struct names list = {0};
	CHECK(conf_parse(&conf, text, sizeof text - 1) && conf.error_count == 0);
	CHECK_EQ(0, names_add_all(&list, &conf));
	CHECK_EQ(1, list.count);
	CHECK_EQ(2, list.names[0].peer.bytes[0]);
	CHECK_STR("two.example", list.names[0].host);
	CHECK_STR("7", list.names[0].port);
	names_stop(&list);
	conf_wipe(&conf);
}
