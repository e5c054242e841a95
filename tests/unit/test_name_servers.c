#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "main/name_servers.h"
#include "unit/capture.h"
#include "unit/dnsbox.h"
#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"
#include "unit/turn.h"

#define HEAD "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
#define PEER "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
#define SET  "resolvconf -a|lo|-m|0|-x\nnameserver 10.0.0.1\n"
#define GONE "resolvconf -d|lo|-f\n"
#define T    (1000 * NANOS_PER_SECOND)

static struct loop loop;
static struct name_servers ns;
static struct names names;
static struct name name;
static struct dns_system system_here;
static int done_count, last_error;

static void on_done(void *context, int error)
{
	(void)context;
	done_count++;
	last_error = error;
}

static bool is_done(void)
{
	return done_count > 0;
}

static bool is_idle(void)
{
	return ns.state == NAME_SERVERS_IDLE;
}

static bool is_answered(void)
{
	return ns.dns.answered == ns.dns.asked;
}

static bool begin(void)
{
	system_here = dnsbox_system();
	done_count = 0;
	last_error = 1;
	names = (struct names){0};
	REQUIRE(capture_begin("info", ""));
	REQUIRE(!loop_init(&loop) && dnsbox_program("resolvconf", ""));
	REQUIRE(!name_servers_start(&ns, &system_here));
	ns.on_done = on_done;
	ns.wanted = dnsbox_wanted("10.0.0.1", "");
	REQUIRE(!name_servers_attach(&ns, &loop));
	return true;
}

/* One endpoint by name, which is being looked up. */
static void begin_looking_up(void)
{
	name = (struct name){.id = 1, .next_try = NANOS_NEVER, .wait = NAMES_RETRY_FIRST};
	names = (struct names){.names = &name, .count = 1};
}

static bool end(void)
{
	name_servers_stop(&ns);
	REQUIRE(ns.due == NANOS_NEVER && ns.process.pid == 0);
	loop_wipe(&loop);
	return true;
}

static bool set_and_unset(void)
{
	REQUIRE(begin());
	REQUIRE(name_servers_set(&ns, &names, T) == 1 && ns.due == NANOS_NEVER);
	REQUIRE(loop_wait(&loop, is_done) && last_error == 0);
	REQUIRE(!strcmp(dnsbox_calls(), SET));
	REQUIRE(!strcmp(captured(), "DNS: name servers set through bin/resolvconf\n"));
	done_count = 0;
	REQUIRE(name_servers_unset(&ns) == 1);
	REQUIRE(loop_wait(&loop, is_done) && last_error == 0 && !strcmp(dnsbox_calls(), GONE));
	REQUIRE(!strcmp(captured(), "DNS: name servers as before\n"));
	REQUIRE(end() && !strcmp(dnsbox_calls(), ""));
	return true;
}

TEST(name_servers_are_set_and_unset)
{
	folder_run(set_and_unset);
}

static bool nothing(void)
{
	REQUIRE(begin());
	ns.wanted = dnsbox_wanted("", "a.example");
	REQUIRE(!name_servers_are_wanted(&ns));
	REQUIRE(name_servers_set(&ns, &names, T) == 0 && name_servers_unset(&ns) == 0);
	/* of an earlier life */
	FILE *file = fopen("lo.dns", "we");
	REQUIRE(file && fputs("resolvconf old.lo\n", file) >= 0 && fclose(file) == 0);
	REQUIRE(name_servers_are_wanted(&ns) && name_servers_set(&ns, &names, T) == 1);
	REQUIRE(loop_wait(&loop, is_done) && last_error == 0);
	REQUIRE(!strcmp(dnsbox_calls(), "resolvconf -d|old.lo|-f\n"));
	return end();
}

TEST(name_servers_of_an_earlier_life_go)
{
	folder_run(nothing);
}

static bool failing(void)
{
	REQUIRE(begin() && dnsbox_program("resolvconf", "echo full >&2; exit 2"));
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	REQUIRE(loop_wait(&loop, is_done) && last_error == -EIO);
	REQUIRE(!strcmp(captured(), "DNS: resolvconf -a ended with status 2: full\n"));
	REQUIRE(dnsbox_program("resolvconf", ""));
	return end();
}

TEST(name_servers_that_cannot_be_set_are_said)
{
	folder_run(failing);
}

static bool after_names(void)
{
	REQUIRE(begin());
	begin_looking_up();
	REQUIRE(name_servers_set(&ns, &names, T) == 1 && ns.due == T + NAME_SERVERS_PATIENCE);
	name_servers_look(&ns, &names, ns.due - 1);
	loop_settle(&loop);
	REQUIRE(!is_done() && !strcmp(dnsbox_calls(), ""));
	name.id = 0; /* found */
	name_servers_look(&ns, &names, ns.due - 1);
	REQUIRE(ns.due == NANOS_NEVER && loop_wait(&loop, is_done));
	REQUIRE(last_error == 0 && !strcmp(dnsbox_calls(), SET));
	return end();
}

