#include "main/reload_steps.h"

#include <stdio.h>
#include <unistd.h>

#include "io/channel.h"
#include "text/reconcile.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

#define ONE  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define PEER "[Peer]\nPublicKey = " ONE "\n"
#define SET_1                                                                                      \
	"public_key=0100000000000000000000000000000000000000000000000000000000000000\n"            \
	"update_only=true\npersistent_keepalive_interval="

static struct loop loop;
static struct engine_link engine_link;
static struct reload_feed rf;
static struct link link_set; /* of no device: left alone */
static struct netlink netlink;
static struct names names;
static struct reload_servers servers;
static struct reload_voice voice;
static struct reload_steps steps;
static struct reload_plan plan;
static struct conf old, new;
static int engine, feed;      /* its end of the channel, and of the connection */
static int ended;	      /* -1: not yet; else whether there */
static uint32_t told_offload; /* before the connection; UINT32_MAX: not */
static char words[1024];

static void say(void *context, enum reload_words kind, const char *text)
{
	size_t len = strlen(words);
	(void)context;
	(void)kind;
	snprintf(words + len, sizeof words - len, "%s\n", text);
}

static void on_news(void *context)
{
	(void)context;
}

static void on_end(void *context, bool is_there)
{
	(void)context;
	ended = is_there;
}

static void on_reply(void *context, int error)
{
	(void)context;
	reload_steps_on_answer(&steps, error);
}

static bool is_connected(void)
{
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	bool is_told = false; /* it takes the tuning first */
	told_offload = UINT32_MAX;
	do {
		if (channel_receive(engine, &message, sizeof message, fds, &count) != 1)
			return false;
		is_told = message.kind == TO_ENGINE_TUNING;
		if (is_told)
			told_offload = message.tuning.offload;
	} while (is_told);
	feed = fds[0];
	return true;
}

/* The steps from one text to the other, as far as they go without an answer. */
static bool begin(const char *from, const char *to)
{
	int ends[2];
	REQUIRE(conf_parse(&old, from, strlen(from)) && conf_parse(&new, to, strlen(to)));
	old.change.has_fwmark = true; /* an engine says that there is none */
	REQUIRE(loop_init(&loop) == 0 && channel_pair(ends) == 0);
	engine_link.process.channel = ends[0];
	engine = ends[1];
	ended = -1;
	words[0] = 0;
	voice = (struct reload_voice){.say = say};
	rf = (struct reload_feed){
		.loop = &loop, .engine = &engine_link, .on_reply = on_reply, .feed.fd = -1};
	steps = (struct reload_steps){.feed = &rf,
		.link = &link_set,
		.netlink = &netlink,
		.names = &names,
		.servers = &servers,
		.voice = &voice,
		.on_news = on_news,
		.on_end = on_end};
	reload_plan_init(&plan);
	REQUIRE(reload_plan_make(&plan, &old.change, &old, &new));
	reload_steps_begin(&steps, &plan, &old, &new, "wg0");
	REQUIRE(is_connected());
	return true;
}

static void end(void)
{
	reload_feed_close(&rf);
	reload_plan_wipe(&plan);
	names_free(&names);
	conf_wipe(&old);
	conf_wipe(&new);
	loop_wipe(&loop);
	close(engine_link.process.channel);
	close(engine);
	close(feed);
}

/* The engine hears the one and answers the other. */
static bool talk(const char *heard, const char *answer)
{
	char text[1024];
	ssize_t n = read(feed, text, sizeof text - 1);
	text[n > 0 ? n : 0] = 0;
	if (strcmp(heard, text)) {
		test_fail(__FILE__, __LINE__, "the engine heard\n%s", text);
		return false;
	}
	REQUIRE(write(feed, answer, strlen(answer)) == (ssize_t)strlen(answer));
	loop_settle(&loop);
	return true;
}

