#include "manage/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/dnsbox.h"
#include "unit/folder.h"
#include "unit/programs.h"
#include "unit/sandbox.h"

static struct dns_system system_here;
static char text[DNS_TEXT_MAX];

static int set(const char *servers, const char *search, bool takes_all)
{
	struct to_dns wanted = dnsbox_wanted(servers, search);
	wanted.takes_all = takes_all;
	return dns_set(&system_here, &wanted, text);
}

static bool calls_are(const char *expected)
{
	const char *calls = dnsbox_calls();
	if (strcmp(calls, expected))
		test_fail(__FILE__, __LINE__, "expected \"%s\", got \"%s\"", expected, calls);
	return !strcmp(calls, expected);
}

static bool with_resolved(void)
{
	system_here = dnsbox_system();
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", ""));
	REQUIRE(set("10.0.0.1 fd00::53", "a.example b.example", true) == 0);
	REQUIRE(!strcmp(text, "name servers set through bin/resolvectl"));
	REQUIRE(calls_are("resolvectl dns|lo|10.0.0.1|fd00::53\n"
			  "resolvectl domain|lo|a.example|b.example|~.\n"
			  "resolvectl default-route|lo|yes\n"));
	REQUIRE(!strcmp(programs_read("lo.dns"), "resolved\n") && dns_is_noted(&system_here, "lo"));
	/* others in their place, without a moment with none */
	REQUIRE(set("10.0.0.2", "", false) == 0);
	REQUIRE(calls_are("resolvectl dns|lo|10.0.0.2\nresolvectl domain|lo|\n"
			  "resolvectl default-route|lo|yes\n"));
	REQUIRE(set("10.0.0.2", "~a.example b.example", false) == 0);
	REQUIRE(calls_are("resolvectl dns|lo|10.0.0.2\n"
			  "resolvectl domain|lo|~a.example|b.example\n"
			  "resolvectl default-route|lo|no\n"));
	REQUIRE(set("10.0.0.2", "~a.example ~.", true) == 0);
	REQUIRE(calls_are("resolvectl dns|lo|10.0.0.2\nresolvectl domain|lo|~a.example|~.\n"
			  "resolvectl default-route|lo|yes\n"));
	REQUIRE(set("", "a.example", true) == 0 && !strcmp(text, "name servers as before"));
	REQUIRE(calls_are("resolvectl revert|lo\n") && !dns_is_noted(&system_here, "lo"));
	REQUIRE(set("", "", false) == 0 && !text[0] && calls_are(""));
	return close(fd) == 0;
}

TEST(dns_tells_resolved)
{
	folder_run(with_resolved);
}

static bool with_resolvconf(void)
{
	system_here = dnsbox_system();
	REQUIRE(dnsbox_program("resolvconf", ""));
	REQUIRE(set("10.0.0.1 fd00::53", "a.example ~b.example ~. c.example", true) == 0);
	REQUIRE(calls_are("resolvconf -a|lo|-m|0|-x\n"
			  "nameserver 10.0.0.1\nnameserver fd00::53\n"
			  "search a.example c.example\n"));
	REQUIRE(!strcmp(programs_read("lo.dns"), "resolvconf lo\n"));
	REQUIRE(set("10.0.0.2", "~.", false) == 0);
	REQUIRE(calls_are("resolvconf -a|lo|-m|0|-x\nnameserver 10.0.0.2\n"));
	/* the name of the record has become another one */
	FILE *file = fopen("interface-order", "we");
	REQUIRE(file && fputs("tun*\n", file) >= 0 && fclose(file) == 0);
	REQUIRE(set("10.0.0.3", "", false) == 0);
	REQUIRE(calls_are("resolvconf -d|lo|-f\n"
			  "resolvconf -a|tun.lo|-m|0|-x\nnameserver 10.0.0.3\n"));
	/* and somebody else is in charge */
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", "") && set("10.0.0.3", "", false) == 0);
	REQUIRE(calls_are("resolvconf -d|tun.lo|-f\n"
			  "resolvectl dns|lo|10.0.0.3\nresolvectl domain|lo|\n"
			  "resolvectl default-route|lo|yes\n"));
	return close(fd) == 0;
}

TEST(dns_tells_resolvconf)
{
	folder_run(with_resolvconf);
}