/* They may answer through the tunnel only, which needs the endpoint. */
TEST(name_servers_wait_for_endpoints_by_name)
{
	folder_run(after_names);
}

static bool later(void)
{
	for (int i = 0; i < 2; i++) {
		REQUIRE(begin());
		begin_looking_up();
		REQUIRE(name_servers_set(&ns, &names, T) == 1);
		if (i) { /* there is an answer: none */
			name = (struct name){.next_try = T + 1, .wait = 2 * NAMES_RETRY_FIRST};
			name_servers_look(&ns, &names, T);
		} else {
			name_servers_look(&ns, &names, T + NAME_SERVERS_PATIENCE);
		}
		REQUIRE(done_count == 1 && last_error == 0 && ns.due == NANOS_NEVER);
		REQUIRE(!strcmp(captured(),
			"DNS: name servers are set as soon as all endpoints are known\n"));
		name_servers_look(&ns, &names, T + NAME_SERVERS_PATIENCE);
		REQUIRE(!strcmp(captured(), "") && !strcmp(dnsbox_calls(), ""));
		name = (struct name){.next_try = NANOS_NEVER, .wait = 2 * NAMES_RETRY_FIRST};
		name_servers_look(&ns, &names, T + NAME_SERVERS_PATIENCE);
		REQUIRE(loop_wait(&loop, is_idle));
		REQUIRE(done_count == 1 && !strcmp(dnsbox_calls(), SET)); /* nobody waits */
		REQUIRE(end() && !strcmp(dnsbox_calls(), GONE));
	}
	return true;
}

TEST(name_servers_follow_when_the_endpoints_are_known)
{
	folder_run(later);
}

/* Told to end while names are looked up, and while a program runs. */
static bool interrupted(void)
{
	REQUIRE(begin());
	begin_looking_up();
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	REQUIRE(name_servers_unset(&ns) == 0 && ns.due == NANOS_NEVER);
	name.id = 0;
	name_servers_look(&ns, &names, T);
	loop_settle(&loop);
	REQUIRE(!is_done() && !strcmp(dnsbox_calls(), ""));

	REQUIRE(mkfifo("f", 0600) == 0);
	REQUIRE(dnsbox_program("resolvconf", "[ $op = -d ] || read x <f || :"));
	REQUIRE(name_servers_set(&ns, &names, T) == 1 && name_servers_unset(&ns) == 1);
	FILE *f = fopen("f", "we");
	REQUIRE(f && fclose(f) == 0);
	REQUIRE(loop_wait(&loop, is_done) && last_error == 0);
	loop_settle(&loop);
	REQUIRE(done_count == 1 && !strcmp(captured(), "DNS: name servers as before\n"));
	REQUIRE(!strcmp(dnsbox_calls(), SET GONE));
	return end();
}

TEST(name_servers_can_be_interrupted)
{
	folder_run(interrupted);
}

/* A reload, or a start, waits while names are looked up; then the device is moved away. */
static bool left(void)
{
	REQUIRE(begin());
	name_servers_leave(&ns);
	REQUIRE(!is_done()); /* nobody waits */
	begin_looking_up();
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	name_servers_leave(&ns);
	REQUIRE(done_count == 1 && last_error == 0 && is_idle() && ns.due == NANOS_NEVER);
	/* what was set before is undone first */
	names = (struct names){0};
	REQUIRE(name_servers_set(&ns, &names, T) == 1 && loop_wait(&loop, is_idle));
	begin_looking_up();
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	done_count = 0;
	name_servers_leave(&ns);
	REQUIRE(!is_done() && loop_wait(&loop, is_done) && !strcmp(dnsbox_calls(), SET GONE));
	/* who was told already is not told again */
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	name_servers_look(&ns, &names, ns.due);
	REQUIRE(done_count == 2);
	ns.was_used = false;
	name_servers_leave(&ns);
	REQUIRE(done_count == 2);
	return end();
}

TEST(name_servers_that_are_left_keep_nobody_waiting)
{
	folder_run(left);
}

/* An answer comes while the next servers wait for endpoints: it is not theirs. */
static bool earlier(void)
{
	REQUIRE(begin() && mkfifo("f", 0600) == 0);
	REQUIRE(dnsbox_program("resolvconf", "[ $op = -d ] || read x <f || :"));
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	begin_looking_up();
	REQUIRE(name_servers_set(&ns, &names, T) == 1 && ns.state == NAME_SERVERS_WAITING);
	FILE *f = fopen("f", "we");
	REQUIRE(f && fclose(f) == 0 && loop_wait(&loop, is_answered));
	REQUIRE(!is_done() && ns.state == NAME_SERVERS_WAITING);
	name.id = 0;
	REQUIRE(dnsbox_program("resolvconf", ""));
	name_servers_look(&ns, &names, T);
	REQUIRE(loop_wait(&loop, is_done) && done_count == 1 && is_idle());
	return end();
}