#define OK	"errno=0\n\n"
#define REFUSED "errno=-12\n\n"
#define MARKED	"[Interface]\nFwMark = 7\n" PEER "PersistentKeepalive = 5\n"
#define PLAIN	"[Interface]\n" PEER

static bool mark_first(void)
{
	REQUIRE(begin(PLAIN, MARKED));
	REQUIRE(talk("set=1\nfwmark=7\n\n", OK) && ended == -1);
	REQUIRE(talk("set=1\nfwmark=7\n" SET_1 "5\n\n", OK) && ended == 1);
	REQUIRE(!steps.has_trouble && !*words && !reload_steps_await_servers(&steps));
	/* a mark that goes does so with the rest */
	ended = -1;
	reload_steps_undo(&steps, &old, &new);
	REQUIRE(talk("set=1\nfwmark=0\n" SET_1 "0\n\n", OK) && ended == 0 && !steps.has_trouble);
	end();
	return true;
}

TEST(reload_steps_set_the_mark_first)
{
	sandbox_run_child(mark_first);
}

/* Only what was done is undone. */
static bool turns_back(void)
{
	REQUIRE(begin(PLAIN, MARKED));
	REQUIRE(talk("set=1\nfwmark=7\n\n", REFUSED) && ended == 0);
	REQUIRE(!strcmp("the engine refused the change: Cannot allocate memory\n", words));
	end();
	REQUIRE(begin(PLAIN, MARKED) && talk("set=1\nfwmark=7\n\n", OK));
	REQUIRE(talk("set=1\nfwmark=7\n" SET_1 "5\n\n", REFUSED) && ended == -1);
	REQUIRE(talk("set=1\nfwmark=0\n\n", OK) && ended == 0 && !steps.has_trouble);
	end();
	/* on the way back nothing stops it */
	REQUIRE(begin(PLAIN, MARKED) && talk("set=1\nfwmark=7\n\n", OK));
	REQUIRE(talk("set=1\nfwmark=7\n" SET_1 "5\n\n", REFUSED));
	REQUIRE(talk("set=1\nfwmark=0\n\n", REFUSED) && ended == 0 && steps.has_trouble);
	REQUIRE(strstr(words, "the engine could not be set back: Cannot allocate memory\n"));
	end();
	return true;
}

TEST(reload_steps_turn_back)
{
	sandbox_run_child(turns_back);
}

#define ALL_THERE                                                                                  \
	"[Interface]\nFwMark = 7\n" PEER "Endpoint = one.example:5\nAllowedIPs = 0.0.0.0/0\n"
#define ENGINE_THERE                                                                               \
	"set=1\nfwmark=7\n"                                                                        \
	"public_key=0100000000000000000000000000000000000000000000000000000000000000\n"            \
	"update_only=true\nallowed_ip=0.0.0.0/0\n\n"

/* As far as the names, which are looked up. */
static bool begin_to_wait(void)
{
	link_set = (struct link){.ifindex = 1000};
	REQUIRE(begin(PLAIN, ALL_THERE) && talk("set=1\nfwmark=7\n\n", OK));
	REQUIRE(talk(ENGINE_THERE, OK) && ended == -1 && !*words);
	REQUIRE(names.count == 1 && steps.due != NANOS_NEVER);
	reload_steps_look(&steps, steps.due - 1);
	return ended == -1 && !*words;
}

/* There is no such device, so the link's turn is seen by its failure. */
static bool waits_for_names(void)
{
	REQUIRE(!netlink_open(&netlink));
	REQUIRE(begin_to_wait());
	names.names[0].next_try = NANOS_NEVER; /* found */
	reload_steps_look(&steps, steps.due - 1);
	REQUIRE(*words && !strstr(words, "not all endpoints are known"));
	REQUIRE(steps.due == NANOS_NEVER && ended == -1);
	end();
	REQUIRE(begin_to_wait());
	reload_steps_look(&steps, steps.due);
	REQUIRE(strstr(words, "although not all endpoints are known") && ended == -1);
	end();
	/* without a default route the link goes first */
	link_set = (struct link){.ifindex = 1000};
	REQUIRE(begin(PLAIN, "[Interface]\nFwMark = 7\n" PEER "Endpoint = one.example:5\n"));
	REQUIRE(talk("set=1\nfwmark=7\n\n", OK) && *words && ended == -1);
	end();
	netlink_close(&netlink);
	return true;
}