static bool failures(void)
{
	static const struct {
		const char *broken, *calls;
	} rows[] = {
		{"dns", "resolvectl dns|lo|10.0.0.1\n"},
		{"domain", "resolvectl dns|lo|10.0.0.1\nresolvectl domain|lo|~.\n"},
		{"default-route", "resolvectl dns|lo|10.0.0.1\nresolvectl domain|lo|~.\n"
				  "resolvectl default-route|lo|yes\n"},
	};
	system_here = dnsbox_system();
	int fd = dnsbox_resolved();
	for (size_t i = 0; i < 3; i++) {
		char script[128], said[128], calls[256];
		snprintf(script, sizeof script, "[ $op != %s ] || { echo no bus >&2; exit 4; }",
			rows[i].broken);
		REQUIRE(dnsbox_program("resolvectl", script));
		REQUIRE(set("10.0.0.1", "", true) == -EIO);
		snprintf(said, sizeof said, "resolvectl %s ended with status 4: no bus",
			rows[i].broken);
		REQUIRE(!strcmp(text, said));
		snprintf(calls, sizeof calls, "%sresolvectl revert|lo\n", rows[i].calls);
		REQUIRE(calls_are(calls) && !dns_is_noted(&system_here, "lo"));
	}
	return close(fd) == 0;
}

TEST(dns_undoes_what_failed_half_way)
{
	folder_run(failures);
}

static bool bad_programs(void)
{
	system_here = dnsbox_system();
	system_here.seconds = 1;
	REQUIRE(dnsbox_program("resolvconf", "mkfifo f$$; read x <f$$"));
	REQUIRE(set("10.0.0.1", "", true) == -ETIMEDOUT);
	REQUIRE(!strcmp(text, "resolvconf -a was ended after 1 s"));
	/* it would not take it back either: that is not forgotten */
	REQUIRE(dns_is_noted(&system_here, "lo"));
	dnsbox_calls();
	REQUIRE(dnsbox_program("resolvconf", "") && dns_undo(&system_here, "lo", text) == 0);
	REQUIRE(calls_are("resolvconf -d|lo|-f\n") && !dns_is_noted(&system_here, "lo"));
	REQUIRE(programs_make("bin", "resolvconf", "seq 100000; exit 1"));
	REQUIRE(set("10.0.0.1", "", true) == -EIO);
	REQUIRE(!strncmp(text, "resolvconf -a ended with status 1: 1 2 3 ", 40));
	REQUIRE(strlen(text) < DNS_TEXT_MAX);
	REQUIRE(unlink("bin/resolvconf") == 0);
	REQUIRE(set("10.0.0.1", "", true) == -ENOENT && strstr(text, "nothing here takes"));
	/* a script without its interpreter */
	REQUIRE(programs_make("bin", "resolvconf", "") && dns_undo(&system_here, "lo", text) == 0);
	REQUIRE(!strcmp(text, ""));
	FILE *file = fopen("bin/resolvconf", "we");
	REQUIRE(file && fputs("#!/nowhere/at/all\n", file) >= 0 && fclose(file) == 0);
	REQUIRE(set("10.0.0.1", "", true) == -ENOENT);
	REQUIRE(!strcmp(text, "bin/resolvconf cannot be run: No such file or directory"));
	return true;
}

TEST(dns_says_what_is_wrong_with_a_program)
{
	folder_run(bad_programs);
}

#define WARNING "warning: ./lo.dns told of name servers that cannot be taken back: "
#define REMOVED "; the note is removed, but resolv"

/* What nobody can take back any more does not hold up the next start. */
static bool stale_notes(void)
{
	system_here = dnsbox_system();
	REQUIRE(dnsbox_program("resolvconf", "") && set("10.0.0.1", "", true) == 0);
	REQUIRE(unlink("bin/resolvconf") == 0 && set("", "", false) == 0);
	REQUIRE(!strcmp(text, WARNING "there is no resolvconf any more" REMOVED
				      "conf may still have the record lo"));
	REQUIRE(!dns_is_noted(&system_here, "lo"));
	REQUIRE(set("", "", false) == 0 && !text[0]);
	/* there, but of no use: kept for another attempt, but not for the next life */
	REQUIRE(dnsbox_program("resolvconf", "exit 3") && set("10.0.0.1", "", true) == -EIO);
	REQUIRE(!strcmp(text, "resolvconf -a ended with status 3"));
	REQUIRE(dns_undo(&system_here, "lo", text) == -EIO && dns_is_noted(&system_here, "lo"));
	dns_undo_leftover(&system_here, "lo", text);
	REQUIRE(!strcmp(text, WARNING "resolvconf -d ended with status 3" REMOVED
				      "conf may still have the record lo"));
	REQUIRE(!dns_is_noted(&system_here, "lo"));
	/* said beside what takes its place */
	REQUIRE(set("10.0.0.1", "", true) == -EIO && dns_is_noted(&system_here, "lo"));
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", "") && set("10.0.0.1", "", true) == 0);
	REQUIRE(!strncmp(text, "name servers set through bin/resolvectl; warning: ./lo.dns ", 59));
	REQUIRE(unlink("bin/resolvectl") == 0 && dns_undo(&system_here, "lo", text) == 0);
	REQUIRE(!strcmp(text,
		WARNING "there is no resolvectl any more" REMOVED "ed may still have those of lo"));
	REQUIRE(!dns_is_noted(&system_here, "lo"));
	return close(fd) == 0;
}