TEST(name_servers_take_no_answer_to_an_earlier_question)
{
	folder_run(earlier);
}

static bool killed(void)
{
	REQUIRE(begin() && mkfifo("f", 0600) == 0);
	REQUIRE(dnsbox_program("resolvconf", "read x <f"));
	REQUIRE(name_servers_set(&ns, &names, T) == 1);
	FILE *f = fopen("f", "we"); /* the program is there */
	REQUIRE(pidfd_send_signal(ns.process.pidfd, SIGKILL, NULL, 0) == 0);
	REQUIRE(loop_wait(&loop, is_done) && last_error == -EPIPE && fclose(f) == 0);
	REQUIRE(strstr(captured(), "may stay until the next start or \"adit down lo\""));
	REQUIRE(name_servers_set(&ns, &names, T) == -EPIPE && name_servers_unset(&ns) == -EPIPE);
	return end();
}

TEST(name_servers_survive_their_process)
{
	folder_run(killed);
}

/* ---- what a configuration wants */

static char why[DNS_TEXT_MAX];

static bool gathers(const char *text, struct to_dns *wanted)
{
	struct conf conf;
	bool ok = conf_parse(&conf, text, strlen(text)) && !conf.error_count &&
		  name_servers_gather(wanted, &conf, "wg0", why);
	conf_wipe(&conf);
	return ok;
}

TEST(name_servers_wanted_by_a_configuration)
{
	struct to_dns wanted;
	CHECK(name_servers_gather(&wanted, NULL, "wg0", why));
	CHECK(!wanted.server_count && !wanted.takes_all);
	CHECK_STR("wg0", wanted.interface);
	CHECK(gathers(HEAD "DNS = 10.0.0.1, a.example\nDNS = fd00::1 ~b.example\n" PEER
			   "AllowedIPs = 10.0.0.0/24\n",
		&wanted));
	CHECK_EQ(2, wanted.server_count);
	CHECK_EQ(IP_V6, wanted.servers[1].family);
	CHECK_STR("a.example ~b.example", wanted.search);
	CHECK_EQ(0, wanted.takes_all);
	CHECK(gathers(HEAD PEER "AllowedIPs = 10.0.0.0/24, ::/0\n", &wanted));
	CHECK_EQ(1, wanted.takes_all);
	CHECK(gathers(HEAD "Table = 7\n" PEER "AllowedIPs = 0.0.0.0/0\n", &wanted));
	CHECK_EQ(1, wanted.takes_all);
	CHECK(gathers(HEAD "Table = off\n" PEER "AllowedIPs = 0.0.0.0/0\n", &wanted));
	CHECK_EQ(0, wanted.takes_all);
	CHECK(gathers(HEAD PEER "AllowedIPs = -0.0.0.0/0\n", &wanted));
	CHECK_EQ(0, wanted.takes_all);
}

TEST(name_servers_that_no_machine_could_set)
{
	static char text[8192];
	struct to_dns wanted;
	int used = snprintf(text, sizeof text, HEAD "DNS = 10.0.0.1");
	for (int i = 1; i < MESSAGES_SERVERS_MAX; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, ", 10.0.0.1");
	CHECK(gathers(text, &wanted));
	CHECK_EQ(MESSAGES_SERVERS_MAX, wanted.server_count);
	strcat(text, ", 10.0.0.1");
	CHECK(!gathers(text, &wanted));
	CHECK_STR("33 name servers: at most 32 can be set", why);
	/* 15 bytes each and blanks between: exactly what fits, then a byte more */
	used = snprintf(text, sizeof text, HEAD "DNS = 10.0.0.1");
	for (int i = 0; i < MESSAGES_SEARCH_MAX / 16; i++)
		used += snprintf(text + used, sizeof text - (size_t)used, ", abcdefg.example");
	CHECK(gathers(text, &wanted));
	CHECK_EQ(MESSAGES_SEARCH_MAX - 1, strlen(wanted.search));
	strcat(text, "s");
	CHECK(!gathers(text, &wanted));
	CHECK_STR("the search domains are longer than the 2047 characters that can be set", why);
	CHECK(!gathers(HEAD "DNS = 10.0.0.1, a-b.example -c.example\n", &wanted));
	CHECK(strstr(why, "a search domain begins with \"-\""));
	struct conf conf;
	CHECK(conf_parse(&conf, HEAD "DNS=1.1.1.1", strlen(HEAD "DNS=1.1.1.1")));
	CHECK(!name_servers_gather(&wanted, &conf, "-a", why));
	CHECK(strstr(why, "give it another name"));
	conf_wipe(&conf);
}