TEST(reload_steps_bring_a_default_route_after_the_names)
{
	sandbox_run(waits_for_names);
}

static bool heard_offload(uint32_t *offload)
{
	struct to_engine message;
	int fds[CHANNEL_FDS_MAX];
	size_t count;
	if (channel_receive(engine, &message, sizeof message, fds, &count) != 1 ||
		message.kind != TO_ENGINE_TUNING)
		return false;
	*offload = message.tuning.offload;
	return true;
}

#define TUNED "[Interface]\nOffload = off\nTxQueueLen = 70\nThreads = 7\n"

/* The engine hears of what it can change, and of the way back. */
static bool tunes(void)
{
	uint32_t offload;
	link_set = (struct link){0};
	REQUIRE(begin(PLAIN, TUNED PEER "PersistentKeepalive = 5\n"));
	REQUIRE(told_offload == TUNING_OFFLOAD_OFF);
	REQUIRE(talk("set=1\n" SET_1 "5\n\n", REFUSED) && ended == 0 && !steps.has_trouble);
	REQUIRE(heard_offload(&offload) && offload == TUNING_OFFLOAD_AUTO);
	end();
	REQUIRE(begin(TUNED, TUNED PEER "PersistentKeepalive = 5\n"));
	REQUIRE(told_offload == UINT32_MAX && !heard_offload(&offload));
	end();
	return true;
}

TEST(reload_steps_tune)
{
	sandbox_run(tunes);
}

static bool listens_at(uint8_t last_byte)
{
	const struct udp_wishes *wishes = &engine_link.wishes;
	return wishes->count == 1 && wishes->places[0].address.bytes[3] == last_byte;
}

#define AT_2 "[Interface]\nListen = 127.0.0.2:5000\n" PEER
#define AT_3 "[Interface]\nListen = 127.0.0.3:6000\n" PEER

/* The new address is somebody else's at the old port. */
static bool moves_at_once(void)
{
	struct udp_sockets other;
	struct udp_wishes wishes = {.count = 1, .places[0].address = {IP_V4, {127, 0, 0, 3}}};
	uint32_t failed;
	REQUIRE(udp_open_at(&other, 5000, &wishes, &failed) == 0);
	wishes.places[0].address.bytes[3] = 2;
	REQUIRE(udp_open_at(&engine_link.udp, 5000, &wishes, &failed) == 0);
	engine_link.wishes = wishes;
	const struct udp_sockets before = engine_link.udp;
	REQUIRE(begin(AT_2, AT_3) && listens_at(3));
	REQUIRE(talk("set=1\nlisten_port=6000\n\n", "errno=-98\n\n") && ended == 0);
	REQUIRE(strstr(words, "cannot listen on UDP port 6000") && listens_at(2));
	REQUIRE(!steps.has_trouble && !memcmp(&before, &engine_link.udp, sizeof before));
	end();
	REQUIRE(begin(AT_2, AT_3) && talk("set=1\nlisten_port=6000\n\n", OK) && ended == 1);
	REQUIRE(listens_at(3));
	reload_steps_undo(&steps, &old, &new);
	REQUIRE(listens_at(2) && talk("set=1\nlisten_port=5000\n\n", OK) && ended == 0);
	end();
	udp_close(&other);
	udp_close(&engine_link.udp);
	return true;
}

TEST(reload_steps_listen_elsewhere_at_another_port_at_once)
{
	sandbox_run(moves_at_once);
}