TEST(dns_forgets_what_nobody_can_take_back)
{
	folder_run(stale_notes);
}

static bool note_troubles(void)
{
	system_here = dnsbox_system();
	REQUIRE(dnsbox_program("resolvconf", ""));
	system_here.notes = "nowhere";
	REQUIRE(set("10.0.0.1", "", false) == -ENOENT && calls_are(""));
	REQUIRE(!strcmp(text, "nowhere/lo.dns: No such file or directory"));
	system_here.notes = ".";
	/* what others may have left there is not followed */
	REQUIRE(symlink("elsewhere", "lo.dns") == 0);
	REQUIRE(set("10.0.0.1", "", false) == -ELOOP && calls_are(""));
	REQUIRE(unlink("lo.dns") == 0);
	static const char *const nonsense[] = {"", "resolv", "resolvconf ", "resolvconf /x\n"};
	for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
		FILE *file = fopen("lo.dns", "we");
		REQUIRE(file && fputs(nonsense[i], file) >= 0 && fclose(file) == 0);
		REQUIRE(!dns_is_noted(&system_here, "lo"));
		REQUIRE(dns_undo(&system_here, "lo", text) == 0 && calls_are(""));
	}
	return true;
}

TEST(dns_does_nothing_that_it_cannot_note)
{
	folder_run(note_troubles);
}

/* After the interface's end, or resolved's, there is nothing left to be told. */
static bool gone(void)
{
	system_here = dnsbox_system();
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", "") && set("10.0.0.1", "", false) == 0);
	dnsbox_calls();
	REQUIRE(rename("lo.dns", "no-such-link.dns") == 0);
	REQUIRE(dns_undo(&system_here, "no-such-link", text) == 0 && calls_are(""));
	REQUIRE(!dns_is_noted(&system_here, "no-such-link"));
	REQUIRE(set("10.0.0.1", "", false) == 0 && close(fd) == 0);
	dnsbox_calls();
	REQUIRE(dns_undo(&system_here, "lo", text) == 0 && calls_are(""));
	REQUIRE(!dns_is_noted(&system_here, "lo"));
	return true;
}

TEST(dns_leaves_to_resolved_what_it_forgets_itself)
{
	folder_run(gone);
}

static bool possible(void)
{
	struct to_dns wanted = dnsbox_wanted("", "a.example");
	system_here = dnsbox_system();
	REQUIRE(dns_is_possible(&system_here, &wanted, text));
	wanted = dnsbox_wanted("10.0.0.1", "a.example");
	REQUIRE(!dns_is_possible(&system_here, &wanted, text) && strstr(text, "nothing here"));
	REQUIRE(dnsbox_program("resolvconf", "") && dns_is_possible(&system_here, &wanted, text));
	return calls_are("");
}

TEST(dns_refuses_before_anything_is_touched)
{
	folder_run(possible);
}

static bool most(void)
{
	struct to_dns wanted = dnsbox_wanted("10.0.0.1", "");
	system_here = dnsbox_system();
	while (wanted.server_count < MESSAGES_SERVERS_MAX) {
		wanted.servers[wanted.server_count].family = IP_V6;
		memset(wanted.servers[wanted.server_count++].bytes, 0xfe, 16);
	}
	for (size_t i = 0; i < MESSAGES_SEARCH_MAX - 1; i++)
		wanted.search[i] = i % 2 ? ' ' : 'a';
	int fd = dnsbox_resolved();
	REQUIRE(dnsbox_program("resolvectl", "") && dnsbox_program("resolvconf", ""));
	REQUIRE(dns_set(&system_here, &wanted, text) == 0);
	const char *calls = dnsbox_calls();
	size_t bars = 0;
	for (const char *p = calls; *p; p++)
		bars += *p == '|';
	REQUIRE(bars == 1 + MESSAGES_SERVERS_MAX + 1 + MESSAGES_SEARCH_MAX / 2 + 2);
	REQUIRE(close(fd) == 0 && dns_set(&system_here, &wanted, text) == 0);
	calls = dnsbox_calls();
	REQUIRE(strlen(calls) > MESSAGES_SEARCH_MAX && !strcmp(calls + strlen(calls) - 4, "a a\n"));
	return true;
}

TEST(dns_sets_the_most_that_fits)
{
	folder_run(most);
}
