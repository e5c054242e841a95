#include "manage/dns_process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/process.h"
#include "unit/dnsbox.h"
#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"

static struct process child;
static struct dns_process dns;
static struct dns_system system_here;

static bool begin(void)
{
	system_here = dnsbox_system();
	REQUIRE(dnsbox_program("resolvconf", ""));
	REQUIRE(process_start(&child, "dns", dns_process_run, &system_here, NULL, 0) == 0);
	dns = (struct dns_process){.channel = child.channel};
	return true;
}

static bool ask(const char *servers)
{
	struct to_dns wanted = dnsbox_wanted(servers, "");
	return dns_process_ask(&dns, &wanted) == 0;
}

static int answer(struct from_dns *out)
{
	int got = -EAGAIN;
	while (got == -EAGAIN && channel_wait(dns.channel, POLLIN) == 0)
		got = dns_process_answer(&dns, out);
	return got;
}

static bool answers(void)
{
	struct from_dns done;
	REQUIRE(begin());
	REQUIRE(dns_process_answer(&dns, &done) == -EAGAIN);
	REQUIRE(ask("10.0.0.1") && answer(&done) == 1);
	REQUIRE(done.error == 0 && !strcmp(done.text, "name servers set through bin/resolvconf"));
	REQUIRE(dnsbox_program("resolvconf", "echo oh; exit 3"));
	REQUIRE(ask("10.0.0.2") && answer(&done) == 1);
	REQUIRE(done.error == -EIO && strstr(done.text, "ended with status 3: oh"));
	return process_finish(&child) == 0;
}

TEST(dns_process_answers)
{
	folder_run(answers);
}

/* One changes one's mind while a program is slow: the last word counts. */
static bool overtaken(void)
{
	struct from_dns done;
	REQUIRE(begin() && mkfifo("f", 0600) == 0);
	REQUIRE(dnsbox_program("resolvconf", "[ $op = -d ] || read x <f || :"));
	REQUIRE(ask("10.0.0.1") && ask(""));
	FILE *f = fopen("f", "we"); /* returns when the program reads */
	REQUIRE(f && fclose(f) == 0);
	REQUIRE(answer(&done) == 1 && done.id == 2);
	REQUIRE(!strcmp(done.text, "name servers as before"));
	REQUIRE(dns_process_answer(&dns, &done) == -EAGAIN);
	REQUIRE(!strcmp(dnsbox_calls(), "resolvconf -a|lo|-m|0|-x\nnameserver 10.0.0.1\n"
					"resolvconf -d|lo|-f\n"));
	return process_finish(&child) == 0;
}

TEST(dns_process_answers_the_latest_question_only)
{
	folder_run(overtaken);
}

/* Whatever ended its parent: what was set does not stay. */
static bool alone(void)
{
	struct from_dns done;
	REQUIRE(begin());
	REQUIRE(ask("10.0.0.1") && answer(&done) == 1);
	dnsbox_calls();
	REQUIRE(process_finish(&child) == 0);
	REQUIRE(!strcmp(dnsbox_calls(), "resolvconf -d|lo|-f\n"));
	REQUIRE(access("lo.dns", F_OK) != 0);
	return true;
}

TEST(dns_process_undoes_at_its_end)
{
	folder_run(alone);
}

/* It may have taken its time to fail. */
static bool once(void)
{
	struct from_dns done;
	REQUIRE(begin() && dnsbox_program("resolvconf", "[ $op = -a ]"));
	REQUIRE(ask("10.0.0.1") && answer(&done) == 1 && !done.error);
	REQUIRE(ask("") && answer(&done) == 1 && done.error == -EIO);
	dnsbox_calls();
	REQUIRE(process_finish(&child) == 0);
	return !strcmp(dnsbox_calls(), "");
}

TEST(dns_process_undoes_once)
{
	folder_run(once);
}

/* A second start of the same interface ends at once, and must not take the first one's away. */
static bool not_its_own(void)
{
	struct from_dns done;
	REQUIRE(begin());
	struct process first = child;
	struct dns_process first_dns = dns;
	REQUIRE(ask("10.0.0.1") && answer(&done) == 1);
	REQUIRE(begin() && process_finish(&child) == 0);
	REQUIRE(access("lo.dns", F_OK) == 0);
	dns = first_dns;
	child = first;
	return process_finish(&child) == 0 && access("lo.dns", F_OK) != 0;
}

TEST(dns_process_leaves_alone_what_others_set)
{
	folder_run(not_its_own);
}

static bool forged(void)
{
	struct from_dns forged = {.kind = FROM_DNS_DONE, .id = 1}, done;
	int ends[2];
	REQUIRE(channel_pair(ends) == 0);
	dns = (struct dns_process){.channel = ends[0]};
	REQUIRE(channel_send(ends[1], &forged, sizeof forged, NULL, 0) == 0);
	REQUIRE(dns_process_answer(&dns, &done) == -EPROTO);
	REQUIRE(ask("10.0.0.1"));
	forged.id = 2;
	REQUIRE(channel_send(ends[1], &forged, sizeof forged, NULL, 0) == 0);
	REQUIRE(dns_process_answer(&dns, &done) == -EPROTO);
	forged.id = 1;
	REQUIRE(channel_send(ends[1], &forged, sizeof forged, NULL, 0) == 0);
	REQUIRE(dns_process_answer(&dns, &done) == 1);
	close(ends[1]);
	REQUIRE(dns_process_answer(&dns, &done) == 0 && !ask("10.0.0.1"));
	return true;
}

TEST(dns_process_answers_are_not_believed_unasked)
{
	folder_run(forged);
}
